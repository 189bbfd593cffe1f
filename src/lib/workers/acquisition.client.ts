/** What the page uses to reach Data Acquisition: spawns the worker and types its api. */
import type { AcquisitionApi } from './acquisition.api';
import { spawnWorker, type WorkerHandle } from './host';

export function spawnAcquisition(): WorkerHandle<AcquisitionApi> {
	return spawnWorker<AcquisitionApi>(
		() => new Worker(new URL('./acquisition.worker.ts', import.meta.url), { type: 'module', name: 'acquisition' }),
		'acquisition'
	);
}
