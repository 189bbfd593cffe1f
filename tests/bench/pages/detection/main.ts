/** Benchmark page of detection: everything runs in a worker, as it does in the app; the page only passes calls on. */
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'detection-bench' });
let next = 0;
const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
worker.onmessage = ({ data }) => {
	const call = waiting.get(data.id);
	waiting.delete(data.id);
	if (data.error) call?.reject(new Error(data.error));
	else call?.resolve(data.result);
};
worker.onerror = (event) => {
	for (const call of waiting.values()) call.reject(new Error(event.message));
};

function call(name: string, ...args: unknown[]): Promise<unknown> {
	return new Promise((resolve, reject) => {
		const id = next++;
		waiting.set(id, { resolve, reject });
		worker.postMessage({ id, name, args });
	});
}
Object.assign(window, { detectionBench: call });
