/**
 * Neural, WebGPU: a network as a list of dispatches. In: the plan, its packed layout, and how many rows and steps. Out: what
 * scoring, a loss, or a gradient takes, in order. Sizes decide everything: the same sizes give the same bits.
 */
import type { LossName } from '../executor';
import type { LayerPlan, NetworkPlan } from '../network-spec';
import type { Dispatch } from './device';
import { inputGradient, projection, tileSide, weightGradient, type Activation } from './gemm';
import { lstmBackwardScan, lstmForwardScan, scanShape } from './lstm-scan';
import type { PackedLayer, PackedPlan } from './packing';
import { loss, reduce, sumGroups, sumSteps } from './pointwise';

/** Rows in a buffer (see gemm.ts), in vec4. */
interface View {
	readonly buffer: GPUBuffer;
	readonly offset: number;
	readonly batch: number;
	readonly step: number;
}

/** Buffers by name, made or enlarged as needed. */
export type Room = (name: string, floats: number) => GPUBuffer;

export interface ProgramRequest {
	readonly plan: NetworkPlan;
	readonly packed: PackedPlan;
	readonly room: Room;
	readonly rows: number;
	readonly steps: number;
	/** The adapter is a CPU that plays a GPU: work is divided for it. */
	readonly software: boolean;
	/** Left out: scoring only. */
	readonly loss?: {
		readonly name: LossName;
		/** First of the numbers in `losses` to add to. */
		readonly first: number;
		readonly lossScale: number;
		/** Left out: no gradient. */
		readonly gradientScale?: number;
		/** Adds to the gradient that is there. */
		readonly addsUp?: boolean;
	};
}

export interface Program {
	readonly dispatches: readonly Dispatch[];
	/** Where the output lies: floats of one window, and of those the last `width` count. */
	readonly output: { readonly buffer: GPUBuffer; readonly stride: number; readonly width: number };
}

/** A layer that has been run forward. */
interface Passed {
	readonly layer: LayerPlan;
	/** Rows that went in, and how many steps. */
	readonly input: View;
	readonly length: number;
	/** Width of a row that goes in, in vec4. */
	readonly inputQuads: number;
	readonly output: GPUBuffer;
}

const contiguous = (buffer: GPUBuffer, length: number, quads: number): View => ({
	buffer,
	offset: 0,
	batch: length * quads,
	step: quads
});
const reversed = (view: View, length: number): View => ({
	...view,
	offset: view.offset + (length - 1) * view.step,
	step: -view.step
});
const reversedIf = (flag: boolean, view: View, length: number) => (flag ? reversed(view, length) : view);
const viewParams = (name: string, { offset, batch, step }: View, scale = 1) => ({
	[`${name}Offset`]: offset * scale,
	[`${name}Batch`]: batch * scale,
	[`${name}Step`]: step * scale
});
const tilesOf = (count: number) => Math.ceil(count / tileSide);
/** Workgroups of 256 that cover `count`. */
const groupsOf = (count: number) => Math.ceil(count / 256);

const activationOf = (layer: LayerPlan | undefined): Activation =>
	layer?.spec.kind === 'dense' ? (layer.spec.activation ?? 'linear') : 'linear';

/** Whether the direction of a layer reads its input backwards, and puts its output back in the order of time. */
function directionOf({ spec }: LayerPlan, part: number): { backwards: boolean; flips: boolean } {
	if (spec.kind !== 'lstm') return { backwards: false, flips: false };
	return { backwards: (spec.goBackwards ?? false) !== (part === 1), flips: part === 1 && spec.returnSequences };
}

export function writeProgram(request: ProgramRequest): Program {
	return new ProgramWriter(request).write();
}

class ProgramWriter {
	private readonly dispatches: Dispatch[] = [];
	private readonly weights: GPUBuffer;
	private readonly training: boolean;

