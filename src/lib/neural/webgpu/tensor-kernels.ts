/**
 * Neural, WebGPU: `FusedLstm`, `FusedLstmGrad` and `FusedAdam` as TensorFlow.js kernels for its `webgpu` backend, for whatever does
 * not run as a whole network on the device (dropout, sampling, `tf.layers` models). Shapes and meaning: kernels/lstm-kernel.ts;
 * what `gates` and `cSeq` hold is in the order and width of these kernels (units padded to a multiple of 4, gates interleaved).
 * In: tensors on the device. Out: tensors on the device; nothing is read back.
 */
import { getKernel, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../../contracts/error';
import { fusedAdamName, type FusedAdamAttrs } from '../kernels/adam-kernel';
import {
	fusedLstmGradName,
	fusedLstmName,
	lstmSizes,
	type FusedLstmAttrs,
	type FusedLstmGradAttrs,
	type FusedLstmGradInputs,
	type FusedLstmInputs
} from '../kernels/lstm-kernel';
import { sizeOf } from '../network-spec';
import { contextOf, type Dispatch, type GpuContext } from './device';
import { inputGradient, projection, tileSide, weightGradient } from './gemm';
import { lstmBackwardScan, lstmForwardScan, mostUnits, scanShape, type ScanShape } from './lstm-scan';
import { quads } from './packing';
import { adam, adamParams, decayBit, reduce, sumGroups, sumSquares } from './pointwise';
import { fitRows, normOf, packGates, spread, statesBefore, unpackGates } from './rearrange';

/** What these kernels use of TensorFlow.js' backend. */
interface GraphicsBackend {
	readonly device: GPUDevice;
	readonly commandEncoder: GPUCommandEncoder | null;
	readonly adapterInfo: { readonly architecture?: string };
	readonly tensorMap: { get(dataId: object): { resource: GPUBuffer } };
	endComputePassEncoder(): void;
	submitQueue(): void;
	uploadToGPU(dataId: object): void;
	makeTensorInfo(shape: number[], dtype: 'float32', values?: Float32Array): TensorInfo;
}

/** One call of a kernel: its dispatches and the buffers that live no longer than it. */
class KernelCall {
	readonly context: GpuContext;
	readonly dispatches: Dispatch[] = [];
	private readonly copies: [from: GPUBuffer, to: GPUBuffer, fromByte: number, toByte: number, bytes: number][] = [];
	private readonly copiesAfter: typeof this.copies = [];
	private readonly temporary: GPUBuffer[] = [];

	constructor(private readonly backend: GraphicsBackend) {
		this.context = contextOf(backend.device);
	}

	buffer(floats: number): GPUBuffer {
		const made = this.context.buffer(floats);
		this.temporary.push(made);
		return made;
	}

	input(info: TensorInfo): GPUBuffer {
		this.backend.uploadToGPU(info.dataId);
		return this.backend.tensorMap.get(info.dataId).resource;
	}

	output(shape: number[]): { info: TensorInfo; buffer: GPUBuffer } {
		const info = this.backend.makeTensorInfo(shape, 'float32');
		return { info, buffer: this.input(info) };
	}

	nothing(): TensorInfo {
		return this.backend.makeTensorInfo([0], 'float32', new Float32Array(0));
	}

	add(dispatch: Dispatch): void {
		this.dispatches.push(dispatch);
	}

	copy(from: GPUBuffer, to: GPUBuffer, floats: number, fromFloat = 0, toFloat = 0, after = false): void {
		(after ? this.copiesAfter : this.copies).push([from, to, fromFloat * 4, toFloat * 4, floats * 4]);
	}

	/** Rows of `width` as rows of `toWidth`; the buffer itself where they are the same. */
	fitted(rows: GPUBuffer, count: number, width: number, toWidth: number): GPUBuffer {
		if (width === toWidth) return rows;
		const to = this.buffer(count * toWidth);
		this.fit(rows, to, count, width, toWidth);
		return to;
	}

	fit(rows: GPUBuffer, fitted: GPUBuffer, count: number, width: number, toWidth: number, start = 0, toStart = 0): void {
		const params = { count: count * toWidth, width, toWidth, start, toStart };
		this.add({ shader: fitRows, params, buffers: { rows, fitted }, groups: spread(count * toWidth) });
	}

	/** Runs everything after what TensorFlow.js has recorded so far, on the same queue. */
	run(): void {
		const { backend, context } = this;
		context.throwFault();
		backend.endComputePassEncoder();
		if (backend.commandEncoder) backend.submitQueue();
		const recording = context.record(this.dispatches);
		const commands = context.device.createCommandEncoder();
		for (const [from, to, fromByte, toByte, bytes] of this.copies)
			commands.copyBufferToBuffer(from, fromByte, to, toByte, bytes);
		recording.encode(commands);
		for (const [from, to, fromByte, toByte, bytes] of this.copiesAfter)
			commands.copyBufferToBuffer(from, fromByte, to, toByte, bytes);
		context.device.queue.submit([commands.finish()]);
		recording.destroy();
		this.temporary.forEach((buffer) => buffer.destroy());
	}
}

const view = (name: string, offset: number, batch: number, step: number) => ({
	[`${name}Offset`]: offset,
	[`${name}Batch`]: batch,
	[`${name}Step`]: step
});
const tilesOf = (count: number) => Math.ceil(count / tileSide);

type Params = Readonly<Record<string, number>>;
type Buffers = Readonly<Record<string, GPUBuffer>>;

/** Sizes of a call, with widths padded; the x view in order of processing. */
function layoutOf(call: KernelCall, backend: GraphicsBackend, inputs: FusedLstmInputs, goBackwards: boolean) {
	const { batch, steps, features, units } = lstmSizes(inputs);
	const [featureQuads, unitQuads] = [quads(features), quads(units)];
	const width = unitQuads * 4;
	if (width > mostUnits)
		throw new MillwrightError('unsupported', `An LSTM on WebGPU has at most ${mostUnits} units, found ${units}.`, {
			expected: mostUnits,
			found: units
		});
	const shape: ScanShape = {
		...scanShape(width, batch, backend.adapterInfo.architecture === 'swiftshader'),
		stateful: true,
		masked: inputs.mask !== undefined,
		dropped: inputs.recurrentMask !== undefined
	};
	return {
		batch,
		steps,
		features,
		units,
		featureQuads,
		unitQuads,
		width,
		shape,
		x: call.fitted(call.input(inputs.x), batch * steps, features, featureQuads * 4),
		xView: (name: string) =>
			goBackwards
				? view(name, (steps - 1) * featureQuads, steps * featureQuads, -featureQuads)
				: view(name, 0, steps * featureQuads, featureQuads),
		maskParams: (inputs.mask
			? { maskOffset: goBackwards ? steps - 1 : 0, maskStep: goBackwards ? -1 : 1 }
			: {}) as Params,
		maskBuffers: (inputs.mask ? { mask: call.input(inputs.mask) } : {}) as Buffers
	};
}

type Layout = ReturnType<typeof layoutOf>;

function pack(
	call: KernelCall,
	keras: GPUBuffer,
	packed: GPUBuffer,
	{ units, width }: Layout,
	rows: number,
	rowsPadded: number,
	toStart: number,
	transposes = false
): void {
	const count = rowsPadded * width * 4;
	call.add({
		shader: packGates,
		params: { count, rows, rowsPadded, units, unitsPadded: width, toStart, transposes: transposes ? 1 : 0 },
		buffers: { keras, packed },
		groups: spread(count)
	});
}

/** Given states side by side: [h0 | c0 | recurrent mask | dcLast], padded. */
function statesOf(
	call: KernelCall,
	{ batch, units, width }: Layout,
	parts: readonly (TensorInfo | undefined)[]
): GPUBuffer {
	const states = call.buffer(4 * batch * width);
	parts.forEach((part, k) => {
		if (part) call.fit(call.input(part), states, batch, units, width, 0, k * batch * width);
	});
	return states;
}

function fusedLstm(inputs: FusedLstmInputs, attrs: FusedLstmAttrs, backend: GraphicsBackend): TensorInfo[] {
	const call = new KernelCall(backend);
	const layout = layoutOf(call, backend, inputs, attrs.goBackwards);
	const { batch, steps, features, units, featureQuads, width, shape, x } = layout;
	const saves = attrs.saveForGradient;
	const recurrentAt = featureQuads * 4 * width;
	const biasAt = recurrentAt + width * width;
	const weights = call.buffer((biasAt + width) * 4);
	pack(call, call.input(inputs.kernel), weights, layout, features, featureQuads * 4, 0);
	pack(call, call.input(inputs.recurrentKernel), weights, layout, units, width, recurrentAt * 4);
	pack(call, call.input(inputs.bias), weights, layout, 1, 1, biasAt * 4);
	const hSeq = call.output([batch, steps, units]);
	const cLast = call.output([batch, units]);
	const gates = saves ? call.output([batch, steps, 4 * width]) : undefined;
	const cSeq = saves ? call.output([batch, steps, width]) : undefined;
	const z = gates?.buffer ?? call.buffer(batch * steps * width * 4);
	const h = units === width ? hSeq.buffer : call.buffer(batch * steps * width);
	const ended = call.buffer(2 * batch * width);
	const rows = batch * steps;
	call.add({
		shader: projection('linear'),
		params: {
			rows,
			steps,
			inner: featureQuads,
			columns: width,
			weights: 0,
			bias: biasAt,
			trueColumns: width * 4,
			...layout.xView('a'),
			...view('c', 0, steps * width, width)
		},
		buffers: { a: x, w: weights, c: z },
		groups: [tilesOf(rows), tilesOf(width * 4)]
	});
	call.add({
		shader: lstmForwardScan(shape, saves),
		params: { rows: batch, steps, weights: recurrentAt, ...view('h', 0, steps * width, width), ...layout.maskParams },
		buffers: {
			z,
			w: weights,
			h,
			...(cSeq ? { c: cSeq.buffer } : {}),
			given: statesOf(call, layout, [inputs.h0, inputs.c0, inputs.recurrentMask]),
			ended,
			...layout.maskBuffers
		},
		groups: [Math.ceil(batch / shape.lanes)]
	});
	if (h !== hSeq.buffer) call.fit(h, hSeq.buffer, rows, width, units);
	call.fit(ended, cLast.buffer, batch, width, units, batch * width);
	call.run();
	return [hSeq.info, cLast.info, gates?.info ?? call.nothing(), cSeq?.info ?? call.nothing()];
}

function fusedLstmGrad(inputs: FusedLstmGradInputs, attrs: FusedLstmGradAttrs, backend: GraphicsBackend): TensorInfo[] {
	const call = new KernelCall(backend);
	const layout = layoutOf(call, backend, inputs, attrs.goBackwards);
	const { batch, steps, features, units, featureQuads, unitQuads, width, shape, x } = layout;
	const rows = batch * steps;
	const recurrentAt = featureQuads * 4 * width;
	const biasAt = recurrentAt + width * width;
	const total = biasAt + width;
	const transposed = call.buffer(width * width * 4);
	pack(call, call.input(inputs.recurrentKernel), transposed, layout, units, width, 0, true);
	// dz is written over the gates: over a copy, since the tensor may be used again.
	const z = call.buffer(rows * width * 4);
	call.copy(call.input(inputs.gates), z, rows * width * 4);
	const ended = call.buffer(2 * batch * width);
	call.add({
		shader: lstmBackwardScan(shape),
		params: {
			rows: batch,
			steps,
			weights: 0,
			lastOnly: attrs.lastOnly ? 1 : 0,
			...(attrs.lastOnly ? view('h', 0, width, 0) : view('h', 0, steps * width, width)),
			...layout.maskParams
		},
		buffers: {
			z,
			w: transposed,
			c: call.input(inputs.cSeq),
			dh: call.fitted(call.input(inputs.dhSeq), attrs.lastOnly ? batch : rows, units, width),
			given: statesOf(call, layout, [undefined, inputs.c0, inputs.recurrentMask, inputs.dcLast]),
			ended,
			...layout.maskBuffers
		},
		groups: [Math.ceil(batch / shape.lanes)]
	});
	const before = call.buffer(rows * width);
	call.add({
		shader: statesBefore(shape.dropped!),
		params: { count: rows * width, steps, units, unitsPadded: width },
		buffers: {
			hSeq: call.input(inputs.hSeq),
			h0: call.input(inputs.h0),
			...(inputs.recurrentMask ? { recurrentMask: call.input(inputs.recurrentMask) } : {}),
			before
		},
		groups: spread(rows * width)
	});
	const slices = Math.min(16, Math.ceil(rows / 192), Math.max(1, Math.floor(2 ** 23 / (total * 4))));
	const parts = call.buffer(slices * total * 4);
	const gradient = call.buffer(total * 4);
	call.add({
		shader: weightGradient(true),
		params: {
			rows,
			steps,
			sliceRows: Math.ceil(rows / slices / 16) * 16,
			xQuads: featureQuads,
			hQuads: unitQuads,
			columns: width,
			result: 0,
			total,
			...layout.xView('x'),
			...view('z', 0, steps * width, width),
			...view('h', 0, steps * unitQuads, unitQuads),
			shifted: 1
		},
		buffers: { x, h: before, dz: z, parts },
		groups: [Math.ceil((featureQuads + unitQuads + 1) / 16), Math.ceil(width / 16), slices]
	});
	call.add({
		shader: reduce,
		params: { count: total, slices, addsUp: 0 },
		buffers: { parts, gradient },
		groups: [Math.ceil(total / 256)]
	});
	const unpacked = (height: number, at: number, dims: number[]) => {
		const { info, buffer } = call.output(dims);
		const count = height * 4 * units;
		const params = { count, units, unitsPadded: width, start: at * 4 };
		call.add({ shader: unpackGates, params, buffers: { packed: gradient, keras: buffer }, groups: spread(count) });
		return info;
	};
	const dx = attrs.needInputGradient ? inputGradientOf(call, layout, inputs, z) : call.nothing();
	const dKernel = unpacked(features, 0, [features, 4 * units]);
	const dRecurrentKernel = unpacked(units, recurrentAt, [units, 4 * units]);
	const dBias = unpacked(1, biasAt, [4 * units]);
	const [dh0, dc0] = [call.output([batch, units]), call.output([batch, units])];
	call.fit(ended, dh0.buffer, batch, width, units);
	call.fit(ended, dc0.buffer, batch, width, units, batch * width);
	call.run();
	return [dx, dKernel, dRecurrentKernel, dBias, dh0.info, dc0.info];
}

function inputGradientOf(call: KernelCall, layout: Layout, inputs: FusedLstmGradInputs, z: GPUBuffer): TensorInfo {
	const { batch, steps, features, featureQuads, width } = layout;
	const rows = batch * steps;
	const kernel = call.buffer(featureQuads * 4 * width * 4);
	pack(call, call.input(inputs.kernel), kernel, layout, features, featureQuads * 4, 0);
	const { info, buffer } = call.output([batch, steps, features]);
	const whole = features === featureQuads * 4;
	const padded = whole ? buffer : call.buffer(rows * featureQuads * 4);
	call.add({
		shader: inputGradient('linear', false),
		params: {
			rows,
			steps,
			inner: width,
			columns: featureQuads,
			weights: 0,
			...view('a', 0, steps * width, width),
			...layout.xView('c')
		},
		buffers: { a: z, w: kernel, c: padded },
		groups: [tilesOf(rows), tilesOf(featureQuads * 4)]
	});
	if (!whole) call.fit(padded, buffer, rows, featureQuads * 4, features);
	return info;
}

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
	const kernels = { [fusedLstmName]: fusedLstm, [fusedLstmGradName]: fusedLstmGrad, [fusedAdamName]: fusedAdam };
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
