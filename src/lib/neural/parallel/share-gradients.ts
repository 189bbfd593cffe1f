/**
 * Neural: data-parallel training. In: the executor of the thread that trains, the data, how many workers. Out: gradients of
 * whole batches: each worker takes an even share of the rows, the shares are added up in a fixed order, and everyone takes the
 * same Adam step with the sum, so that weights never travel. The result depends on the number of workers by rounding only, and
 * not on whether gradients go through shared memory or by messages.
 */
import type { LoadedBackend } from '../backends';
import type { FitData, FitOptions } from '../engine';
import { pacedTurns } from '../event-turn';
import type { Executor } from '../executor';
import { evenChunks, throwIfAborted, type BatchGradients } from '../fit';
import { gatherChunk, rowSizes } from '../fit-data';
import { GradientBoard } from './board';
import { placeOf, sharesOf, type Exchange, type Team } from './exchange';
import { Helper } from './helper';
import { MemoryExchange } from './memory-exchange';
import { MessageExchange, orAborted } from './message-exchange';

/** `compute` rejects with `worker-crashed` when a helper fails at work. The executor must have started training. */
export function shareGradients(
	{ name: backend, module }: LoadedBackend,
	executor: Executor,
	data: FitData,
	options: FitOptions,
	chunkRows: number
): BatchGradients {
	const { plan } = executor;
	const workers = Math.max(1, Math.min(options.workers ?? 1, options.batchSize, 64));
	const helpers = Array.from({ length: workers - 1 }, () => new Helper());
	const team: Team = { executor, helpers, data, options };
	const turn = pacedTurns();
	let lossOfHelpers = 0;
	let sharesMemory = false;
	let starting: Promise<Exchange> | undefined;

	/** Helpers begin with the weights and moments that this thread has when the first batch comes. */
	async function start(): Promise<Exchange> {
		const [weights, moments] = [await executor.readWeights(), await executor.readMoments()];
		const board = makeBoard();
		try {
			await Promise.all(
				helpers.map((helper, k) =>
					helper.ask({
						kind: 'start',
						backend,
						build: module?.build,
						spec: plan.spec,
						weights,
						moments,
						chunkRows,
						...(board && {
							board: {
								memory: board.memory,
								sizes: board.sizes,
								worker: k + 1,
								steps: data.steps,
								loss: options.loss ?? 'mse'
							}
						})
					})
				)
			);
		} catch (error) {
			if (options.signal?.aborted) throw error;
			// A browser that will not start workers from here trains all the same; the result says with how many.
			helpers.splice(0).forEach((helper) => helper.terminate());
		}
		if (!board || helpers.length === 0) return new MessageExchange(team);
		sharesMemory = true;
		return new MemoryExchange(team, board);
	}

	function makeBoard(): GradientBoard | undefined {
		const gradient = executor.gradientInPlace?.().length;
		if (gradient === undefined || helpers.length === 0) return undefined;
		const rows = Math.ceil(options.batchSize / workers);
		const { input, target } = rowSizes(plan, data.steps);
		return GradientBoard.make({ workers, gradient, rows, input, target });
	}

	let exchange: Exchange | undefined;
	return {
		get workers() {
			return helpers.length + 1;
		},
		get sharesMemory() {
			return sharesMemory;
		},
		async compute(batch, next) {
			exchange ??= await orAborted((starting ??= start()), options.signal);
			exchange.order(batch);
			const [from, to] = sharesOf(team, batch)[0]!;
			for (const [at, until] of evenChunks(from, to, chunkRows)) {
				executor.accumulate(gatherChunk(plan, data, batch.order, at, until), placeOf(team, batch, at));
				await turn();
				throwIfAborted(options.signal);
			}
			lossOfHelpers += await exchange.collect(next);
		},
		step: (setting) => exchange!.step(setting),
		async takeLoss() {
			const total = lossOfHelpers + (await executor.takeLoss());
			lossOfHelpers = 0;
			return total;
		},
		dispose() {
			helpers.forEach((helper) => helper.terminate());
		}
	};
}
