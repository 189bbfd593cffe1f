/**
 * Neural: gradients through shared memory (board.ts), on both of its sides. In: batches and this worker's gradient. Out: everyone
 * adds up the same gradients in the same order and takes the same step, at the same time. Nothing is allocated in a step, nobody is
 * woken through an event loop, and whoever waits does so in slices, so that a cancel or the end of another worker is noticed.
 */
import { eventTurn } from '../event-turn';
import type { AdamSetting, Executor, LossName } from '../executor';
import { evenChunks, throwIfAborted, type Batch } from '../fit';
import { copyRowsInto, rowSizes } from '../fit-data';
import type { GradientBoard } from './board';
import { sharesOf, type Exchange, type Team } from './exchange';

/** Between two looks at the events that wait: a cancel, a helper's failure. */
const sliceMs = 20;
/** A helper has no events to look at; whoever ends it ends it asleep. */
const helperSliceMs = 1000;
/** A page's own thread must not sleep: it looks, and lets events run in between. */
const maySleep = 'WorkerGlobalScope' in globalThis;

/** The side of the thread that trains. */
export class MemoryExchange implements Exchange {
	private batch = 0;
	private current: Batch | undefined;
	private next: Batch | undefined;
	private shares = 0;

	/** The executor must have its gradient in place. */
	constructor(
		private readonly team: Team,
		private readonly board: GradientBoard
	) {}

	order(batch: Batch): void {
		if (this.current === batch) return;
		this.prepare(this.batch + 1, batch);
		this.announce(batch);
	}

	async collect(next: Batch | undefined): Promise<number> {
		const { board, batch, team } = this;
		const { executor, helpers, options } = team;
		board.gradient(batch, 0).set(executor.gradientInPlace!());
		// Rows of the next batch are brought while helpers are still at work.
		this.next = next;
		if (next) this.prepare(batch + 1, next);
		let losses = 0;
		// Also for those without a share: nobody may fall behind by more than a batch, since places are used again.
		for (let worker = 1; worker <= helpers.length; worker++) {
			while (!board.awaitShare(batch, worker, maySleep ? sliceMs : 0)) {
				await eventTurn();
				throwIfAborted(options.signal);
				helpers[worker - 1]!.throwIfFailed();
			}
			losses += board.lossOf(batch, worker);
		}
		return losses;
	}

	step(setting: AdamSetting): void {
		const { board, batch, shares } = this;
		const { executor } = this.team;
		board.announceStep(batch, setting);
		if (this.next) this.announce(this.next);
		board.addUp(batch, shares, executor.gradientInPlace!());
		executor.step(setting);
	}

	/** Puts rows and shares of a batch where helpers will look for them. */
	private prepare(number: number, batch: Batch): void {
		const { executor, data } = this.team;
		const { input, target } = rowSizes(executor.plan, data.steps);
		const shares = sharesOf(this.team, batch);
		shares.slice(1).forEach(([from, to], k) => {
			const rows = this.board.rows(number, k + 1, to - from);
			copyRowsInto(rows.inputs, data.inputs, input, batch.order, from, to);
			copyRowsInto(rows.targets, data.targets, target, batch.order, from, to);
		});
		const { from, to, seed } = batch;
		this.board.writeOrder(number, {
			batchRows: to - from,
			seed,
			shares: shares.map(([first, end]) => [first - from, end - first] as const)
		});
	}

	private announce(batch: Batch): void {
		this.batch++;
		this.current = batch;
		this.shares = sharesOf(this.team, batch).length;
		this.board.announceOrder(this.batch);
	}
}

/** A helper's side: works from the board until the worker is ended. Rejects with what an executor throws. */
export async function workFromBoard(
	executor: Executor,
	board: GradientBoard,
	setting: { readonly worker: number; readonly steps: number; readonly loss: LossName; readonly chunkRows: number }
): Promise<never> {
	const { worker, steps, loss, chunkRows } = setting;
	const { input, target } = board.sizes;
	for (let batch = 1; ; batch++) {
		while (!board.awaitOrder(batch, helperSliceMs));
		const { batchRows, seed, shares } = board.readOrder(batch);
		const [first, rows] = shares[worker] ?? [0, 0];
		if (rows > 0) {
			const { inputs, targets } = board.rows(batch, worker, rows);
			for (const [from, to] of evenChunks(0, rows, chunkRows))
				executor.accumulate(
					{
						inputs: inputs.subarray(from * input, to * input),
						targets: targets.subarray(from * target, to * target),
						rows: to - from,
						steps
					},
					{ loss, batchRows, firstRow: first + from, seed }
				);
			board.gradient(batch, worker).set(executor.gradientInPlace!());
		}
		board.announceShare(batch, worker, await executor.takeLoss());
		while (!board.awaitStep(batch, helperSliceMs));
		const adam = board.stepSetting();
		board.addUp(batch, shares.length, executor.gradientInPlace!());
		executor.step(adam);
	}
}