	constructor(private readonly request: ProgramRequest) {
		this.weights = request.room('weights', request.packed.count * 4);
		this.training = request.loss?.gradientScale !== undefined;
	}

	write(): Program {
		const { plan, packed, room, rows, steps } = this.request;
		const inputQuads = Math.ceil(plan.spec.features / 4);
		let view = contiguous(room('input', rows * steps * inputQuads * 4), steps, inputQuads);
		let length = steps;
		let quads = inputQuads;
		const passed: Passed[] = [];
		plan.layers.forEach((layer, index) => {
			const { spec } = layer;
			if (spec.kind === 'repeat-vector') {
				view = { ...view, step: 0 };
				length = spec.steps;
				return;
			}
			const parts = packed.layers.get(layer);
			if (!parts) return;
			const outQuads = packed.rows.get(layer)!.quads;
			const output = room(`output${index}`, rows * length * outQuads * 4);
			passed.push({ layer, input: view, length, inputQuads: quads, output });
			if (spec.kind === 'lstm') parts.forEach((part, number) => this.recurrent(passed.at(-1)!, part, number, outQuads));
			else this.dense(passed.at(-1)!, parts[0]!);
			view = contiguous(output, length, outQuads);
			if (!layer.sequenceOut && length > 1) view = { ...view, offset: (length - 1) * outQuads, step: 0 };
			if (!layer.sequenceOut) length = 1;
			quads = outQuads;
		});
		if (this.request.loss) this.lossOf(passed.at(-1)!, view, length, quads);
		if (this.training) this.backward(passed);
		return {
			dispatches: this.dispatches,
			output: { buffer: view.buffer, stride: view.batch * 4, width: length * quads * 4 }
		};
	}

	private projection(
		input: View,
		part: PackedLayer,
		output: View,
		length: number,
		activation: Activation,
		width: number
	) {
		const rows = this.request.rows * length;
		this.dispatches.push({
			shader: projection(activation),
			params: {
				rows,
				steps: length,
				inner: part.inputs.quads,
				columns: part.columns,
				weights: part.kernel,
				bias: part.bias,
				trueColumns: width,
				...viewParams('a', input),
				...viewParams('c', output)
			},
			buffers: { a: input.buffer, w: this.weights, c: output.buffer },
			groups: [tilesOf(rows), tilesOf(part.columns * 4)]
		});
	}

	private dense({ layer, input, length, output }: Passed, part: PackedLayer): void {
		const to = contiguous(output, length, part.columns);
		this.projection(input, part, to, length, activationOf(layer), layer.outputWidth);
	}

	/** Buffers and views of one direction of an LSTM. */
	private direction(passed: Passed, part: PackedLayer, number: number, outQuads: number) {
		const { rows, room, plan, software } = this.request;
		const { layer, input, length, output } = passed;
		const { backwards, flips } = directionOf(layer, number);
		const units = part.unitQuads * 4;
		const name = `${plan.layers.indexOf(layer)}.${number}`;
		const h = { ...contiguous(output, length, outQuads), offset: number * part.unitQuads };
		return {
			backwards,
			flips,
			units,
			input: reversedIf(backwards, input, length),
			h: reversedIf(flips, h, length),
			z: room(`z${name}`, rows * length * units * 4),
			c: this.training ? room(`c${name}`, rows * length * units) : undefined,
			shape: scanShape(units, rows, software)
		};
	}

	private recurrent(passed: Passed, part: PackedLayer, number: number, outQuads: number): void {
		const { rows } = this.request;
		const { length } = passed;
		const { input, h, z, c, units, shape } = this.direction(passed, part, number, outQuads);
		this.projection(input, part, contiguous(z, length, units), length, 'linear', units * 4);
		this.dispatches.push({
			shader: lstmForwardScan(shape, this.training),
			params: { rows, steps: length, weights: part.recurrent, ...viewParams('h', h, 4) },
			buffers: { z, w: this.weights, h: h.buffer, ...(c ? { c } : {}) },
			groups: [Math.ceil(rows / shape.lanes)]
		});
	}

