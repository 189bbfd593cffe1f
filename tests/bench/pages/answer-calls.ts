/** Benchmark workers: runs the task that a call names. In: calls from `pass-calls.ts`. Out: their results, or the error's words. */
export function answerCalls(tasks: Readonly<Record<string, (...args: never[]) => unknown>>): void {
	self.onmessage = async ({ data }: MessageEvent<{ id: number; name: string; args: never[] }>) => {
		try {
			self.postMessage({ id: data.id, result: await tasks[data.name]!(...data.args) });
		} catch (error) {
			self.postMessage({ id: data.id, error: (error as Error).stack ?? String(error) });
		}
	};
}
