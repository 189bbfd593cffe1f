/**
 * Neural, WebGPU: registers `FusedLstm`, `FusedGru`, their gradients and `FusedAdam` with TensorFlow.js' `webgpu` backend, for
 * whatever does not run as a whole network on the device (dropout, sampling, `tf.layers` models). The optimiser is here, the
 * recurrent layers in tensor-recurrent.ts.
 */
import { getKernel, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { fusedAdamName, type FusedAdamAttrs } from '../kernels/adam-kernel';
import { fusedGruGradName, fusedGruName } from '../kernels/gru-kernel';
import { fusedLstmGradName, fusedLstmName } from '../kernels/lstm-kernel';
import { sizeOf } from '../network-spec';
import { KernelCall, type GraphicsBackend } from './kernel-call';
import { quads } from './packing';
import { adam, adamParams, decayBit, sumGroups, sumSquares } from './pointwise';
import { normOf } from './rearrange';
import { fusedGru, fusedGruGrad, fusedLstm, fusedLstmGrad } from './tensor-recurrent';

function fusedAdam(inputs: Record<string, TensorInfo>, attrs: FusedAdamAttrs, backend: GraphicsBackend): TensorInfo[] {
	const call = new KernelCall(backend);
	const shapes = Array.from({ length: attrs.count }, (_, k) => inputs[`w${k}`]!.shape);
	const starts: number[] = [];
	let count = 0;
	for (const shape of shapes) {
		starts.push(count);
		count += quads(sizeOf(shape));
	}
	const gathered = (letter: string) => {
		const all = call.buffer(count * 4);
		shapes.forEach((shape, k) =>
			call.copy(call.input(inputs[`${letter}${k}`]!), all, sizeOf(shape), 0, starts[k]! * 4)
		);
		return all;
	};
	const [weights, gradient, first, second] = ['w', 'g', 'm', 'v'].map(gathered) as [
		GPUBuffer,
		GPUBuffer,
		GPUBuffer,
		GPUBuffer
	];
	const decays = new Uint32Array(count);
	attrs.decays.forEach((flag, k) => decays.fill(flag ? decayBit : 0, starts[k], starts[k + 1] ?? count));
	const places = call.buffer(count);
	call.context.write(places, decays);
	const squares = call.buffer(sumGroups);
	const norm = call.output([]);
	call.add({ shader: sumSquares, params: { count }, buffers: { gradient, squares }, groups: [sumGroups] });
	call.add({
		shader: normOf(sumGroups),
		params: { count: sumGroups },
		buffers: { squares, norm: norm.buffer },
		groups: [1]
	});
	call.add({
		shader: adam,
		params: adamParams(count, attrs),
		buffers: { weights, gradient, first, second, squares, places, transposed: call.buffer(4) },
		groups: [Math.ceil(count / 256)]
	});
	const scattered = (all: GPUBuffer) =>
		shapes.map((shape, k) => {
			const { info, buffer } = call.output(shape);
			call.copy(all, buffer, sizeOf(shape), starts[k]! * 4, 0, true);
			return info;
		});
	const outputs = [...scattered(weights), ...scattered(first), ...scattered(second), norm.info];
	call.run();
	return outputs;
}

/** Registers the kernels. Safe to call again. */
export function registerGpuKernels(): void {
	const kernels = {
		[fusedLstmName]: fusedLstm,
		[fusedLstmGradName]: fusedLstmGrad,
		[fusedGruName]: fusedGru,
		[fusedGruGradName]: fusedGruGrad,
		[fusedAdamName]: fusedAdam
	};
	for (const [kernelName, kernel] of Object.entries(kernels)) {
		if (getKernel(kernelName, 'webgpu')) continue;
		registerKernel({
			kernelName,
			backendName: 'webgpu',
			kernelFunc: ({ inputs, attrs, backend }) =>
				kernel(inputs as never, attrs as never, backend as unknown as GraphicsBackend)
		});
	}
}
