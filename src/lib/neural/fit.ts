/**
 * Neural: the training loop. In: a network's weights, data and options. Out: trained weights in place and what it took.
 * Everything that decides the result (order, dropout, noise, chunk sizes) follows from the seed and the shapes alone, never
 * from time, so one backend gives the same bits again; a checkpoint between epochs holds the rest.
 */
import { MillwrightError } from '../contracts/error';
import type { FitCheckpoint, FitData, FitOptions, FitResult } from './engine';
import { pacedTurns } from './event-turn';
import type { AdamSetting, Executor } from './executor';
import { checkFitData, gatherChunk } from './fit-data';
import { splitWeights, type NetworkPlan } from './network-spec';
import { seedOf, shuffledIndices } from './random';

/** Rows `order[from..to)` of the data; `seed` names the batch's randomness. */
export interface Batch {
	readonly order: Uint32Array;
	readonly from: number;
	readonly to: number;
	readonly seed: number;
}

/** Leaves the gradient of one batch in the executor: what differs between one worker and several. */
export interface BatchGradients {
	/** Workers that share a batch, this thread among them. */
	readonly workers: number;
	/** Whether they exchange gradients through shared memory. */
	readonly sharesMemory: boolean;
	/** `next`: what will be asked for after the step, if known. Rejects with `aborted` when the signal fires. */
	compute(batch: Batch, next?: Batch): Promise<void>;
	/** One step with the gradient of the batch, everywhere the weights are. */
	step(setting: AdamSetting): void;
	/** Loss sum (see Executor.takeLoss) of all workers. */
	takeLoss(): Promise<number>;
	dispose(): void;
}

export interface FitSetting {
	readonly executor: Executor;
	/** Rows that one uninterrupted piece of work may have: bounds memory and the time to notice a cancel. */
	readonly chunkRows: number;
	readonly gradients: BatchGradients;
	/** Batches between two looks at the loss: 1 where reading it costs nothing. */
	readonly lossEvery: number;
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
	const { executor } = setting;
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
		executor.endTraining();
		setting.gradients.dispose();
		if (job.best) executor.setWeights(job.best.weights);
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
	private readonly startedAt = performance.now();
	private readonly batches: number;

	constructor(
		private readonly setting: FitSetting,
		private readonly data: FitData,
		private readonly options: FitOptions
	) {
		this.learningRate = options.learningRate;
		this.batches = Math.ceil(data.count / options.batchSize);
	}

	start(): void {
		const { executor } = this.setting;
		const from = this.options.resumeFrom;
		if (!from) {
			executor.startTraining();
			return;
		}
		checkCheckpoint(executor.plan, from, this.options);
		this.epoch = from.epoch;
		this.step = from.step;
		this.learningRate = from.learningRate;
		this.best = from.best;
		this.epochsWithoutGain = from.epochsWithoutGain;
		this.lossCurve = [...from.lossCurve];
		this.secondsBefore = from.seconds;
		this.stopped = this.options.patience !== undefined && from.epochsWithoutGain >= this.options.patience;
		executor.setWeights(from.weights);
		executor.startTraining({ m: from.m, v: from.v });
	}

	async runEpoch(): Promise<void> {
		const { options, data, setting } = this;
		const { gradients } = setting;
		const order = shuffledIndices(data.count, seedOf(options.seed, 2, this.epoch));
		const batchAt = (batch: number, step: number): Batch => {
			const from = batch * options.batchSize;
			const to = Math.min(data.count, from + options.batchSize);
			return { order, from, to, seed: seedOf(options.seed, 3, step) };
		};
		let lossSum = 0;
		let next: Batch | undefined = batchAt(0, this.step);
		for (let batch = 0; next; batch++) {
			throwIfAborted(options.signal);
			const now: Batch = next;
			next = batch + 1 < this.batches ? batchAt(batch + 1, this.step + 1) : undefined;
			await gradients.compute(now, next);
			if ((batch + 1) % setting.lossEvery === 0 || batch + 1 === this.batches) {
				lossSum += await gradients.takeLoss();
				this.requireFinite(lossSum, batch);
			}
			const adam: AdamSetting = {
				step: this.step + 1,
				learningRate: this.rate(),
				beta1,
				beta2,
				epsilon,
				weightDecay: options.weightDecay ?? 0,
				clipNorm: options.clipNorm ?? 0
			};
			gradients.step(adam);
			this.step++;
			this.windowsNow += now.to - now.from;
			this.report(batch + 1);
		}
		const validation = options.validation ? await this.validate(options.validation) : NaN;
		this.epoch++;
		this.lossCurve.push({ epoch: this.epoch, train: lossSum / data.count, validation });
		await this.judge(validation);
		this.report(this.batches);
	}

