/**
 * Neural: how the shares of a batch reach the thread that trains and the sum reaches the helpers. In: batches, this thread's
 * gradient. Out: everyone has taken the step with the sum. Two ways with the same result: messages (message-exchange.ts), which any
 * page can send, and shared memory (memory-exchange.ts).
 */
import type { FitData, FitOptions } from '../engine';
import type { AdamSetting, ChunkPlace, Executor } from '../executor';
import { evenChunks, type Batch } from '../fit';
import type { Helper } from './helper';

export interface Exchange {
	/** Sets the helpers to work on their shares of a batch, unless they already are. */
	order(batch: Batch): void;
	/**
	 * When this thread's share is done: waits for all others. Gives their loss. `next`: what will be asked for after the step.
	 * Rejects with `worker-crashed` when a helper fails, `aborted` when the signal fires.
	 */
	collect(next: Batch | undefined): Promise<number>;
	/** One step with the sum of all shares, here and in every helper. */
	step(setting: AdamSetting): void;
}

/** What both ways need to know. `helpers` may be empty. */
export interface Team {
	readonly executor: Executor;
	readonly helpers: readonly Helper[];
	readonly data: FitData;
	readonly options: FitOptions;
}

/** Even shares of a batch: rows [from, to) of its order, this thread's first. */
export function sharesOf({ helpers }: Team, { from, to }: Batch): [from: number, to: number][] {
	return evenChunks(from, to, Math.ceil((to - from) / (helpers.length + 1)));
}

export function placeOf({ options }: Team, { from, to, seed }: Batch, first: number): ChunkPlace {
	return { loss: options.loss ?? 'mse', batchRows: to - from, firstRow: first - from, seed };
}
