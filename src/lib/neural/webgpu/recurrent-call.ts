/**
 * Neural, WebGPU: one call of a recurrent kernel on tensors. In: its inputs as tensors. Out: sizes with widths padded, weights packed for
 * the shaders, masks and states in place: what the forward and the backward pass (tensor-recurrent.ts) both need.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../../contracts/error';
import type { FusedGruGradInputs, FusedGruInputs } from '../kernels/gru-kernel';
import { lstmSizes, type FusedLstmInputs } from '../kernels/lstm-kernel';
import { cellTexts, type Cell } from './cells';
import { tileSide } from './gemm';
import { KernelCall, type GraphicsBackend } from './kernel-call';
import { quads } from './packing';
import { packGates, spread, unpackGates } from './rearrange';
import { mostUnits, scanShape, traitsOf, type ScanShape } from './scan-shape';

export const view = (name: string, offset: number, batch: number, step: number) => ({
	[`${name}Offset`]: offset,
	[`${name}Batch`]: batch,
	[`${name}Step`]: step
});
export const tilesOf = (count: number) => Math.ceil(count / tileSide);

export type Params = Readonly<Record<string, number>>;
export type Buffers = Readonly<Record<string, GPUBuffer>>;
/** Inputs of either kind: a GRU has no c0. */
export type RecurrentInputs = FusedGruInputs & Pick<Partial<FusedLstmInputs>, 'c0'>;
export type RecurrentGradInputs = RecurrentInputs & Pick<FusedGruGradInputs, 'dhSeq' | 'hSeq' | 'gates'>;

/** One call for one layer: sizes, with widths padded, and the pieces that both directions share. */
export class RecurrentCall extends KernelCall {
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