	private requireFinite(loss: number, batch: number): void {
		if (Number.isFinite(loss)) return;
		throw new MillwrightError(
			'invalid-input',
			`Training diverged: the loss is ${loss} in epoch ${this.epoch + 1}, batch ${batch + 1}. Lower the learning rate (${this.rate()}) or set clipNorm.`,
			{ epoch: this.epoch + 1, batch: batch + 1, learningRate: this.rate() }
		);
	}

	/** Rate of the next step. Cosine: from the given rate to `minimum` over all epochs (Loshchilov & Hutter 2017). */
	private rate(): number {
		const schedule = this.options.learningRateSchedule;
		if (schedule?.kind !== 'cosine') return this.learningRate;
		const done = Math.min(1, this.step / (this.batches * this.options.epochs));
		return schedule.minimum + 0.5 * (this.learningRate - schedule.minimum) * (1 + Math.cos(Math.PI * done));
	}

	private async validate(data: FitData): Promise<number> {
		const { executor, chunkRows } = this.setting;
		const turn = pacedTurns();
		let sum = 0;
		for (let from = 0; from < data.count; from += chunkRows) {
			throwIfAborted(this.options.signal);
			const chunk = gatherChunk(executor.plan, data, undefined, from, Math.min(data.count, from + chunkRows));
			sum += await executor.evaluate(chunk, this.options.loss ?? 'mse');
			await turn();
		}
		return sum / data.count;
	}

	/** Keeps the best weights, lowers the rate on a plateau, and stops when patience is used up. */
	private async judge(validation: number): Promise<void> {
		const { options, setting } = this;
		if (!options.validation) return;
		if (!this.best || validation < this.best.loss) {
			this.best = { weights: await setting.executor.readWeights(), epoch: this.epoch, loss: validation };
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
		const { executor } = this.setting;
		return {
			format: 1,
			spec: executor.plan.spec,
			seed: this.options.seed,
			epoch: this.epoch,
			step: this.step,
			weights: await executor.readWeights(),
			...(await executor.readMoments()),
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
			workers: this.setting.gradients.workers,
			sharesMemory: this.setting.gradients.sharesMemory,
			...(this.options.resumeFrom ? { resumedAtEpoch: this.options.resumeFrom.epoch } : {}),
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
			windows: this.epoch * this.data.count,
			workers: this.setting.gradients.workers,
			sharesMemory: this.setting.gradients.sharesMemory
		};
	}
}

/** Gradients on this thread: the batch in chunks, added up in order. */
export function localGradients(
	executor: Executor,
	data: FitData,
	options: FitOptions,
	chunkRows: number
): BatchGradients {
	const turn = pacedTurns();
	return {
		workers: 1,
		sharesMemory: false,
		async compute({ order, from, to, seed }) {
			for (const [at, end] of evenChunks(from, to, chunkRows)) {
				const place = { loss: options.loss ?? 'mse', batchRows: to - from, firstRow: at - from, seed } as const;
				executor.accumulate(gatherChunk(executor.plan, data, order, at, end), place);
				await turn();
				throwIfAborted(options.signal);
			}
		},
		step: (setting) => executor.step(setting),
		takeLoss: () => executor.takeLoss(),
		dispose() {}
	};
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

/** [from, to) in as few pieces of at most `most` as will do, as even as they come. */
export function evenChunks(from: number, to: number, most: number): [from: number, to: number][] {
	const count = Math.ceil((to - from) / most);
	const edge = (k: number) => from + Math.floor(((to - from) * k) / count);
	return Array.from({ length: count }, (_, k) => [edge(k), edge(k + 1)]);
}

/** Rows per chunk that stay under `flops`, training (three times forward). */
export function chunkRowsFor(forwardFlops: number, flops: number): number {
	return Math.max(1, Math.min(256, Math.floor(flops / (3 * forwardFlops))));
}
