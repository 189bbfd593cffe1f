/**
 * What detection, prognostics and training may ask of the LSTM engine. Knows nothing of machines.
 *
 * Arrays are row-major float32. Nothing here exposes a tensor: callers give and get typed arrays, so that memory is the
 * engine's business alone.
 */

import type { BackendReport } from '../contracts/backend';

/** Layers of a sequence network, input side first. */
export interface NetworkSpec {
	readonly features: number;
	readonly layers: readonly LayerSpec[];
}

export type LayerSpec =
	| {
			readonly kind: 'lstm' | 'gru';
			readonly units: number;
			readonly returnSequences: boolean;
			readonly bidirectional?: boolean;
			readonly goBackwards?: boolean;
			readonly dropout?: number;
			readonly recurrentDropout?: number;
	  }
	| {
			readonly kind: 'dense';
			readonly units: number;
			readonly activation?: 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'softplus';
	  }
	| { readonly kind: 'repeat-vector'; readonly steps: number }
	| { readonly kind: 'gaussian-sampling'; readonly units: number; readonly klWeight: number }
	| { readonly kind: 'dropout'; readonly rate: number };

export type { BackendReport } from '../contracts/backend';

export interface FitData {
	/** [count, steps, features] */
	readonly inputs: Float32Array;
	/** [count, outputs] or [count, steps, outputs] when the network returns sequences. */
	readonly targets: Float32Array;
	readonly count: number;
	readonly steps: number;
}

export interface FitOptions {
	readonly epochs: number;
	readonly batchSize: number;
	readonly learningRate: number;
	readonly seed: number;
	readonly validation?: FitData;
	/** Epochs without a better validation loss before stopping; best weights are restored. */
	readonly patience?: number;
	readonly clipNorm?: number;
	readonly weightDecay?: number;
	readonly loss?: 'mse' | 'mae' | 'huber' | 'binary-crossentropy';
	readonly learningRateSchedule?: { readonly kind: 'cosine' | 'plateau'; readonly minimum: number };
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: FitProgress) => void;
	/** Called after each epoch with all that is needed to go on from there, after a reload too. Plain data: store it as it is. */
	readonly onCheckpoint?: (checkpoint: FitCheckpoint) => void;
	/** Goes on from a checkpoint of the same network, data and options; the result is that of an unbroken run, bit for bit. */
	readonly resumeFrom?: FitCheckpoint;
	/** Workers that share each batch, this one among them; default 1. The result differs by rounding only. */
	readonly workers?: number;
}

/** A training job between two epochs: plain data that structured clone and IndexedDB carry. */
export interface FitCheckpoint {
	readonly format: 1;
	readonly spec: NetworkSpec;
	readonly seed: number;
	/** Epochs done. */
	readonly epoch: number;
	/** Optimiser steps done. */
	readonly step: number;
	readonly weights: Float32Array;
	/** First and second moments of Adam, in the order of the weights. */
	readonly m: Float32Array;
	readonly v: Float32Array;
	readonly learningRate: number;
	readonly best?: { readonly weights: Float32Array; readonly epoch: number; readonly loss: number };
	readonly epochsWithoutGain: number;
	readonly lossCurve: FitProgress['lossCurve'];
	readonly seconds: number;
}

export interface FitProgress {
	readonly epoch: number;
	readonly epochs: number;
	readonly batch: number;
	readonly batches: number;
	readonly windowsPerSecond: number;
	readonly secondsLeft: number;
	/** Workers that share each batch. */
	readonly workers: number;
	/** As in FitResult. */
	readonly sharesMemory: boolean;
	/** Epochs that were done when the job went on from a checkpoint, given to it or its own after a lost device. */
	readonly resumedAtEpoch?: number;
	readonly lossCurve: readonly { readonly epoch: number; readonly train: number; readonly validation: number }[];
}

export interface FitResult {
	readonly lossCurve: FitProgress['lossCurve'];
	readonly bestEpoch: number;
	readonly trainLoss: number;
	readonly validationLoss: number;
	readonly seconds: number;
	readonly windows: number;
	/** Workers that shared each batch: fewer than asked for where none could be started. */
	readonly workers: number;
	/** Whether they exchanged gradients through shared memory (cross-origin isolated pages), not by messages. */
	readonly sharesMemory: boolean;
}

/** A network on the chosen backend. Dispose it when done. */
export interface Network {
	readonly spec: NetworkSpec;
	/** Weights in Keras order and layout. */
	readonly weightShapes: readonly { readonly name: string; readonly shape: readonly number[] }[];
	/** inputs [count, steps, features] -> [count, outputs] or [count, steps, outputs]. */
	predict(inputs: Float32Array, count: number, steps: number): Promise<Float32Array>;
	/** As `predict`, but at once, on a backend that can: for the few windows of live scoring, whose thread it blocks. */
	predictNow(inputs: Float32Array, count: number, steps: number): Float32Array;
	/** Trains in place. Rejects with MillwrightError `aborted` when the signal fires; weights are then the best so far. */
	fit(data: FitData, options: FitOptions): Promise<FitResult>;
	/** All weights concatenated in order, float32. */
	getWeights(): Promise<Float32Array>;
	setWeights(weights: Float32Array): void;
	/** Opens a stream of `lanes` independent sequences that carry (h, c): one step for all lanes per call. */
	openStream(lanes: number): NetworkStream;
	dispose(): void;
}

/** Streaming scoring: state per lane, one step at a time. Only for networks of forward LSTM/GRU and dense layers. */
export interface NetworkStream {
	readonly lanes: number;
	/** inputs [lanes.length, features] for the lanes named -> [lanes.length, outputs]; only their states advance. */
	step(inputs: Float32Array, lanes: readonly number[]): Float32Array;
	reset(lane: number): void;
	/** All (h, c) of one lane, float32. */
	saveState(lane: number): Float32Array;
	restoreState(lane: number, state: Float32Array): void;
	dispose(): void;
}

export interface Engine {
	readonly report: BackendReport;
	createNetwork(spec: NetworkSpec, seed: number): Network;
	/** TensorFlow.js tensors alive; unchanged after fit, predict, cancel and failure. */
	tensorCount(): number;
	dispose(): Promise<void>;
}

export interface EngineOptions {
	/** Tried in this order; default: calibrated choice among webgpu, wasm, cpu. */
	readonly backends?: readonly ('webgpu' | 'wasm' | 'cpu')[];
	/** 'scoring' prefers low latency at small batch, 'training' throughput at large batch. */
	readonly purpose: 'scoring' | 'training';
	/** Measures graphics adapters that are emulated in software too, when choosing; default false: they are named, and not used. */
	readonly softwareAdapters?: boolean;
	/** Called with the new report when the backend in use has been lost and another goes on. */
	readonly onReport?: (report: BackendReport) => void;
	/** Where measured rates are kept per device, so that calibration runs once; left out: measured at every start. */
	readonly calibrationCache?: CalibrationCache;
}

/** Kept by the caller (a setting in storage). A key names the device, the engine's version and the backend. */
export interface CalibrationCache {
	get(key: string): Promise<CalibrationEntry | undefined>;
	set(key: string, entry: CalibrationEntry): Promise<void>;
}

export interface CalibrationEntry {
	readonly scoredWindowsPerSecond: number;
	readonly trainedWindowsPerSecond: number;
	/** Epoch milliseconds. */
	readonly measuredAt?: number;
}
