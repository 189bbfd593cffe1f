/**
 * Neural, WebGPU: a network's forward pass as a list of dispatches. In: the plan, its packed layout, how many rows and steps. Out: what
 * scoring or a loss takes, in order, and the layers that were run, for the way back (gpu-program.ts).
 */
import type { Dispatch } from './device';
import { cellTexts, type Cell } from './cells';
import { projection, type Activation } from './gemm';
import { plainRow, type PackedLayer, type RowPlaces } from './packing';
import { loss, sumGroups } from './pointwise';
import {
	activationOf,
	cellOf,
	contiguous,
	directionOf,
	reversedIf,
	tilesOf,
	viewParams,
	type Passed,
	type ProgramRequest,
	type View
} from './program-views';
import { gatherRows, spread, spreadRows } from './rearrange';
import { forwardScan } from './recurrent-scan';
import { scanShape } from './scan-shape';

export interface Program {
	readonly dispatches: readonly Dispatch[];
	/** The outputs, one after the other; undefined where a loss was asked for. */
	readonly scores: GPUBuffer | undefined;
}

/** Writes what a network does to its rows, up to the outputs or the loss. */
export class ForwardWriter {
	protected readonly dispatches: Dispatch[] = [];
	protected readonly weights: GPUBuffer;
	protected readonly training: boolean;

	constructor(protected readonly request: ProgramRequest) {
		this.weights = request.room('weights', request.packed.count * 4);
		this.training = request.loss?.gradientScale !== undefined;
	}

	write(): Program {
		const { scores } = this.writeForward();
		return { dispatches: this.dispatches, scores };
	}

	/** All layers, then the loss or the outputs. */
	protected writeForward(): { passed: readonly Passed[]; scores: GPUBuffer | undefined } {
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
		return { passed, scores };
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
	protected direction(passed: Passed, part: PackedLayer, number: number, outQuads: number) {
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
}
