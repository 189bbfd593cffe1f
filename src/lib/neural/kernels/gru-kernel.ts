/**
 * Neural: the seam between the GRU layer and its kernels, and the typed way to run them. Keras' GRU with `reset_after`
 * (its default): gate order z, r, h; bias [2,3U] (row 0 with the input, row 1 with the recurrent product).
 *
 *   a = x[t] . kernel + bias[0];  q = (h * recurrentMask) . recurrentKernel + bias[1]
 *   z,r = s(a_z + q_z), s(a_r + q_r);  n = tanh(a_h + r * q_h);  h = z*h + (1-z)*n
 *
 * Order of steps, masks and `lastOnly` as in lstm-kernel.ts. `gates` [B,T,4U] holds z, r, n and q_h.
 */
import {
	engine,
	type NamedTensorMap,
	type Tensor,
	type Tensor2D,
	type Tensor3D,
	type TensorInfo
} from '@tensorflow/tfjs-core';
import { tapable } from './lstm-kernel';

export const fusedGruName = 'FusedGru';
export const fusedGruGradName = 'FusedGruGrad';

export interface FusedGruInputs {
	/** [B,T,F] */
	x: TensorInfo;
	/** [F,3U] */
	kernel: TensorInfo;
	/** [U,3U] */
	recurrentKernel: TensorInfo;
	/** [2,3U] */
	bias: TensorInfo;
	/** [B,U] */
	h0: TensorInfo;
	/** [B,T] */
	mask?: TensorInfo;
	/** [B,U] */
	recurrentMask?: TensorInfo;
}

export interface FusedGruAttrs {
	saveForGradient: boolean;
	goBackwards: boolean;
}

export interface FusedGruGradInputs extends FusedGruInputs {
	/** [B,T,U], or [B,U] with `lastOnly`. */
	dhSeq: TensorInfo;
	hSeq: TensorInfo;
	gates: TensorInfo;
}

export interface FusedGruGradAttrs {
	goBackwards: boolean;
	needInputGradient: boolean;
	lastOnly: boolean;
}

/** Runs `FusedGru`: hSeq [B,T,U], gates [B,T,4U] or [0]. */
export function runFusedGru(inputs: FusedGruInputs, attrs: FusedGruAttrs): { hSeq: Tensor3D; gates: Tensor } {
	const [hSeq, gates] = engine().runKernel(
		fusedGruName,
		tapable(inputs),
		attrs as unknown as Record<string, boolean>
	) as unknown as Tensor[];
	return { hSeq: hSeq as Tensor3D, gates: gates! };
}

export interface GruGradTensors {
	dx: Tensor;
	dKernel: Tensor2D;
	dRecurrentKernel: Tensor2D;
	dBias: Tensor2D;
	dh0: Tensor2D;
}

/** Runs `FusedGruGrad`: dx, dKernel, dRecurrentKernel, dBias, dh0 in this order. */
export function runFusedGruGrad(inputs: FusedGruGradInputs, attrs: FusedGruGradAttrs): GruGradTensors {
	const [dx, dKernel, dRecurrentKernel, dBias, dh0] = engine().runKernel(
		fusedGruGradName,
		inputs as unknown as NamedTensorMap,
		attrs as unknown as Record<string, boolean>
	) as unknown as Tensor[];
	return {
		dx: dx!,
		dKernel: dKernel as Tensor2D,
		dRecurrentKernel: dRecurrentKernel as Tensor2D,
		dBias: dBias as Tensor2D,
		dh0: dh0 as Tensor2D
	};
}