	private lossOf({ layer }: Passed, view: View, length: number, quads: number): void {
		const { room, packed, plan } = this.request;
		const { name, first, lossScale, gradientScale } = this.request.loss!;
		const { block, width } = packed.rows.get(layer)!;
		const rows = this.request.rows * length;
		const trained = gradientScale !== undefined;
		this.dispatches.push({
			shader: loss(name, trained ? activationOf(layer) : undefined),
			params: {
				rows,
				columns: quads,
				block,
				width,
				yOffset: view.offset,
				yRow: length > 1 ? view.step : view.batch,
				first,
				lossScale,
				...(trained ? { gradientScale } : {})
			},
			buffers: {
				output: view.buffer,
				target_: room('target', rows * quads * 4),
				losses: room('losses', 2 * sumGroups),
				...(trained ? { dy: room(`dy${plan.layers.indexOf(layer)}`, rows * quads * 4) } : {})
			},
			groups: [sumGroups]
		});
	}

	/** Slices of the sum over rows: enough workgroups for a large adapter, within 32 MiB of partial sums. */
	private slices(): number {
		const { rows, steps, packed, plan } = this.request;
		const longest = Math.max(steps, ...plan.layers.map(({ spec }) => (spec.kind === 'repeat-vector' ? spec.steps : 1)));
		const most = Math.max(1, Math.floor(2 ** 23 / (packed.count * 4)));
		return Math.min(16, most, Math.ceil((rows * longest) / 192));
	}

	private backward(passed: readonly Passed[]): void {
		const { packed, room, plan } = this.request;
		const slices = this.slices();
		const partial = room('partial', slices * packed.count * 4);
		for (let index = passed.length - 1; index >= 0; index--) {
			const one = passed[index]!;
			const outQuads = packed.rows.get(one.layer)!.quads;
			const dy = room(`dy${plan.layers.indexOf(one.layer)}`, 4);
			packed.layers.get(one.layer)!.forEach((part, number, { length: parts }) => {
				const below = passed[index - 1];
				if (one.layer.spec.kind === 'lstm') this.scanBack(one, part, number, outQuads, dy);
				this.weightGradient(one, part, number, outQuads, dy, partial, slices);
				if (below) this.inputGradient(one, below, part, number, outQuads, dy, number === parts - 1);
			});
		}
		this.dispatches.push({
			shader: reduce,
			params: { count: packed.count, slices, addsUp: this.request.loss!.addsUp ? 1 : 0 },
			buffers: { parts: partial, gradient: room('gradient', packed.count * 4) },
			groups: [groupsOf(packed.count)]
		});
	}

	private scanBack(passed: Passed, part: PackedLayer, number: number, outQuads: number, dy: GPUBuffer): void {
		const { rows, room, packed } = this.request;
		const { layer, length } = passed;
		const { flips, z, c, shape } = this.direction(passed, part, number, outQuads);
		const lastOnly = !layer.sequenceOut;
		const all = { ...contiguous(dy, lastOnly ? 1 : length, outQuads), offset: number * part.unitQuads };
		this.dispatches.push({
			shader: lstmBackwardScan(shape),
			params: {
				rows,
				steps: length,
				weights: part.transposed,
				lastOnly: lastOnly ? 1 : 0,
				...viewParams('h', reversedIf(flips, all, length), 4)
			},
			buffers: { z, w: room('transposed', packed.transposedCount * 4), c: c!, dh: dy },
			groups: [Math.ceil(rows / shape.lanes)]
		});
	}

	/** dz of a layer: what its backward scan wrote over z, or for a dense layer what came from above. */
	private gradientOfSum(passed: Passed, part: PackedLayer, number: number, outQuads: number, dy: GPUBuffer): View {
		if (passed.layer.spec.kind === 'dense') return contiguous(dy, passed.length, outQuads);
		const { z, units } = this.direction(passed, part, number, outQuads);
		return contiguous(z, passed.length, units);
	}

