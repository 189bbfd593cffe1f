/** Neural: the parts of TensorFlow.js' layers-model format that we read and write. */
import { MillwrightError } from '../../contracts/error';
import type { NetworkSpec } from '../engine';

/** model.json as parsed, and all weight files one after the other, in the order of the manifest. */
export interface KerasFiles {
	readonly modelJson: unknown;
	readonly weightData: ArrayBuffer;
}

export interface ImportedNetwork {
	readonly spec: NetworkSpec;
	/** All weights in Keras order, float32. */
	readonly weights: Float32Array;
	/** Names of the model's layers that became the network's, in order. */
	readonly layerNames: readonly string[];
	/** Steps of the windows it was made for, where the model says so. */
	readonly steps?: number;
}

export interface ManifestWeight {
	readonly name: string;
	readonly shape: readonly number[];
	readonly dtype: string;
	readonly quantization?: { readonly dtype: string; readonly scale?: number; readonly min?: number };
}

export interface LayerJson {
	readonly className: string;
	readonly name: string;
	readonly config: Record<string, unknown>;
	/** Names of the layers this one takes its input from; undefined in a sequential model. */
	readonly inbound?: readonly string[];
}

export function badFile(message: string, details: Record<string, unknown> = {}): MillwrightError {
	return new MillwrightError('invalid-file', message, details);
}

/**
 * A setting of a layer under its Python or its JavaScript name. Functions that Keras 3 writes as objects ({ class_name: 'function',
 * config: 'tanh' }) are told by their name.
 */
export function setting(config: Record<string, unknown>, name: string): unknown {
	const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
	const value = name in config ? config[name] : config[camel];
	const named = value as { class_name?: unknown; config?: unknown } | null | undefined;
	return named?.class_name === 'function' && typeof named.config === 'string' ? named.config : value;
}
