/**
 * Neural, WebGPU: an LSTM or a GRU on tensors, forward and backward: the shaders of whole networks, with states, masks and recurrent
 * dropout. Shapes and meaning: kernels/lstm-kernel.ts, kernels/gru-kernel.ts. What `gates` and `cSeq` hold is in the order and
 * width of these shaders (units padded to a multiple of 4, gates interleaved).
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../../contracts/error';
import type { FusedGruAttrs, FusedGruGradAttrs, FusedGruGradInputs, FusedGruInputs } from '../kernels/gru-kernel';
import {
	lstmSizes,
	type FusedLstmAttrs,
	type FusedLstmGradAttrs,
	type FusedLstmGradInputs,
	type FusedLstmInputs
} from '../kernels/lstm-kernel';
import { cellTexts, type Cell } from './cells';
import { inputGradient, projection, tileSide, weightGradient, weightSlices } from './gemm';
import { KernelCall, type GraphicsBackend } from './kernel-call';
import { quads } from './packing';
import { reduce } from './pointwise';
import { packGates, spread, statesBefore, unpackGates } from './rearrange';
import { backwardScan, forwardScan } from './recurrent-scan';
import { mostUnits, scanShape, traitsOf, type ScanShape } from './scan-shape';

const view = (name: string, offset: number, batch: number, step: number) => ({
	[`${name}Offset`]: offset,
	[`${name}Batch`]: batch,
	[`${name}Step`]: step
});
const tilesOf = (count: number) => Math.ceil(count / tileSide);

type Params = Readonly<Record<string, number>>;
type Buffers = Readonly<Record<string, GPUBuffer>>;
/** Inputs of either kind: a GRU has no c0. */
type RecurrentInputs = FusedGruInputs & Pick<Partial<FusedLstmInputs>, 'c0'>;
type RecurrentGradInputs = RecurrentInputs & Pick<FusedGruGradInputs, 'dhSeq' | 'hSeq' | 'gates'>;

/** One call for one layer: sizes, with widths padded, and the pieces that both directions share. */
class RecurrentCall extends KernelCall {
	readonly sizes: { batch: number; steps: number; features: number; units: number };
	readonly rows: number;
	readonly featureQuads: number;
	readonly unitQuads: number;
	/** Units padded. */
	readonly width: number;
	readonly shape: ScanShape;
	readonly x: GPUBuffer;
	/** Where kernel, recurrent kernel and bias rows lie when packed one after the other, in vec4; the last is the end. */
	readonly starts: readonly [kernel: number, recurrent: number, bias: number, end: number];

	constructor(
		backend: GraphicsBackend,
		readonly cell: Cell,
		readonly inputs: RecurrentInputs,
		private readonly goBackwards: boolean
	) {
		super(backend);
		const { batch, steps, features, units } = (this.sizes = lstmSizes(inputs));
		[this.featureQuads, this.unitQuads] = [quads(features), quads(units)];
		const width = (this.width = this.unitQuads * 4);
		if (width > mostUnits)
			throw new MillwrightError('unsupported', `A layer on WebGPU has at most ${mostUnits} units, found ${units}.`, {
				expected: mostUnits,
				found: units
			});
		this.rows = batch * steps;
		this.shape = {
			...scanShape(cell, width, batch, traitsOf(backend.device)),
			stateful: true,
			masked: inputs.mask !== undefined,
			dropped: inputs.recurrentMask !== undefined
		};
		this.x = this.fitted(this.input(inputs.x), this.rows, features, this.featureQuads * 4);
		const recurrent = this.featureQuads * 4 * width;
		const bias = recurrent + width * width;
		this.starts = [0, recurrent, bias, bias + cellTexts[cell].biases * width];
	}

	xView(name: string): Params {
		const { featureQuads, goBackwards } = this;
		const { steps } = this.sizes;
		return goBackwards
			? view(name, (steps - 1) * featureQuads, steps * featureQuads, -featureQuads)
			: view(name, 0, steps * featureQuads, featureQuads);
	}

	/** Mask of padded steps: parameters and buffer, where there is one. */
	mask(): { params: Params; buffers: Buffers } {
		const { mask } = this.inputs;
		if (!mask) return { params: {}, buffers: {} };
		const { steps } = this.sizes;
		const params: Params = this.goBackwards ? { maskOffset: steps - 1, maskStep: -1 } : { maskOffset: 0, maskStep: 1 };
		return { params, buffers: { mask: this.input(mask) } };
	}

