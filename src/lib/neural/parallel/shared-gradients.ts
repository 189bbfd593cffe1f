/**
 * Neural: data-parallel training. In: the executor of the thread that trains, the data, how many workers. Out: gradients of
 * whole batches: each worker takes an even share of the rows, the shares are added up in a fixed order, and everyone takes the
 * same Adam step with the sum, so that weights never travel. The result depends on the number of workers by rounding only.
 */
import { fromPlainError, MillwrightError } from '../../contracts/error';
import type { BackendName } from '../backends';
import type { FitData, FitOptions } from '../engine';
import { pacedTurns } from '../event-turn';
import type { Executor } from '../executor';
import { evenChunks, throwIfAborted, type Batch, type BatchGradients } from '../fit';
import { gatherChunk } from '../fit-data';
import type { FromHelper, ToHelper } from './protocol';

interface Share {
	readonly gradient: Float32Array;
	readonly loss: number;
}

/** One helping worker: at most one question open at a time, which never stays unsettled. */
class Helper {
	private readonly worker = new Worker(new URL('./gradient.worker.ts', import.meta.url), {
		type: 'module',
		name: 'gradient'
	});
	private settle: { resolve: (share: Share | undefined) => void; reject: (error: unknown) => void } | undefined;
	private failure: MillwrightError | undefined;
	private readonly ended = new AbortController();

	constructor() {
		this.worker.onmessage = (event: MessageEvent<FromHelper>) => {
			const message = event.data;
			if (message.kind === 'ready' && message.lock) this.watch(message.lock);
			if (message.kind === 'failed') this.fail(fromPlainError(message.error));
			else this.settle?.resolve(message.kind === 'gradient' ? message : undefined);
		};
		this.worker.onerror = (event) => {
			event.preventDefault();
			this.fail(
				new MillwrightError('worker-crashed', `A training worker failed: ${event.message || 'it could not start'}.`)
			);
		};
		this.worker.onmessageerror = () =>
			this.fail(new MillwrightError('worker-crashed', 'A training worker sent something unreadable.'));
	}

	ask(message: ToHelper, transfer: Transferable[] = []): Promise<Share | undefined> {
		return new Promise((resolve, reject) => {
			if (this.failure) return reject(this.failure);
			this.settle = { resolve, reject };
			this.worker.postMessage(message, transfer);
		});
	}

	tell(message: ToHelper, transfer: Transferable[]): void {
		this.worker.postMessage(message, transfer);
	}

	terminate(): void {
		this.ended.abort();
		this.worker.terminate();
		this.fail(new MillwrightError('aborted', 'Training was cancelled.'));
	}

	/** The lock that a worker holds while it lives is free only when it has ended. */
	private watch(lock: string): void {
		const crashed = new MillwrightError('worker-crashed', 'A training worker ended without a word.');
		navigator.locks.request(lock, { signal: this.ended.signal }, () => this.fail(crashed)).catch(() => undefined);
	}

	private fail(error: MillwrightError): void {
		this.failure ??= error;
		this.settle?.reject(error);
	}
}

/** What the promise gives, or `aborted` at once when the signal fires: nobody waits for a worker that is about to be ended. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal) return promise;
	return new Promise((resolve, reject) => {
		const onAbort = () => reject(new MillwrightError('aborted', 'Training was cancelled.'));
		if (signal.aborted) onAbort();
		signal.addEventListener('abort', onAbort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
	});
}

/** `compute` rejects with `worker-crashed` when a helper fails at work. The executor must have started training. */
export function shareGradients(
	backend: BackendName,
	executor: Executor,
	data: FitData,
	options: FitOptions,
	chunkRows: number
): BatchGradients {
	const { plan } = executor;
	const workers = Math.max(1, Math.min(options.workers ?? 1, options.batchSize, 64));
	const helpers = Array.from({ length: workers - 1 }, () => new Helper());
	const turn = pacedTurns();
	const loss = options.loss ?? 'mse';
	let lossOfHelpers = 0;
	let sum: Float32Array | undefined;
	/** The batch that helpers are at work on, with their answers. */
	let asked: { readonly batch: Batch; readonly answers: readonly Promise<Share | undefined>[] } | undefined;
	/** Helpers' gradients that have been added up: the sum goes back in the same memory. */
	let spent: Float32Array[] = [];
	let ready: Promise<unknown> | undefined;

	/** Helpers begin with the weights and moments that this thread has when the first batch comes. */
	async function startHelpers(): Promise<void> {
		const [weights, moments] = [await executor.readWeights(), await executor.readMoments()];
		const start: ToHelper = { kind: 'start', backend, spec: plan.spec, weights, moments, chunkRows };
		try {
			await Promise.all(helpers.map((helper) => helper.ask(start)));
		} catch (error) {
			if (options.signal?.aborted) throw error;
			// A browser that will not start workers from here trains all the same; the result says with how many.
			helpers.splice(0).forEach((helper) => helper.terminate());
		}
	}

	/** Even shares of a batch, this thread's first. */
	const sharesOf = ({ from, to }: Batch) => evenChunks(from, to, Math.ceil((to - from) / (helpers.length + 1)));

	function askHelpers(batch: Batch): Promise<Share | undefined>[] {
		const { order, from, to, seed } = batch;
		const shares = sharesOf(batch).slice(1);
		return shares.map(([begin, end], k) => {
			const rows = gatherChunk(plan, data, order, begin, end);
			const place = { loss, batchRows: to - from, firstRow: begin - from, seed };
			const transfer = [rows.inputs.buffer, rows.targets.buffer] as ArrayBuffer[];
			const answer = helpers[k]!.ask({ kind: 'compute', rows, place }, transfer);
			// Awaited later; a failure before that must not count as unhandled.
			answer.catch(() => undefined);
			return answer;
		});
	}

	return {
		get workers() {
			return helpers.length + 1;
		},
		async compute(batch) {
			await orAborted((ready ??= startHelpers()), options.signal);
			const { order, from, seed } = batch;
			const batchRows = batch.to - from;
			const answers = asked?.batch === batch ? asked.answers : askHelpers(batch);
			asked = undefined;
			const [begin, end] = sharesOf(batch)[0]!;
			for (const [at, until] of evenChunks(begin, end, chunkRows)) {
				executor.accumulate(gatherChunk(plan, data, order, at, until), { loss, batchRows, firstRow: at - from, seed });
				await turn();
				throwIfAborted(options.signal);
			}
			const inPlace = executor.gradientInPlace?.();
			sum = inPlace ?? (await executor.takeGradient());
			spent = [];
			for (const answer of answers) {
				const { gradient, loss: lossOfShare } = (await orAborted(answer, options.signal))!;
				addTo(sum, gradient);
				spent.push(gradient);
				lossOfHelpers += lossOfShare;
			}
			if (!inPlace) executor.setGradient(sum);
		},
		step(setting, next) {
			helpers.forEach((helper, k) => {
				const gradient = spent[k] ?? new Float32Array(sum!.length);
				gradient.set(sum!);
				helper.tell({ kind: 'step', gradient, setting }, [gradient.buffer as ArrayBuffer]);
			});
			// Helpers go on with the next rows at once, without waiting for this thread's own step.
			if (next && helpers.length) asked = { batch: next, answers: askHelpers(next) };
			executor.step(setting);
		},
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

function addTo(sum: Float32Array, share: Float32Array): void {
	for (let k = 0; k < sum.length; k++) sum[k]! += share[k]!;
}
