/**
 * Neural: gradients by messages, arrays by transfer. In: batches. Out: the sum in the executor here, and sent to every helper. For
 * pages that are not cross-origin isolated, and networks whose gradient does not lie in one place.
 */
import { MillwrightError } from '../../contracts/error';
import type { AdamSetting } from '../executor';
import type { Batch } from '../fit';
import { gatherChunk } from '../fit-data';
import { placeOf, sharesOf, type Exchange, type Team } from './exchange';
import type { Share } from './helper';

export class MessageExchange implements Exchange {
	private sum: Float32Array | undefined;
	/** The batch that helpers are at work on, with their answers. */
	private asked: { readonly batch: Batch; readonly answers: readonly Promise<Share | undefined>[] } | undefined;
	private next: Batch | undefined;
	/** Helpers' gradients that have been added up: the sum goes back in the same memory. */
	private spent: Float32Array[] = [];

	constructor(private readonly team: Team) {}

	order(batch: Batch): void {
		if (this.asked?.batch === batch) return;
		const { executor, helpers, data } = this.team;
		const shares = sharesOf(this.team, batch).slice(1);
		const answers = shares.map(([from, to], k) => {
			const rows = gatherChunk(executor.plan, data, batch.order, from, to);
			const transfer = [rows.inputs.buffer, rows.targets.buffer] as ArrayBuffer[];
			const answer = helpers[k]!.ask({ kind: 'compute', rows, place: placeOf(this.team, batch, from) }, transfer);
			// Awaited later; a failure before that must not count as unhandled.
			answer.catch(() => undefined);
			return answer;
		});
		this.asked = { batch, answers };
	}

	async collect(next: Batch | undefined): Promise<number> {
		const { executor, options } = this.team;
		const inPlace = executor.gradientInPlace?.();
		const sum = inPlace ?? (await executor.takeGradient());
		let losses = 0;
		this.spent = [];
		for (const answer of this.asked?.answers ?? []) {
			const { gradient, loss } = (await orAborted(answer, options.signal))!;
			addTo(sum, gradient);
			this.spent.push(gradient);
			losses += loss;
		}
		if (!inPlace) executor.setGradient(sum);
		this.sum = sum;
		this.next = next;
		return losses;
	}

	step(setting: AdamSetting): void {
		const { executor, helpers } = this.team;
		helpers.forEach((helper, k) => {
			const gradient = this.spent[k] ?? new Float32Array(this.sum!.length);
			gradient.set(this.sum!);
			helper.tell({ kind: 'step', gradient, setting }, [gradient.buffer as ArrayBuffer]);
		});
		// Helpers go on with the next rows at once, without waiting for this thread's own step.
		if (this.next) this.order(this.next);
		executor.step(setting);
	}
}

/** What the promise gives, or `aborted` at once when the signal fires: nobody waits for a worker that is about to be ended. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal) return promise;
	return new Promise((resolve, reject) => {
		const onAbort = () => reject(new MillwrightError('aborted', 'Training was cancelled.'));
		if (signal.aborted) onAbort();
		signal.addEventListener('abort', onAbort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
	});
}

function addTo(sum: Float32Array, share: Float32Array): void {
	for (let k = 0; k < sum.length; k++) sum[k]! += share[k]!;
}
