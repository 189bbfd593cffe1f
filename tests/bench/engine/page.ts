/** Benchmark page: starts the worker that holds all engines and passes calls to it. Driven by `tests/bench/engine.ts`. */
import type { BenchCall, BenchReply } from './protocol';

const workers = new Map<string, (request: BenchCall) => Promise<unknown>>();

function startWorker(): (request: BenchCall) => Promise<unknown> {
	const worker = new Worker(new URL('./engines.worker.ts', import.meta.url), { type: 'module' });
	const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
	let next = 0;
	worker.onmessage = ({ data }: MessageEvent<BenchReply>) => {
		const call = waiting.get(data.id);
		waiting.delete(data.id);
		if (data.error !== undefined) call?.reject(new Error(data.error));
		else call?.resolve(data.value);
	};
	worker.onerror = (event) => waiting.forEach(({ reject }) => reject(new Error(`Worker failed: ${event.message}`)));
	return (request) =>
		new Promise((resolve, reject) => {
			const id = next++;
			waiting.set(id, { resolve, reject });
			worker.postMessage({ ...request, id });
		});
}

const api = {
	/** Each named worker holds engines of its own. */
	call(name: string, request: BenchCall): Promise<unknown> {
		let call = workers.get(name);
		if (!call) workers.set(name, (call = startWorker()));
		return call(request);
	}
};

(globalThis as unknown as { bench: typeof api }).bench = api;
