/**
 * Neural: registers the reference loops as kernels of a backend whose memory can be read at once: `cpu`, and `wasm` for
 * every kernel that it has no compiled one of. In: a backend name. Out: kernels in TensorFlow.js' registry.
 */
import { getKernel, registerKernel, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { fusedAdamName, type FusedAdamAttrs } from './adam-kernel';
import { adamStep } from './adam-reference';
import { fusedGruGradName, fusedGruName, type FusedGruAttrs, type FusedGruGradAttrs } from './gru-kernel';
import { gruBackward, gruForward, type GruArrays } from './gru-reference';
import {
	fusedLstmGradName,
	fusedLstmName,
	lstmSizes,
	type FusedLstmAttrs,
	type FusedLstmGradAttrs
} from './lstm-kernel';
import { lstmBackward, lstmForward, type Floats, type LstmArrays } from './lstm-reference';

type Inputs = Record<string, TensorInfo>;
type Output = readonly [values: Floats, shape: number[]];
type HostKernel = (arrays: Record<string, Float32Array>, attrs: never, inputs: Inputs) => Output[];

const sizesOf = (inputs: Inputs) => lstmSizes(inputs as never);

const kernels: Record<string, HostKernel> = {
	[fusedLstmName]: (arrays, attrs: FusedLstmAttrs, inputs) => {
		const sizes = sizesOf(inputs);
		const { batch, steps, units } = sizes;
		const out = lstmForward(arrays as unknown as LstmArrays, sizes, attrs);
		return [
			[out.hSeq, [batch, steps, units]],
			[out.cLast, [batch, units]],
			[out.gates, attrs.saveForGradient ? [batch, steps, 4 * units] : [0]],
			[out.cSeq, attrs.saveForGradient ? [batch, steps, units] : [0]]
		];
	},
	[fusedLstmGradName]: (arrays, attrs: FusedLstmGradAttrs, inputs) => {
		const sizes = sizesOf(inputs);
		const { batch, steps, features, units } = sizes;
		const out = lstmBackward(arrays as never, sizes, attrs);
		return [
			[out.dx, attrs.needInputGradient ? [batch, steps, features] : [0]],
			[out.dKernel, [features, 4 * units]],
			[out.dRecurrentKernel, [units, 4 * units]],
			[out.dBias, [4 * units]],
			[out.dh0, [batch, units]],
			[out.dc0, [batch, units]]
		];
	},
	[fusedGruName]: (arrays, attrs: FusedGruAttrs, inputs) => {
		const sizes = sizesOf(inputs);
		const { batch, steps, units } = sizes;
		const out = gruForward(arrays as unknown as GruArrays, sizes, attrs);
		return [
			[out.hSeq, [batch, steps, units]],
			[out.gates, attrs.saveForGradient ? [batch, steps, 4 * units] : [0]]
		];
	},
	[fusedGruGradName]: (arrays, attrs: FusedGruGradAttrs, inputs) => {
		const sizes = sizesOf(inputs);
		const { batch, steps, features, units } = sizes;
		const [dx, dKernel, dRecurrentKernel, dBias, dh0] = gruBackward(arrays as never, sizes, attrs);
		return [
			[dx, attrs.needInputGradient ? [batch, steps, features] : [0]],
			[dKernel, [features, 3 * units]],
			[dRecurrentKernel, [units, 3 * units]],
			[dBias, [2, 3 * units]],
			[dh0, [batch, units]]
		];
	},
	[fusedAdamName]: (arrays, attrs: FusedAdamAttrs, inputs) => {
		const list = (letter: string) => Array.from({ length: attrs.count }, (_, k) => arrays[`${letter}${k}`]!);
		const out = adamStep(list('w'), list('g'), list('m'), list('v'), attrs);
		const shaped = (values: Float32Array[]): Output[] => values.map((value, k) => [value, inputs[`w${k}`]!.shape]);
		return [...shaped(out.weights), ...shaped(out.m), ...shaped(out.v), [Float32Array.of(out.norm), []]];
	}
};

/** Registers every kernel that `backendName` lacks. Safe to call again. */
export function registerHostKernels(backendName: 'cpu' | 'wasm'): void {
	for (const [kernelName, kernel] of Object.entries(kernels)) {
		if (getKernel(kernelName, backendName)) continue;
		registerKernel({
			kernelName,
			backendName,
			kernelFunc: ({ inputs, attrs, backend }) => {
				const memory = backend as KernelBackend;
				const given = inputs as unknown as Inputs;
				const arrays: Record<string, Float32Array> = {};
				for (const [name, info] of Object.entries(given))
					if (info) arrays[name] = memory.readSync(info.dataId) as Float32Array;
				return kernel(arrays, attrs as never, given).map(([values, shape]) => ({
					dataId: memory.write(values as Float32Array, shape, 'float32'),
					shape,
					dtype: 'float32' as const
				}));
			}
		});
	}
}