	private gatePlaces(ofKernel: boolean): Params {
		const { gates, kernelPlaces, recurrentPlaces } = cellTexts[this.cell];
		return { gates, third: (ofKernel ? kernelPlaces : recurrentPlaces)[2]! };
	}

	/** Weights in Keras order, `height` rows of them, to the packed order at `to` (vec4). */
	private pack(
		keras: GPUBuffer,
		packed: GPUBuffer,
		ofKernel: boolean,
		height: number,
		heightPadded: number,
		place: { start?: number; to?: number; transposes?: boolean } = {}
	): void {
		const { start = 0, to = 0, transposes = false } = place;
		const { units } = this.sizes;
		const count = heightPadded * this.width * 4;
		this.add({
			shader: packGates,
			params: {
				count,
				rows: height,
				rowsPadded: heightPadded,
				units,
				unitsPadded: this.width,
				...this.gatePlaces(ofKernel),
				start,
				toStart: to * 4,
				transposes: transposes ? 1 : 0
			},
			buffers: { keras, packed },
			groups: spread(count)
		});
	}

	packedKernel(into: GPUBuffer): void {
		this.pack(this.input(this.inputs.kernel), into, true, this.sizes.features, this.featureQuads * 4);
	}

	packedWeights(): GPUBuffer {
		const { cell, inputs, width } = this;
		const { units } = this.sizes;
		const { gates, biases } = cellTexts[cell];
		const [, recurrent, bias, end] = this.starts;
		const weights = this.buffer(end * 4);
		this.packedKernel(weights);
		this.pack(this.input(inputs.recurrentKernel), weights, false, units, width, { to: recurrent });
		for (let row = 0; row < biases; row++) {
			const place = { start: row * gates * units, to: bias + row * width };
			this.pack(this.input(inputs.bias), weights, row === 0, 1, 1, place);
		}
		return weights;
	}

	transposedRecurrent(): GPUBuffer {
		const { width } = this;
		const transposed = this.buffer(width * width * 4);
		const keras = this.input(this.inputs.recurrentKernel);
		this.pack(keras, transposed, false, this.sizes.units, width, { transposes: true });
		return transposed;
	}

	/** A gradient in Keras order out of the packed one. */
	unpacked(gradient: GPUBuffer, parts: readonly { height: number; at: number; ofKernel: boolean }[], dims: number[]) {
		const { units } = this.sizes;
		const { info, buffer } = this.output(dims);
		let toStart = 0;
		for (const { height, at, ofKernel } of parts) {
			const places = this.gatePlaces(ofKernel);
			const count = height * places.gates! * units;
			this.add({
				shader: unpackGates,
				params: { count, units, unitsPadded: this.width, ...places, start: at * 4, toStart },
				buffers: { packed: gradient, keras: buffer },
				groups: spread(count)
			});
			toStart += count;
		}
		return info;
	}

	/** Given states side by side: [h0 | c0 | recurrent mask | dcLast], padded. */
	states(parts: readonly (TensorInfo | undefined)[]): GPUBuffer {
		const { width } = this;
		const { batch, units } = this.sizes;
		const states = this.buffer(4 * batch * width);
		parts.forEach((part, k) => {
			if (part) this.fit(this.input(part), states, batch, units, width, 0, k * batch * width);
		});
		return states;
	}

	hView(name = 'h'): Params {
		return view(name, 0, this.sizes.steps * this.width, this.width);
	}
}

interface Forward {
	readonly hSeq: TensorInfo;
	readonly gates: TensorInfo;
	readonly cSeq: GPUBuffer | undefined;
	readonly ended: GPUBuffer;
}

