/**
 * Neural, WebGPU: a network as a list of dispatches. In: the plan, its packed layout, and how many rows and steps. Out: what
 * scoring, a loss, or a gradient takes, in order. Sizes decide everything: the same sizes give the same bits.
 */
import type { LossName } from '../executor';
import type { LayerPlan, NetworkPlan } from '../network-spec';
import type { Dispatch } from './device';
import { inputGradient, projection, tileSide, weightGradient, weightSlices, type Activation } from './gemm';
import { cellTexts, type Cell } from './cells';
import { gatherRows, spread, spreadRows } from './rearrange';
import { backwardScan, forwardScan } from './recurrent-scan';
import { scanShape, type DeviceTraits } from './scan-shape';
import { plainRow, type PackedLayer, type PackedPlan, type RowPlaces } from './packing';
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
	/** Work is divided for this device. */
	readonly traits: DeviceTraits;
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
	/** The outputs, one after the other; undefined where a loss was asked for. */
	readonly scores: GPUBuffer | undefined;
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

const cellOf = ({ spec }: LayerPlan): Cell | undefined =>
	spec.kind === 'lstm' || spec.kind === 'gru' ? spec.kind : undefined;

/** Whether the direction of a layer reads its input backwards, and puts its output back in the order of time. */
function directionOf({ spec }: LayerPlan, part: number): { backwards: boolean; flips: boolean } {
	if (spec.kind !== 'lstm' && spec.kind !== 'gru') return { backwards: false, flips: false };
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
		const input = this.given('input', rows * steps, plainRow(plan.spec.features), plan.spec.features);
		let view = contiguous(input, steps, inputQuads);
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
			if (cellOf(layer)) parts.forEach((part, number) => this.recurrent(passed.at(-1)!, part, number, outQuads));
			else this.dense(passed.at(-1)!, parts[0]!);
			view = contiguous(output, length, outQuads);
			if (!layer.sequenceOut && length > 1) view = { ...view, offset: (length - 1) * outQuads, step: 0 };
			if (!layer.sequenceOut) length = 1;
			quads = outQuads;
		});
		let scores: GPUBuffer | undefined;
		if (this.request.loss) this.lossOf(passed.at(-1)!, view, length, quads);
		else scores = this.scores(passed.at(-1)!, view, length, quads);
		if (this.training) this.backward(passed);
		return { dispatches: this.dispatches, scores };
	}

	/** What the caller has written to the buffer `name`, `lines` rows of `width` numbers, as rows on the device. */
	private given(name: string, lines: number, row: RowPlaces, width: number): GPUBuffer {
		const rows = this.request.room(name, lines * width);
		const toWidth = row.quads * 4;
		if (toWidth === width) return rows;
		const padded = this.request.room(`padded ${name}`, lines * toWidth);
		const params = { count: lines * toWidth, width, toWidth, block: row.block, blockWidth: row.width };
		this.dispatches.push({ shader: spreadRows, params, buffers: { rows, padded }, groups: spread(lines * toWidth) });
		return padded;
	}

	private scores({ layer }: Passed, view: View, length: number, quads: number): GPUBuffer {
		const { room, packed, plan } = this.request;
		const { block, width: blockWidth } = packed.rows.get(layer)!;
		const count = this.request.rows * length * plan.outputWidth;
		const scores = room('scores', count);
		this.dispatches.push({
			shader: gatherRows,
			params: {
				count,
				lines: length,
				stride: view.batch * 4,
				offset: view.offset * 4,
				width: plan.outputWidth,
				toWidth: quads * 4,
				block,
				blockWidth
			},
			buffers: { padded: view.buffer, rows: scores },
			groups: spread(count)
		});
		return scores;
	}

	private projection(
		input: View,
		part: PackedLayer,
		output: View,
		length: number,
		activation: Activation,
		width: number,
		cell?: Cell
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
				biases: cell ? cellTexts[cell].biases : 1,
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

	/** Buffers and views of one direction of a recurrent layer. */
	private direction(passed: Passed, part: PackedLayer, number: number, outQuads: number) {
		const { rows, room, plan, traits } = this.request;
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
			shape: scanShape(cellOf(layer)!, units, rows, traits)
		};
	}

	private recurrent(passed: Passed, part: PackedLayer, number: number, outQuads: number): void {
		const { rows } = this.request;
		const { length } = passed;
		const { input, h, z, c, units, shape } = this.direction(passed, part, number, outQuads);
		this.projection(input, part, contiguous(z, length, units), length, 'linear', units * 4, shape.cell);
		this.dispatches.push({
			shader: forwardScan(shape, this.training),
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
				target_: this.given('target', rows, packed.rows.get(layer)!, plan.outputWidth),
				losses: room('losses', 2 * sumGroups),
				...(trained ? { dy: room(`dy${plan.layers.indexOf(layer)}`, rows * quads * 4) } : {})
			},
			groups: [sumGroups]
		});
	}

	/** How the weight gradient of a layer over `length` steps is divided. */
	private slicing(length: number, { inputs, unitQuads, columns, kernel, end }: PackedLayer) {
		const tiles = [Math.ceil((inputs.quads + unitQuads + 1) / 16), Math.ceil(columns / 16)] as const;
		return { tiles, slices: weightSlices(this.request.rows * length, tiles[0] * tiles[1], end - kernel) };
	}

	private backward(passed: readonly Passed[]): void {
		const { packed, room, plan } = this.request;
		// All layers use the same room, one after the other: made once, for the largest.
		const partialFloats = passed.flatMap(({ layer, length }) =>
			packed.layers.get(layer)!.map((part) => this.slicing(length, part).slices * (part.end - part.kernel) * 4)
		);
		room('partial', Math.max(...partialFloats));
		for (let index = passed.length - 1; index >= 0; index--) {
			const one = passed[index]!;
			const outQuads = packed.rows.get(one.layer)!.quads;
			const dy = room(`dy${plan.layers.indexOf(one.layer)}`, 4);
			packed.layers.get(one.layer)!.forEach((part, number, { length: parts }) => {
				const below = passed[index - 1];
				if (cellOf(one.layer)) this.scanBack(one, part, number, outQuads, dy);
				this.weightGradient(one, part, number, outQuads, dy);
				if (below) this.inputGradient(one, below, part, number, outQuads, dy, number === parts - 1);
			});
		}
	}

	private scanBack(passed: Passed, part: PackedLayer, number: number, outQuads: number, dy: GPUBuffer): void {
		const { rows, room, packed } = this.request;
		const { layer, length } = passed;
		const { flips, z, c, shape } = this.direction(passed, part, number, outQuads);
		const lastOnly = !layer.sequenceOut;
		const all = { ...contiguous(dy, lastOnly ? 1 : length, outQuads), offset: number * part.unitQuads };
		this.dispatches.push({
			shader: backwardScan(shape),
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
		if (!cellOf(passed.layer)) return contiguous(dy, passed.length, outQuads);
		const { z, units } = this.direction(passed, part, number, outQuads);
		return contiguous(z, passed.length, units);
	}

	private weightGradient(passed: Passed, part: PackedLayer, number: number, outQuads: number, dy: GPUBuffer): void {
		const { packed, room } = this.request;
		const { length } = passed;
		const count = part.end - part.kernel;
		const { input, h } = this.inputs(passed, part, number, outQuads);
		const dz = this.gradientOfSum(passed, part, number, outQuads, dy);
		const rows = this.request.rows * length;
		const { tiles, slices } = this.slicing(length, part);
		const partial = room('partial', slices * count * 4);
		this.dispatches.push({
			shader: weightGradient(cellOf(passed.layer)),
			params: {
				rows,
				steps: length,
				sliceRows: Math.ceil(rows / slices / 16) * 16,
				xQuads: part.inputs.quads,
				hQuads: part.unitQuads,
				columns: part.columns,
				total: count,
				...viewParams('x', input),
				...viewParams('z', dz),
				...(h ? { ...viewParams('h', h), shifted: 0 } : {})
			},
			buffers: { x: input.buffer, ...(h ? { h: h.buffer } : {}), dz: dz.buffer, parts: partial },
			groups: [...tiles, slices]
		});
		this.dispatches.push({
			shader: reduce,
			params: { count, slices, start: part.kernel, addsUp: this.request.loss!.addsUp ? 1 : 0 },
			buffers: { parts: partial, gradient: room('gradient', packed.count * 4) },
			groups: [groupsOf(count)]
		});
	}

	private inputs(passed: Passed, part: PackedLayer, number: number, outQuads: number): { input: View; h?: View } {
		if (!cellOf(passed.layer)) return { input: passed.input };
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
