/** What the page uses to write and read large files: spawns the worker and types its api. */
import type { FilesApi } from './files.api';
import { spawnWorker, type WorkerHandle } from './host';

export function spawnFiles(): WorkerHandle<FilesApi> {
	return spawnWorker<FilesApi>(
		() => new Worker(new URL('./files.worker.ts', import.meta.url), { type: 'module', name: 'files' }),
		'files'
	);
}