/** `cSeq`: where what the unit carries is kept, if anywhere. */
function runForward(call: RecurrentCall, saves: boolean, cSeq: GPUBuffer | undefined): Forward {
	const { width, rows, shape, featureQuads, inputs } = call;
	const { batch, steps, units } = call.sizes;
	const [kernel, recurrent, bias] = call.starts;
	const weights = call.packedWeights();
	const hSeq = call.output([batch, steps, units]);
	const gates = saves ? call.output([batch, steps, 4 * width]) : undefined;
	const z = gates?.buffer ?? call.buffer(rows * width * 4);
	const h = units === width ? hSeq.buffer : call.buffer(rows * width);
	const ended = call.buffer(2 * batch * width);
	call.add({
		shader: projection('linear'),
		params: {
			rows,
			steps,
			inner: featureQuads,
			columns: width,
			weights: kernel,
			bias,
			biases: cellTexts[call.cell].biases,
			trueColumns: width * 4,
			...call.xView('a'),
			...call.hView('c')
		},
		buffers: { a: call.x, w: weights, c: z },
		groups: [tilesOf(rows), tilesOf(width * 4)]
	});
	const mask = call.mask();
	call.add({
		shader: forwardScan(shape, saves),
		params: { rows: batch, steps, weights: recurrent, ...call.hView(), ...mask.params },
		buffers: {
			z,
			w: weights,
			h,
			...(saves ? { c: cSeq! } : {}),
			given: call.states([inputs.h0, inputs.c0, inputs.recurrentMask]),
			ended,
			...mask.buffers
		},
		groups: [Math.ceil(batch / shape.lanes)]
	});
	if (h !== hSeq.buffer) call.fit(h, hSeq.buffer, rows, width, units);
	return { hSeq: hSeq.info, gates: gates?.info ?? call.nothing(), cSeq, ended };
}

export function fusedLstm(inputs: FusedLstmInputs, attrs: FusedLstmAttrs, backend: GraphicsBackend): TensorInfo[] {
	const call = new RecurrentCall(backend, 'lstm', inputs, attrs.goBackwards);
	const { batch, steps, units } = call.sizes;
	const cSeq = attrs.saveForGradient ? call.output([batch, steps, call.width]) : undefined;
	const cLast = call.output([batch, units]);
	const { hSeq, gates, ended } = runForward(call, attrs.saveForGradient, cSeq?.buffer);
	call.fit(ended, cLast.buffer, batch, call.width, units, batch * call.width);
	call.run();
	return [hSeq, cLast.info, gates, cSeq?.info ?? call.nothing()];
}

export function fusedGru(inputs: FusedGruInputs, attrs: FusedGruAttrs, backend: GraphicsBackend): TensorInfo[] {
	const call = new RecurrentCall(backend, 'gru', inputs, attrs.goBackwards);
	// The unit carries h alone, which the gradient is given as an output.
	const states = attrs.saveForGradient ? call.buffer(call.rows * call.width) : undefined;
	const { hSeq, gates } = runForward(call, attrs.saveForGradient, states);
	call.run();
	return [hSeq, gates];
}

interface Backward {
	readonly dx: TensorInfo;
	readonly dKernel: TensorInfo;
	readonly dRecurrentKernel: TensorInfo;
	readonly dBias: TensorInfo;
	/** [dh0 | dc0] */
	readonly ended: GPUBuffer;
}

function runBackward(
	call: RecurrentCall,
	inputs: RecurrentGradInputs & { dcLast?: TensorInfo },
	attrs: FusedGruGradAttrs,
	/** What the unit carried after each step. */
	states: GPUBuffer
): Backward {
	const { cell, width, rows, shape } = call;
	const { batch, steps, features, units } = call.sizes;
	const { gates: gateCount, biases } = cellTexts[cell];
	const [, recurrent, bias] = call.starts;
	const z = call.buffer(rows * width * 4);
	// dz is written over the gates: over a copy, since the tensor may be used again.
	call.copy(call.input(inputs.gates), z, rows * width * 4);
	const ended = call.buffer(2 * batch * width);
	const mask = call.mask();
	call.add({
		shader: backwardScan(shape),
		params: {
			rows: batch,
			steps,
			weights: 0,
			lastOnly: attrs.lastOnly ? 1 : 0,
			...(attrs.lastOnly ? view('h', 0, width, 0) : call.hView()),
			...mask.params
		},
		buffers: {
			z,
			w: call.transposedRecurrent(),
			c: states,
			dh: call.fitted(call.input(inputs.dhSeq), attrs.lastOnly ? batch : rows, units, width),
			given: call.states([inputs.h0, inputs.c0, inputs.recurrentMask, inputs.dcLast]),
			ended,
			...mask.buffers
		},
		groups: [Math.ceil(batch / shape.lanes)]
	});
	const gradient = weightGradientOf(call, inputs, z);
	const dx = attrs.needInputGradient ? inputGradientOf(call, z) : call.nothing();
	const dKernel = call.unpacked(gradient, [{ height: features, at: 0, ofKernel: true }], [features, gateCount * units]);
	const recurrentPart = { height: units, at: recurrent, ofKernel: false };
	const dRecurrentKernel = call.unpacked(gradient, [recurrentPart], [units, gateCount * units]);
	const biasParts = Array.from({ length: biases }, (_, row) => ({
		height: 1,
		at: bias + row * width,
		ofKernel: row === 0
	}));
	const dBias = call.unpacked(gradient, biasParts, biases === 1 ? [gateCount * units] : [biases, gateCount * units]);
	return { dx, dKernel, dRecurrentKernel, dBias, ended };
}

