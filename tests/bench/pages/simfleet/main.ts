/** Page of `npm run bench:simfleet`: hands one class at a time to the worker and gives its outcome back. */
import type { ClassOutcome, ClassTask } from './protocol';

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
worker.onerror = (event) => console.error(event.message);

/** `weights`: base64. */
async function runClass(task: Omit<ClassTask, 'weights'> & { weights: string }): Promise<ClassOutcome> {
	const weights = Uint8Array.from(atob(task.weights), (letter) => letter.charCodeAt(0)).buffer;
	return new Promise((resolve, reject) => {
		worker.onmessage = ({ data }: MessageEvent<ClassOutcome | { error: string }>) =>
			'error' in data ? reject(new Error(data.error)) : resolve(data);
		worker.postMessage({ ...task, weights } satisfies ClassTask, [weights]);
	});
}
Object.assign(globalThis, { runClass });
