/**
 * Neural, WebGPU: where every weight of a network lies on the device. In: a plan. Out: the packed layout: widths padded to
 * multiples of 4 (padding is 0 and stays 0), the gates of a unit side by side, kernel, recurrent kernel and bias of a layer one
 * after the other, and a transposed copy of recurrent kernels for the way back.
 */
import { sizeOf, type LayerPlan, type NetworkPlan } from '../network-spec';
import { decayBit } from './pointwise';

export const quads = (width: number) => Math.ceil(width / 4);

/** A row of numbers on the device: which of its places hold the numbers of the row outside. */
export interface RowPlaces {
	/** In vec4. */
	readonly quads: number;
	/** Numbers come in blocks of `block` places, of which the first `width` count. */
	readonly block: number;
	readonly width: number;
}

export const plainRow = (width: number): RowPlaces => ({ quads: quads(width), block: quads(width) * 4, width });

/** Place of number k of a row. */
export const placeIn = ({ block, width }: RowPlaces, k: number) => Math.floor(k / width) * block + (k % width);

/** Weights of one direction of an LSTM, or of a dense layer. Places in vec4. */
export interface PackedLayer {
	readonly inputs: RowPlaces;
	/** Units padded, in vec4; 0 for dense layers. */
	readonly unitQuads: number;
	/** Width of a row of weights, in vec4. */
	readonly columns: number;
	readonly kernel: number;
	readonly recurrent: number;
	readonly bias: number;
	/** Where the recurrent kernel lies transposed. */
	readonly transposed: number;
}

export interface PackedPlan {
	/** By layer and direction. */
	readonly layers: ReadonlyMap<LayerPlan, readonly PackedLayer[]>;
	/** Rows that each layer gives. */
	readonly rows: ReadonlyMap<LayerPlan, RowPlaces>;
	/** In vec4. */
	readonly count: number;
	readonly transposedCount: number;
	/** Where each weight in Keras order lies, in floats. */
	readonly places: Uint32Array;
	/** Per vec4 of the packed weights: see `decayBit`. */
	readonly copies: Uint32Array;
}

export function packPlan(plan: NetworkPlan): PackedPlan {
	const layers = new Map<LayerPlan, PackedLayer[]>();
	const rows = new Map<LayerPlan, RowPlaces>();
	const places = new Uint32Array(plan.weightCount);
	const copies: number[] = [];
	let inputs = plainRow(plan.spec.features);
	let count = 0;
	let transposedCount = 0;
	let weight = 0;
	for (const layer of plan.layers) {
		const { spec } = layer;
		if (spec.kind === 'lstm') {
			const unitQuads = quads(spec.units);
			const units = unitQuads * 4;
			const parts: PackedLayer[] = [];
			for (let part = 0; part < (spec.bidirectional ? 2 : 1); part++) {
				const kernel = count;
				const recurrent = kernel + inputs.quads * 4 * units;
				const bias = recurrent + units * units;
				const place = (row: number, j: number) => (row * units + (j % spec.units)) * 4 + Math.floor(j / spec.units);
				for (let k = 0; k < layer.inputWidth; k++)
					for (let j = 0; j < 4 * spec.units; j++) places[weight++] = kernel * 4 + place(placeIn(inputs, k), j);
				for (let k = 0; k < spec.units; k++)
					for (let j = 0; j < 4 * spec.units; j++) places[weight++] = recurrent * 4 + place(k, j);
				for (let j = 0; j < 4 * spec.units; j++) places[weight++] = bias * 4 + place(0, j);
				for (let at = kernel; at < recurrent; at++) copies.push(decayBit);
				for (let k = 0; k < units; k++)
					for (let u = 0; u < units; u++) copies.push(decayBit + 1 + transposedCount + u * units + k);
				for (let u = 0; u < units; u++) copies.push(0);
				parts.push({ inputs, unitQuads, columns: units, kernel, recurrent, bias, transposed: transposedCount });
				count = bias + units;
				transposedCount += units * units;
			}
			layers.set(layer, parts);
			inputs = { quads: unitQuads * parts.length, block: units, width: spec.units };
		} else if (spec.kind === 'dense') {
			const columns = quads(spec.units);
			const kernel = count;
			const bias = kernel + inputs.quads * 4 * columns;
			for (let k = 0; k < layer.inputWidth; k++)
				for (let j = 0; j < spec.units; j++) places[weight++] = kernel * 4 + placeIn(inputs, k) * columns * 4 + j;
			for (let j = 0; j < spec.units; j++) places[weight++] = bias * 4 + j;
			for (let at = kernel; at < bias; at++) copies.push(decayBit);
			for (let at = 0; at < columns; at++) copies.push(0);
			layers.set(layer, [{ inputs, unitQuads: 0, columns, kernel, recurrent: bias, bias, transposed: 0 }]);
			count = bias + columns;
			inputs = plainRow(spec.units);
		}
		rows.set(layer, inputs);
	}
	if (weight !== plan.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
		throw new RangeError('Weights of this network were not all packed');
	return { layers, rows, count, transposedCount, places, copies: Uint32Array.from(copies) };
}

/** Rows of `width` numbers to padded rows on the device, and back. */
export function padRows(values: Float32Array, rowsCount: number, row: RowPlaces, to: Float32Array): void {
	const width = values.length / rowsCount;
	const wide = row.quads * 4;
	if (width === wide) return void to.set(values);
	const places = Array.from({ length: width }, (_, k) => placeIn(row, k));
	for (let r = 0; r < rowsCount; r++)
		for (let k = 0; k < width; k++) to[r * wide + places[k]!] = values[r * width + k]!;
}

export function unpadRows(values: Float32Array, rowsCount: number, row: RowPlaces, width: number): Float32Array {
	const wide = row.quads * 4;
	if (width === wide) return values;
	const to = new Float32Array(rowsCount * width);
	const places = Array.from({ length: width }, (_, k) => placeIn(row, k));
	for (let r = 0; r < rowsCount; r++)
		for (let k = 0; k < width; k++) to[r * width + k] = values[r * wide + places[k]!]!;
	return to;
}
