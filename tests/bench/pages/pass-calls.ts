/**
 * Benchmark pages: the work runs in a worker, as in the app; the page only passes calls on. In: a worker that `answer-calls.ts`
 * serves. Out: `benchCall(task, ...args)` on the window, which `worker-page.ts` calls from Node.
 */
export function passCalls(worker: Worker): void {
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
	const benchCall = (name: string, ...args: unknown[]): Promise<unknown> =>
		new Promise((resolve, reject) => {
			const id = next++;
			waiting.set(id, { resolve, reject });
			worker.postMessage({ id, name, args });
		});
	Object.assign(window, { benchCall });
}
