/**
 * Neural: the training loop. In: a network's weights, data and options. Out: trained weights in place and what it took.
 * Everything that decides the result (order, dropout, noise, chunk sizes) follows from the seed and the shapes alone, never
 * from time, so one backend gives the same bits again; a checkpoint between epochs holds the rest.
 */
import { add, dispose, keep, tensor, tidy, zeros, type Tensor } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../contracts/error';
import type { FitCheckpoint, FitData, FitOptions, FitProgress, FitResult } from './engine';
import { pacedTurns } from './event-turn';
import { checkFitData, gatherRows, rowSizes } from './fit-data';
import { gradientOfChunk, lossOfChunk, type ChunkScale } from './gradient';
import { runFusedAdam, type AdamState } from './kernels/adam-kernel';
import { splitWeights, type NetworkPlan } from './network-spec';
import { seedOf, shuffledIndices } from './random';

/** Where the loop finds and leaves the network's weights (it owns what it leaves until the next is left). */
export interface WeightHolder {
	get(): readonly Tensor[];
	/** Takes the new ones over and disposes the old. */
	replace(weights: Tensor[]): void;
}

/** Gradient of one batch: what differs between one worker and several. The caller disposes what comes back. */
export interface BatchGradients {
	/** Rows `order[from..to)` are the batch; `seed` names its randomness. */
	compute(order: Uint32Array, from: number, to: number, seed: number): Promise<{ loss: number; gradients: Tensor[] }>;
	dispose(): void;
}

export interface FitSetting {
	readonly plan: NetworkPlan;
	readonly holder: WeightHolder;
	/** Rows that one uninterrupted piece of work may have: bounds memory and the time to notice a cancel. */
	readonly chunkRows: number;
	readonly gradients: BatchGradients;
	/** Reads tensors on the host (asynchronously where the backend demands it). */
	readonly read: (tensors: readonly Tensor[]) => Promise<Float32Array>;
}

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-7;

/** Throws when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
	if (signal?.aborted) throw new MillwrightError('aborted', 'Training was cancelled.');
}

/** Trains. Rejects with `aborted` when cancelled (weights: the best so far), `invalid-input` for data that does not fit. */
export async function runFit(setting: FitSetting, data: FitData, options: FitOptions): Promise<FitResult> {
	const { plan, holder } = setting;
	checkOptions(options);
	const job = new FitJob(setting, data, options);
	try {
		throwIfAborted(options.signal);
		job.start();
		while (job.epoch < options.epochs && !job.stopped) {
			await job.runEpoch();
			if (options.onCheckpoint) options.onCheckpoint(await job.checkpoint());
		}
		return job.result();
	} finally {
		if (job.best) holder.replace(tensorsOf(plan, job.best.weights));
		job.dispose();
	}
}

class FitJob {
	epoch = 0;
	stopped = false;
	best: FitCheckpoint['best'];
	private step = 0;
	private learningRate: number;
	private epochsWithoutGain = 0;
	private lossCurve: { epoch: number; train: number; validation: number }[] = [];
	private secondsBefore = 0;
	private windowsNow = 0;
	private reportedAt = -Infinity;
	private m: Tensor[] = [];
	private v: Tensor[] = [];
	private readonly startedAt = performance.now();
	private readonly batches: number;
	private readonly scaleOf: (rows: number) => ChunkScale;

	constructor(
		private readonly setting: FitSetting,
		private readonly data: FitData,
		private readonly options: FitOptions
	) {
		this.learningRate = options.learningRate;
		this.batches = Math.ceil(data.count / options.batchSize);
		this.scaleOf = (rows) => chunkScale(setting.plan, data.steps, rows, options);
	}