	private weightGradient(
		passed: Passed,
		part: PackedLayer,
		number: number,
		outQuads: number,
		dy: GPUBuffer,
		partial: GPUBuffer,
		slices: number
	): void {
		const { packed } = this.request;
		const { length } = passed;
		const recurrent = passed.layer.spec.kind === 'lstm';
		const { input, h } = this.inputs(passed, part, number, outQuads);
		const dz = this.gradientOfSum(passed, part, number, outQuads, dy);
		const rows = this.request.rows * length;
		this.dispatches.push({
			shader: weightGradient(recurrent),
			params: {
				rows,
				steps: length,
				sliceRows: Math.ceil(rows / slices / 16) * 16,
				xQuads: part.inputs.quads,
				hQuads: part.unitQuads,
				columns: part.columns,
				result: part.kernel,
				total: packed.count,
				...viewParams('x', input),
				...viewParams('z', dz),
				...(h ? { ...viewParams('h', h), shifted: 0 } : {})
			},
			buffers: { x: input.buffer, ...(h ? { h: h.buffer } : {}), dz: dz.buffer, parts: partial },
			groups: [Math.ceil((part.inputs.quads + part.unitQuads + 1) / 16), Math.ceil(part.columns / 16), slices]
		});
	}

	private inputs(passed: Passed, part: PackedLayer, number: number, outQuads: number): { input: View; h?: View } {
		if (passed.layer.spec.kind === 'dense') return { input: passed.input };
		return this.direction(passed, part, number, outQuads);
	}

	/** Gradient of what the layer below gave; the second direction adds to the first's. */
	private inputGradient(
		passed: Passed,
		below: Passed,
		part: PackedLayer,
		number: number,
		outQuads: number,
		dy: GPUBuffer,
		last: boolean
	): void {
		const { room, plan } = this.request;
		const { length, inputQuads } = passed;
		const windows = this.request.rows;
		const { backwards } = directionOf(passed.layer, number);
		const below_ = plan.layers.indexOf(below.layer);
		const belowLength = below.layer.sequenceOut ? below.length : 1;
		const repeated = plan.layers
			.slice(below_, plan.layers.indexOf(passed.layer))
			.some(({ spec }) => spec.kind === 'repeat-vector');
		const result = room(`dy${below_}`, windows * belowLength * inputQuads * 4);
		const to = repeated ? room(`repeated${below_}`, windows * length * inputQuads * 4) : result;
		const from = this.gradientOfSum(passed, part, number, outQuads, dy);
		const slope = activationOf(below.layer);
		const own = repeated || !last ? 'linear' : slope;
		const rows = windows * length;
		this.dispatches.push({
			shader: inputGradient(own, number > 0),
			params: {
				rows,
				steps: length,
				inner: part.columns,
				columns: inputQuads,
				weights: part.kernel,
				...viewParams('a', from),
				...viewParams('c', reversedIf(backwards, contiguous(to, length, inputQuads), length)),
				...(own === 'linear' ? {} : viewParams('y', reversedIf(backwards, passed.input, length)))
			},
			buffers: {
				a: from.buffer,
				w: this.weights,
				c: to,
				...(own === 'linear' ? {} : { below: passed.input.buffer })
			},
			groups: [tilesOf(rows), tilesOf(inputQuads * 4)]
		});
		if (!repeated || !last) return;
		this.dispatches.push({
			shader: sumSteps(slope),
			params: {
				count: windows * inputQuads,
				steps: length,
				columns: inputQuads,
				yOffset: passed.input.offset,
				yRow: passed.input.batch
			},
			buffers: { parts: to, result, ...(slope === 'linear' ? {} : { below: passed.input.buffer }) },
			groups: [groupsOf(windows * inputQuads)]
		});
	}
}
