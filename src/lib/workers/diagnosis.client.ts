/** What the page uses to reach diagnosis: spawns the worker and types its api. */
import type { DiagnosisApi } from './diagnosis.api';
import { spawnWorker, type WorkerHandle } from './host';

export function spawnDiagnosis(): WorkerHandle<DiagnosisApi> {
	return spawnWorker<DiagnosisApi>(
		() => new Worker(new URL('./diagnosis.worker.ts', import.meta.url), { type: 'module', name: 'diagnosis' }),
		'diagnosis'
	);
}