	start(): void {
		const { plan, holder } = this.setting;
		const from = this.options.resumeFrom;
		if (from) checkCheckpoint(plan, from, this.options);
		if (from) {
			this.epoch = from.epoch;
			this.step = from.step;
			this.learningRate = from.learningRate;
			this.best = from.best;
			this.epochsWithoutGain = from.epochsWithoutGain;
			this.lossCurve = [...from.lossCurve];
			this.secondsBefore = from.seconds;
			holder.replace(tensorsOf(plan, from.weights));
			this.m = tensorsOf(plan, from.m);
			this.v = tensorsOf(plan, from.v);
			this.stopped = this.options.patience !== undefined && from.epochsWithoutGain >= this.options.patience;
		} else {
			this.m = plan.weights.map((weight) => keep(zeros(weight.shape as number[])));
			this.v = plan.weights.map((weight) => keep(zeros(weight.shape as number[])));
		}
	}

	async runEpoch(): Promise<void> {
		const { options, data, setting } = this;
		const order = shuffledIndices(data.count, seedOf(options.seed, 2, this.epoch));
		let lossSum = 0;
		for (let batch = 0; batch < this.batches; batch++) {
			throwIfAborted(options.signal);
			const from = batch * options.batchSize;
			const to = Math.min(data.count, from + options.batchSize);
			const { loss, gradients } = await setting.gradients.compute(order, from, to, seedOf(options.seed, 3, this.step));
			if (!Number.isFinite(loss)) {
				dispose(gradients);
				throw new MillwrightError(
					'invalid-input',
					`Training diverged: the loss is ${loss} in epoch ${this.epoch + 1}, batch ${batch + 1}. Lower the learning rate (${this.rate()}) or set clipNorm.`,
					{ epoch: this.epoch + 1, batch: batch + 1, learningRate: this.rate() }
				);
			}
			this.applyStep(gradients);
			lossSum += loss * (to - from);
			this.windowsNow += to - from;
			this.report(batch + 1);
		}
		const train = lossSum / data.count;
		const validation = options.validation ? await this.validate(options.validation) : NaN;
		this.epoch++;
		this.lossCurve.push({ epoch: this.epoch, train, validation });
		await this.judge(validation);
		this.report(this.batches);
	}

	private applyStep(gradients: Tensor[]): void {
		const { plan, holder } = this.setting;
		const state: AdamState = { weights: [...holder.get()], m: this.m, v: this.v };
		const next = runFusedAdam(state, gradients, {
			count: plan.weights.length,
			step: this.step + 1,
			learningRate: this.rate(),
			beta1,
			beta2,
			epsilon,
			weightDecay: this.options.weightDecay ?? 0,
			clipNorm: this.options.clipNorm ?? 0,
			decays: plan.weights.map((weight) => weight.decays)
		});
		dispose(gradients);
		dispose(this.m);
		dispose(this.v);
		next.norm.dispose();
		holder.replace(next.weights);
		this.m = next.m;
		this.v = next.v;
		this.step++;
	}

	/** Rate of the next step. Cosine: from the given rate to `minimum` over all epochs (Loshchilov & Hutter 2017). */
	private rate(): number {
		const schedule = this.options.learningRateSchedule;
		if (schedule?.kind !== 'cosine') return this.learningRate;
		const done = Math.min(1, this.step / (this.batches * this.options.epochs));
		return schedule.minimum + 0.5 * (this.learningRate - schedule.minimum) * (1 + Math.cos(Math.PI * done));
	}

	private async validate(data: FitData): Promise<number> {
		const { plan, holder, chunkRows, read } = this.setting;
		const turn = pacedTurns();
		let loss = 0;
		for (let from = 0; from < data.count; from += chunkRows) {
			throwIfAborted(this.options.signal);
			const to = Math.min(data.count, from + chunkRows);
			const part = tidy(() => {
				const { x, target } = gatherRows(plan, data, undefined, from, to);
				return lossOfChunk(plan, holder.get(), x, target, chunkScale(plan, data.steps, to - from, this.options));
			});
			loss += ((await read([part]))[0]! * (to - from)) / data.count;
			part.dispose();
			await turn();
		}
		return loss;
	}

