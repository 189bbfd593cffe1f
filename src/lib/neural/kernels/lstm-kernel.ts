/**
 * Neural: the seam between the LSTM layer and its kernels, one file for every backend.
 *
 * In: names, inputs, attributes and outputs of the two kernels registered with TensorFlow.js. Out: typed ways to run them.
 * `FusedLstm` runs a whole sequence at once, `FusedLstmGrad` its backward pass through time. All tensors are float32,
 * row-major. Gate order is Keras': i, f, c (candidate), o; activations are sigmoid, sigmoid, tanh, sigmoid.
 *
 *   z = x[t] . kernel + (h[t-1] * recurrentMask) . recurrentKernel + bias          [B,4U]
 *   i,f,g,o = s(z_i), s(z_f), tanh(z_c), s(z_o);  c[t] = f*c[t-1] + i*g;  h[t] = o*tanh(c[t])
 *
 * B rows (batch), T steps, F features, U units. "Step s" is the s-th step processed: it reads x[:, s], or x[:, T-1-s] with
 * `goBackwards` (and the mask of the same step); hSeq, cSeq and gates are in the order of processing, as Keras returns them.
 * A step whose mask is 0 is padding: h and c pass through unchanged, hSeq repeats h[s-1] (h0 at s = 0), and its gates and
 * gradients count for nothing (dx is 0 there; what `gates` holds there is undefined but finite).
 *
 * `gates` and `cSeq` go from a backend's `FusedLstm` to its own `FusedLstmGrad` and nowhere else: a backend may keep them in
 * another form.
 */
import {
	engine,
	type NamedTensorMap,
	type Tensor,
	type Tensor2D,
	type Tensor3D,
	type TensorInfo
} from '@tensorflow/tfjs-core';

export const fusedLstmName = 'FusedLstm';
export const fusedLstmGradName = 'FusedLstmGrad';

export interface FusedLstmInputs {
	/** [B,T,F] */
	x: TensorInfo;
	/** [F,4U] */
	kernel: TensorInfo;
	/** [U,4U] */
	recurrentKernel: TensorInfo;
	/** [4U]; zeros when the layer has no bias. */
	bias: TensorInfo;
	/** [B,U] */
	h0: TensorInfo;
	/** [B,U] */
	c0: TensorInfo;
	/** [B,T], 0 = padded step, anything else = a real one; left out when nothing is padded. */
	mask?: TensorInfo;
	/** [B,U], recurrent dropout: what h[t-1] is multiplied by before the recurrent product; left out when there is none. */
	recurrentMask?: TensorInfo;
}

export interface FusedLstmAttrs {
	/** False: `gates` and `cSeq` come back with no elements (shape [0]), and nothing is kept. */
	saveForGradient: boolean;
	goBackwards: boolean;
}

/** Order of what `FusedLstm` returns: hSeq [B,T,U], cLast [B,U], gates [B,T,4U] after activation, cSeq [B,T,U]. */
export type FusedLstmOutputs = [hSeq: TensorInfo, cLast: TensorInfo, gates: TensorInfo, cSeq: TensorInfo];

export interface FusedLstmGradInputs extends FusedLstmInputs {
	/** [B,T,U], order of processing; or [B,U] with `lastOnly`: the gradient of the last processed step, all others 0. */
	dhSeq: TensorInfo;
	/** [B,U]; left out when it is all zeros. */
	dcLast?: TensorInfo;
	hSeq: TensorInfo;
	gates: TensorInfo;
	cSeq: TensorInfo;
}

export interface FusedLstmGradAttrs {
	goBackwards: boolean;
	/** False (the first layer of a network): dx comes back with shape [0]. */
	needInputGradient: boolean;
	/** True: `dhSeq` is [B,U]. */
	lastOnly: boolean;
}

/** Order of what `FusedLstmGrad` returns: dx [B,T,F], dKernel [F,4U], dRecurrentKernel [U,4U], dBias [4U], dh0 [B,U], dc0 [B,U]. */
export type FusedLstmGradOutputs = [
	dx: TensorInfo,
	dKernel: TensorInfo,
	dRecurrentKernel: TensorInfo,
	dBias: TensorInfo,
	dh0: TensorInfo,
	dc0: TensorInfo
];

export interface LstmSizes {
	readonly batch: number;
	readonly steps: number;
	readonly features: number;
	readonly units: number;
}

/** Sizes of a call, from the shapes of its inputs. Callers have checked them: kernels only read them. */
export function lstmSizes(inputs: Pick<FusedLstmInputs, 'x' | 'recurrentKernel'>): LstmSizes {
	const [batch = 0, steps = 0, features = 0] = inputs.x.shape;
	return { batch, steps, features, units: inputs.recurrentKernel.shape[0] ?? 0 };
}

/**
 * The tape saves the inputs that are there only when they come as an array (`saveAllInputs`), and kernels want names:
 * an array with names serves both.
 */
export function tapable(inputs: object): NamedTensorMap {
	return Object.assign([], inputs) as unknown as NamedTensorMap;
}

export interface LstmTensors {
	hSeq: Tensor3D;
	cLast: Tensor2D;
	gates: Tensor;
	cSeq: Tensor;
}

/** Runs `FusedLstm` on the backend in use. Differentiable (see lstm-gradient.ts) when `saveForGradient`. */
export function runFusedLstm(inputs: FusedLstmInputs, attrs: FusedLstmAttrs): LstmTensors {
	const [hSeq, cLast, gates, cSeq] = engine().runKernel(
		fusedLstmName,
		tapable(inputs),
		attrs as unknown as Record<string, boolean>
	) as unknown as Tensor[];
	return { hSeq: hSeq as Tensor3D, cLast: cLast as Tensor2D, gates: gates!, cSeq: cSeq! };
}

export interface LstmGradTensors {
	dx: Tensor;
	dKernel: Tensor2D;
	dRecurrentKernel: Tensor2D;
	dBias: Tensor;
	dh0: Tensor2D;
	dc0: Tensor2D;
}

/** Runs `FusedLstmGrad` on the backend in use. */
export function runFusedLstmGrad(inputs: FusedLstmGradInputs, attrs: FusedLstmGradAttrs): LstmGradTensors {
	const [dx, dKernel, dRecurrentKernel, dBias, dh0, dc0] = engine().runKernel(
		fusedLstmGradName,
		inputs as unknown as NamedTensorMap,
		attrs as unknown as Record<string, boolean>
	) as unknown as Tensor[];
	return {
		dx: dx!,
		dKernel: dKernel as Tensor2D,
		dRecurrentKernel: dRecurrentKernel as Tensor2D,
		dBias: dBias!,
		dh0: dh0 as Tensor2D,
		dc0: dc0 as Tensor2D
	};
}
