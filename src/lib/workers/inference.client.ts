/** What the page uses to reach scoring: spawns the worker and types its api. */
import { spawnWorker, type WorkerHandle } from './host';
import type { InferenceApi } from './inference.api';

export function spawnInference(): WorkerHandle<InferenceApi> {
	return spawnWorker<InferenceApi>(
		() => new Worker(new URL('./inference.worker.ts', import.meta.url), { type: 'module', name: 'inference' }),
		'inference'
	);
}