	/** Keeps the best weights, lowers the rate on a plateau, and stops when patience is used up. */
	private async judge(validation: number): Promise<void> {
		const { options, setting } = this;
		if (!options.validation) return;
		if (!this.best || validation < this.best.loss) {
			this.best = { weights: await setting.read(setting.holder.get()), epoch: this.epoch, loss: validation };
			this.epochsWithoutGain = 0;
			return;
		}
		this.epochsWithoutGain++;
		const schedule = options.learningRateSchedule;
		const plateau = Math.max(1, Math.floor((options.patience ?? 6) / 2));
		if (schedule?.kind === 'plateau' && this.epochsWithoutGain % plateau === 0)
			this.learningRate = Math.max(schedule.minimum, this.learningRate / 2);
		if (options.patience !== undefined && this.epochsWithoutGain >= options.patience) this.stopped = true;
	}

	async checkpoint(): Promise<FitCheckpoint> {
		const { plan, holder, read } = this.setting;
		return {
			format: 1,
			spec: plan.spec,
			seed: this.options.seed,
			epoch: this.epoch,
			step: this.step,
			weights: await read(holder.get()),
			m: await read(this.m),
			v: await read(this.v),
			learningRate: this.learningRate,
			best: this.best,
			epochsWithoutGain: this.epochsWithoutGain,
			lossCurve: [...this.lossCurve],
			seconds: this.seconds()
		};
	}

	private seconds(): number {
		return this.secondsBefore + (performance.now() - this.startedAt) / 1000;
	}

	private report(batch: number): void {
		const { onProgress, epochs } = this.options;
		if (!onProgress) return;
		// A caller in another thread pays for each report: four a second and the end of each epoch are enough.
		if (batch < this.batches && performance.now() - this.reportedAt < 250) return;
		this.reportedAt = performance.now();
		const elapsed = (performance.now() - this.startedAt) / 1000;
		const windowsPerSecond = this.windowsNow / Math.max(elapsed, 1e-3);
		const atEnd = batch === this.batches && this.lossCurve.length === this.epoch && this.epoch > 0;
		const epochsLeft = epochs - this.epoch - (atEnd ? 0 : Math.min(1, batch / this.batches));
		onProgress({
			epoch: Math.min(epochs, atEnd ? this.epoch : this.epoch + 1),
			epochs,
			batch,
			batches: this.batches,
			windowsPerSecond,
			secondsLeft: (Math.max(0, epochsLeft) * this.data.count) / Math.max(windowsPerSecond, 1e-6),
			lossCurve: [...this.lossCurve]
		});
	}

	result(): FitResult {
		const last = this.lossCurve[this.lossCurve.length - 1];
		const bestEpoch = this.best?.epoch ?? this.epoch;
		const best = this.lossCurve[bestEpoch - 1] ?? last;
		return {
			lossCurve: [...this.lossCurve],
			bestEpoch,
			trainLoss: best?.train ?? NaN,
			validationLoss: best?.validation ?? NaN,
			seconds: this.seconds(),
			windows: this.epoch * this.data.count
		};
	}

	dispose(): void {
		dispose(this.m);
		dispose(this.v);
		this.setting.gradients.dispose();
	}
}

/** Gradients on this thread: the batch in chunks, added up in order. */
export function localGradients(
	plan: NetworkPlan,
	holder: WeightHolder,
	data: FitData,
	options: Pick<FitOptions, 'loss' | 'signal'>,
	chunkRows: number,
	read: FitSetting['read']
): BatchGradients {
	const turn = pacedTurns();
	return {
		async compute(order, from, to, seed) {
			const scale = chunkScale(plan, data.steps, to - from, options);
			const sum = await sumChunks(
				plan,
				holder.get(),
				data,
				order,
				{ from, to, firstRow: 0 },
				scale,
				seed,
				chunkRows,
				async () => {
					await turn();
					throwIfAborted(options.signal);
				}
			);
			const loss = (await read([sum.loss]))[0]!;
			sum.loss.dispose();
			return { loss, gradients: sum.gradients };
		},
		dispose() {}
	};
}

