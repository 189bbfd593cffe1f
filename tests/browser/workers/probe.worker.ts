/** A worker for the host's tests: does what it is told, including dying. */
import { MillwrightError } from '$lib/contracts';
import { exposeWorker } from '$lib/workers/expose';

export interface ProbeApi {
	add(a: number, b: number): Promise<number>;
	fail(): Promise<void>;
	hang(): Promise<void>;
	throwLater(): Promise<void>;
	close(): Promise<void>;
	count(to: number, onStep: (n: number) => void): Promise<void>;
}

exposeWorker<ProbeApi>({
	add: async (a, b) => a + b,
	async fail() {
		throw new MillwrightError('invalid-file', 'Row 3', { row: 3 });
	},
	hang: () => new Promise(() => undefined),
	async throwLater() {
		setTimeout(() => {
			throw new Error('later');
		});
	},
	async close() {
		setTimeout(() => self.close());
	},
	async count(to, onStep) {
		for (let n = 0; n < to; n++) onStep(n);
	}
});
