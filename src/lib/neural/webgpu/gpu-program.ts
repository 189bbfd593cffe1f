/**
 * Neural, WebGPU: a network as a list of dispatches. In: the plan, its packed layout, and how many rows and steps. Out: what
 * scoring, a loss, or a gradient takes, in order. Sizes decide everything: the same sizes give the same bits. Here is the way back.
 */
import { ForwardWriter, type Program } from './forward-program';
import { inputGradient, weightGradient, weightSlices } from './gemm';
import type { PackedLayer } from './packing';
import { reduce, sumSteps } from './pointwise';
import {
	activationOf,
	cellOf,
	contiguous,
	directionOf,
	groupsOf,
	reversedIf,
	tilesOf,
	viewParams,
	type Passed,
	type ProgramRequest,
	type View
} from './program-views';
import { backwardScan } from './recurrent-scan';

export type { Program };

export function writeProgram(request: ProgramRequest): Program {
	return request.loss?.gradientScale === undefined
		? new ForwardWriter(request).write()
		: new TrainingWriter(request).write();
}

/** Forward, loss, and the gradient of every weight. */
class TrainingWriter extends ForwardWriter {
	override write(): Program {
		const { passed, scores } = this.writeForward();
		this.backward(passed);
		return { dispatches: this.dispatches, scores };
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