/** Adds the gradients of rows `order[from..to)`, chunk by chunk; `firstRow` is the number of `from` in its batch. */
export async function sumChunks(
	plan: NetworkPlan,
	weights: readonly Tensor[],
	data: FitData,
	order: Uint32Array,
	rows: { readonly from: number; readonly to: number; readonly firstRow: number },
	scale: ChunkScale,
	seed: number,
	chunkRows: number,
	between: () => Promise<void>
): Promise<{ loss: Tensor; gradients: Tensor[] }> {
	let sum: Tensor[] | undefined;
	try {
		for (let at = rows.from; at < rows.to; at += chunkRows) {
			const end = Math.min(rows.to, at + chunkRows);
			const before = sum;
			sum = tidy(() => {
				const { x, target } = gatherRows(plan, data, order, at, end);
				const place = { seed, firstRow: rows.firstRow + at - rows.from };
				const { loss, gradients } = gradientOfChunk(plan, weights, x, target, scale, place);
				const parts = [loss, ...gradients];
				return before ? parts.map((part, k) => add(before[k]!, part)) : parts;
			});
			if (before) dispose(before);
			await between();
		}
	} catch (error) {
		if (sum) dispose(sum);
		throw error;
	}
	const [loss, ...gradients] = sum!;
	return { loss: loss!, gradients };
}

export function chunkScale(
	plan: NetworkPlan,
	steps: number,
	rows: number,
	options: Pick<FitOptions, 'loss'>
): ChunkScale {
	return {
		loss: options.loss ?? 'mse',
		elementScale: 1 / (rows * rowSizes(plan, steps).target),
		rowScale: 1 / rows
	};
}

/** One tensor per weight from all numbers in a row, kept out of any tidy. */
export function tensorsOf(plan: NetworkPlan, flat: Float32Array): Tensor[] {
	return splitWeights(plan, flat).map((values, k) =>
		keep(tensor(values.slice(), plan.weights[k]!.shape as number[], 'float32'))
	);
}

function checkOptions(options: FitOptions): void {
	const positive: [string, number | undefined][] = [
		['epochs', options.epochs],
		['batchSize', options.batchSize],
		['learningRate', options.learningRate]
	];
	for (const [name, value] of positive)
		if (!(value! > 0) || (name !== 'learningRate' && !Number.isInteger(value)))
			throw new MillwrightError('invalid-input', `Training: expected ${name} above 0, found ${value}.`, {
				name,
				found: value
			});
}

function checkCheckpoint(plan: NetworkPlan, from: FitCheckpoint, options: FitOptions): void {
	const mismatch = (what: string, expected: unknown, found: unknown) =>
		new MillwrightError(
			'invalid-model',
			`This checkpoint is of another job: expected ${what} ${expected}, found ${found}.`,
			{
				expected,
				found
			}
		);
	if (from.format !== 1) throw mismatch('format', 1, from.format);
	const [expected, found] = [JSON.stringify(plan.spec), JSON.stringify(from.spec)];
	if (expected !== found) throw mismatch('network', expected, found);
	if (from.seed !== options.seed) throw mismatch('seed', options.seed, from.seed);
	for (const part of ['weights', 'm', 'v'] as const) splitWeights(plan, from[part]);
}

/** Checks both data sets before anything is allocated. */
export function checkFit(plan: NetworkPlan, data: FitData, options: FitOptions): void {
	checkFitData(plan, data, 'Training');
	if (options.validation) checkFitData(plan, options.validation, 'Validation');
}

/** Rows per chunk that stay under `flops`, training (three times forward). */
export function chunkRowsFor(forwardFlops: number, flops: number): number {
	return Math.max(1, Math.min(64, Math.floor(flops / (3 * forwardFlops))));
}
