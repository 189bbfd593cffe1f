/**
 * Neural: the seam between what a network does (train, score, stream) and what does it: TensorFlow.js kernels on any backend
 * (tensor-executor.ts), or one compiled module that holds the whole network. In: rows as flat float32. Out: the same.
 * One executor holds one network's weights and, while it trains, one gradient sum and the optimiser's moments.
 */
import type { FitOptions, NetworkStream } from './engine';
import type { FusedAdamAttrs } from './kernels/adam-kernel';
import type { NetworkPlan } from './network-spec';

export type LossName = NonNullable<FitOptions['loss']>;

/** Rows that are worked on in one go, part of a batch. */
export interface Chunk {
	/** [rows, steps, features] */
	readonly inputs: Float32Array;
	/** [rows, outputs] or [rows, steps out, outputs] */
	readonly targets: Float32Array;
	readonly rows: number;
	readonly steps: number;
}

/** How a chunk counts in its batch, and what names its randomness. */
export interface ChunkPlace {
	readonly loss: LossName;
	/** Rows of the whole batch: gradients are scaled so that chunks add up to the gradient of the batch's mean loss. */
	readonly batchRows: number;
	/** Number of the chunk's first row in the batch: a row draws the same dropout however the batch is divided. */
	readonly firstRow: number;
	readonly seed: number;
}

export type AdamSetting = Omit<FusedAdamAttrs, 'count' | 'decays'>;

export interface Moments {
	readonly m: Float32Array;
	readonly v: Float32Array;
}

export interface Executor {
	readonly plan: NetworkPlan;
	/** All weights in Keras order and layout. The caller has checked length and finiteness. */
	setWeights(flat: Float32Array): void;
	readWeights(): Promise<Float32Array>;
	/** inputs [rows, steps, features] -> the network's outputs, one after the other. */
	score(inputs: Float32Array, rows: number, steps: number): Promise<Float32Array>;
	/** The same at once; only executors that answer without waiting have it. */
	scoreNow?(inputs: Float32Array, rows: number, steps: number): Float32Array;
	/** Sum over the rows of each row's mean loss, without dropout and sampling. */
	evaluate(chunk: Chunk, loss: LossName): Promise<number>;

	/** Makes room for training. Moments in Keras order when it goes on from a checkpoint, else zeros. */
	startTraining(moments?: Moments): void;
	/** Adds a chunk's gradient to the sum, and its loss (as `evaluate` counts it) to the loss sum. */
	accumulate(chunk: Chunk, place: ChunkPlace): void;
	/** The loss sum since the last call; sets it to 0. */
	takeLoss(): Promise<number>;
	/** The gradient sum in Keras order. */
	readGradient(): Promise<Float32Array>;
	/** The gradient sum in an order that only executors of the same kind share: for exchange between workers. */
	takeGradient(): Promise<Float32Array>;
	/** Puts a sum of what `takeGradient` gave in place of this one's. */
	setGradient(flat: Float32Array): void;
	/** Where the gradient lies in this thread's memory: `takeGradient` without the copy, to add to in place. Only some have it. */
	gradientInPlace?(): Float32Array;
	/** One Adam step with the gradient sum, which is then empty. */
	step(setting: AdamSetting): void;
	readMoments(): Promise<Moments>;
	/** Gives back what training needed. Safe to call when it has not been started. */
	endTraining(): void;

	/** For plans that `requireStreamable` lets through. */
	openStream(lanes: number): NetworkStream;
	dispose(): void;
}
