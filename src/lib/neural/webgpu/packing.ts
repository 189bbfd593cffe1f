/**
 * Neural, WebGPU: where every weight of a network lies on the device. In: a plan. Out: the packed layout: widths padded to
 * multiples of 4 (padding is 0 and stays 0), the gates of a unit side by side, kernel, recurrent kernel and bias of a layer one
 * after the other, and a transposed copy of recurrent kernels for the way back.
 */
import { cellTexts } from './cells';
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

/** Weights of one direction of a recurrent layer, or of a dense layer. Places in vec4. */
export interface PackedLayer {
	readonly inputs: RowPlaces;
	/** Units padded, in vec4; 0 for dense layers. */
	readonly unitQuads: number;
	/** Width of a row of weights, in vec4. */
	readonly columns: number;
	readonly kernel: number;
	readonly recurrent: number;
	readonly bias: number;
	/** Where the weights of the layer end. */
	readonly end: number;
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
		if (spec.kind === 'lstm' || spec.kind === 'gru') {
			const { gates, kernelPlaces, recurrentPlaces, biases } = cellTexts[spec.kind];
			const unitQuads = quads(spec.units);
			const units = unitQuads * 4;
			const parts: PackedLayer[] = [];
			for (let part = 0; part < (spec.bidirectional ? 2 : 1); part++) {
				const kernel = count;
				const recurrent = kernel + inputs.quads * 4 * units;
				const bias = recurrent + units * units;
				const row = (start: number, number: number, gatePlaces: readonly number[]) => {
					for (let j = 0; j < gates * spec.units; j++) {
						const gate = gatePlaces[Math.floor(j / spec.units)]!;
						places[weight++] = (start + number * units + (j % spec.units)) * 4 + gate;
					}
				};
				for (let k = 0; k < layer.inputWidth; k++) row(kernel, placeIn(inputs, k), kernelPlaces);
				for (let k = 0; k < spec.units; k++) row(recurrent, k, recurrentPlaces);
				for (let k = 0; k < biases; k++) row(bias, k, k === 0 ? kernelPlaces : recurrentPlaces);
				for (let at = kernel; at < recurrent; at++) copies.push(decayBit);
				for (let k = 0; k < units; k++)
					for (let u = 0; u < units; u++) copies.push(decayBit + 1 + transposedCount + u * units + k);
				for (let u = 0; u < biases * units; u++) copies.push(0);
				count = bias + biases * units;
				const columns = units;
				parts.push({ inputs, unitQuads, columns, kernel, recurrent, bias, end: count, transposed: transposedCount });
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
			count = bias + columns;
			layers.set(layer, [{ inputs, unitQuads: 0, columns, kernel, recurrent: bias, bias, end: count, transposed: 0 }]);
			inputs = plainRow(spec.units);
		}
		rows.set(layer, inputs);
	}
	if (weight !== plan.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
		throw new RangeError('Weights of this network were not all packed');
	return { layers, rows, count, transposedCount, places, copies: Uint32Array.from(copies) };
}
