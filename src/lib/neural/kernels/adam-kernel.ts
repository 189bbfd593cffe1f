/**
 * Neural: the seam between the optimiser and its kernel: one Adam (or AdamW) step over all weights of a network at once.
 *
 * In: weights, gradients and both moments, as lists of equal length. Out: new weights and moments (fresh tensors: what was
 * given is not changed, so anything cached by dataId stays right) and the norm of the gradient before clipping.
 *
 *   norm = sqrt(sum of squares of all gradients);  s = clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1
 *   m = b1*m + (1-b1)*s*g;  v = b2*v + (1-b2)*(s*g)^2
 *   w = w - rate * (m / (1-b1^step)) / (sqrt(v / (1-b2^step)) + epsilon) - rate * weightDecay * w
 *
 * Kingma & Ba 2015; decoupled decay of Loshchilov & Hutter 2019 (AdamW; weightDecay 0 is Adam).
 */
import { engine, type NamedTensorMap, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

export const fusedAdamName = 'FusedAdam';

/** Inputs are named w0..wn, g0..gn, m0..mn, v0..vn: n+1 tensors of each, equal shapes for equal numbers. */
export type FusedAdamInputs = Record<string, TensorInfo>;

export interface FusedAdamAttrs {
	/** How many weight tensors there are (n+1). */
	count: number;
	/** 1 at the first step. */
	step: number;
	learningRate: number;
	beta1: number;
	beta2: number;
	epsilon: number;
	/** 0: none. */
	weightDecay: number;
	/** 0: no clipping. */
	clipNorm: number;
	/** Which weights decay, one per weight: biases do not. */
	decays: boolean[];
}

export interface AdamState {
	weights: Tensor[];
	m: Tensor[];
	v: Tensor[];
}

/** Outputs in order: w0..wn, m0..mn, v0..vn, norm (shape []). Give back the old tensors yourself. */
export function runFusedAdam(
	state: AdamState,
	gradients: readonly Tensor[],
	attrs: FusedAdamAttrs
): AdamState & { norm: Tensor } {
	const inputs: NamedTensorMap = {};
	const n = attrs.count;
	for (let k = 0; k < n; k++) {
		inputs[`w${k}`] = state.weights[k]!;
		inputs[`g${k}`] = gradients[k]!;
		inputs[`m${k}`] = state.m[k]!;
		inputs[`v${k}`] = state.v[k]!;
	}
	const outputs = engine().runKernel(fusedAdamName, inputs, attrs as never) as unknown as Tensor[];
	return {
		weights: outputs.slice(0, n),
		m: outputs.slice(n, 2 * n),
		v: outputs.slice(2 * n, 3 * n),
		norm: outputs[3 * n]!
	};
}