/** Kernel, recurrent kernel and bias rows, packed. */
function weightGradientOf(call: RecurrentCall, inputs: RecurrentGradInputs, z: GPUBuffer): GPUBuffer {
	const { cell, width, rows, shape, featureQuads, unitQuads } = call;
	const { steps, units } = call.sizes;
	const total = call.starts[3];
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
	const tiles = [Math.ceil((featureQuads + unitQuads + 1) / 16), Math.ceil(width / 16)] as const;
	const slices = weightSlices(rows, tiles[0] * tiles[1], total);
	const parts = call.buffer(slices * total * 4);
	const gradient = call.buffer(total * 4);
	call.add({
		shader: weightGradient(cell),
		params: {
			rows,
			steps,
			sliceRows: Math.ceil(rows / slices / 16) * 16,
			xQuads: featureQuads,
			hQuads: unitQuads,
			columns: width,
			total,
			...call.xView('x'),
			...call.hView('z'),
			...view('h', 0, steps * unitQuads, unitQuads),
			shifted: 1
		},
		buffers: { x: call.x, h: before, dz: z, parts },
		groups: [...tiles, slices]
	});
	call.add({
		shader: reduce,
		params: { count: total, slices, start: 0, addsUp: 0 },
		buffers: { parts, gradient },
		groups: [Math.ceil(total / 256)]
	});
	return gradient;
}

function inputGradientOf(call: RecurrentCall, z: GPUBuffer): TensorInfo {
	const { featureQuads, width, rows } = call;
	const { batch, steps, features } = call.sizes;
	const kernel = call.buffer(featureQuads * 4 * width * 4);
	call.packedKernel(kernel);
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
			...call.hView('a'),
			...call.xView('c')
		},
		buffers: { a: z, w: kernel, c: padded },
		groups: [tilesOf(rows), tilesOf(featureQuads * 4)]
	});
	if (!whole) call.fit(padded, buffer, rows, featureQuads * 4, features);
	return info;
}

export function fusedLstmGrad(
	inputs: FusedLstmGradInputs,
	attrs: FusedLstmGradAttrs,
	backend: GraphicsBackend
): TensorInfo[] {
	const call = new RecurrentCall(backend, 'lstm', inputs, attrs.goBackwards);
	const { width } = call;
	const { batch, units } = call.sizes;
	const { dx, dKernel, dRecurrentKernel, dBias, ended } = runBackward(call, inputs, attrs, call.input(inputs.cSeq));
	const [dh0, dc0] = [call.output([batch, units]), call.output([batch, units])];
	call.fit(ended, dh0.buffer, batch, width, units);
	call.fit(ended, dc0.buffer, batch, width, units, batch * width);
	call.run();
	return [dx, dKernel, dRecurrentKernel, dBias, dh0.info, dc0.info];
}

export function fusedGruGrad(
	inputs: FusedGruGradInputs,
	attrs: FusedGruGradAttrs,
	backend: GraphicsBackend
): TensorInfo[] {
	const call = new RecurrentCall(backend, 'gru', inputs, attrs.goBackwards);
	const { width, rows } = call;
	const { batch, units } = call.sizes;
	const states = call.fitted(call.input(inputs.hSeq), rows, units, width);
	const { dx, dKernel, dRecurrentKernel, dBias, ended } = runBackward(call, inputs, attrs, states);
	const dh0 = call.output([batch, units]);
	call.fit(ended, dh0.buffer, batch, width, units);
	call.run();
	return [dx, dKernel, dRecurrentKernel, dBias, dh0.info];
}
