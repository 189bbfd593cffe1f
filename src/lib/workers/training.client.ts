/** What the page uses to reach training: spawns the worker and types its api. */
import { spawnWorker, type WorkerHandle } from './host';
import type { TrainingApi } from './training.api';

export function spawnTraining(): WorkerHandle<TrainingApi> {
	return spawnWorker<TrainingApi>(
		() => new Worker(new URL('./training.worker.ts', import.meta.url), { type: 'module', name: 'training' }),
		'training'
	);
}
