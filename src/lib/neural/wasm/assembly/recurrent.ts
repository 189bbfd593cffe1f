/**
 * LSTM and GRU (reset_after) over a range of time steps: forward scan, and backward through time with weight gradients.
 *
 * All sequences are time-major ([step][row][stride]). Weights are packed in panels of 8 columns; 8 units have 4 panels side by side
 * (LSTM: i, f, g, o; GRU: z, r, candidate from input, candidate from state), so that one pass over 4 panels leaves in a small
 * scratch all that the gate mathematics of 8 units needs. Padding units have zero weights and stay exactly zero.
 */
import { copyRows } from './layout';
import { addColumnSums, backwardRows, forwardRows, weightGradientRows } from './rows';
import { applySigmoid, applyTanh, fma, gatedTanh, sigmoid, tanh } from './simd';
import { forwardRow } from './tiles';

/** Fields are 32-bit; pointers and strides in bytes. Filled in from outside, field by field, in this order. */
@unmanaged
export class Recurrent {
	/** 0 LSTM, 1 GRU. */
	kind: i32 = 0;
	inputs: i32 = 0;
	unitBlocks: i32 = 0;
	units: i32 = 0;
	/** Rows (independent sequences) of this run. */
	rows: i32 = 0;
	inputStride: usize = 0;
	outputStride: usize = 0;
	/** [unitBlocks * 4][biasRows + inputs + units][8] */
	weights: usize = 0;
	/** Bias rows at the head of a panel: 1 (LSTM) or 2 (GRU: input, recurrent). */
	biasRows: i32 = 0;
	/** [unitBlocks * 4][8], the bias rows added up. */
	bias: usize = 0;
	/** [ceil(inputs / 8)][unitBlocks * 32][8] */
	inputWeightsTransposed: usize = 0;
	/** [unitBlocks][unitBlocks * 32][8] */
	recurrentWeightsTransposed: usize = 0;
	/** Same layout as `weights`; added to. */
	gradients: usize = 0;
	/** [steps][rows][inputStride] */
	input: usize = 0;
	/** [1 + steps][rows][outputStride]: entry 0 is the initial state. */
	output: usize = 0;
	/** [unitBlocks][rows][8]: cell state now. */
	cell: usize = 0;
	/** [1 + steps][unitBlocks][rows][6][8]: i, f, g, o, c, tanh c (GRU: z, r, candidate, recurrent part); entry 0 holds the initial c. */
	record: usize = 0;
	/** [steps][rows], 0 where a step is padding; or null. */
	mask: usize = 0;
	/** [4][rows or unitBlocks, whichever is more][8] */
	scratch: usize = 0;
	/** [projectionSteps * rows][unitBlocks * 32]: room for the input projection of a few steps. */
	projection: usize = 0;
	projectionSteps: i32 = 0;
	/** [unitBlocks * 4][rows of the range][8], `gradBlockStride` from block to block. */
	grads: usize = 0;
	gradBlockStride: usize = 0;
	/** [rows of the range][outputStride], or null when nothing comes from above. */
	outputGradient: usize = 0;
	/** [rows][outputStride], carried from step to step. */
	stateGradient: usize = 0;
	/** [unitBlocks][rows][8], carried from step to step. */
	cellGradient: usize = 0;
	/** [rows of the range][inputStride], or null when not wanted. */
	inputGradient: usize = 0;
	/** Recurrent dropout: [rows][outputStride], what the state is multiplied by before the recurrent product; or null. */
	recurrentMask: usize = 0;
	/** [1 + steps][rows][outputStride], needed with `recurrentMask`: the states so multiplied; the last entry is scratch. */
	maskedOutput: usize = 0;
	/** Steps of the whole run. */
	steps: i32 = 0;
	/** [unitBlocks][units][4][8], see `packRow`: for single rows; or null. */
	rowWeights: usize = 0;
	/** [rows][joinedStride]: room for input and state side by side, so that one product takes both; or null. */
	joined: usize = 0;
	joinedStride: usize = 0;
}

const RECORD: usize = 192;

/** Runs steps [from, to). With `save`, keeps in `record` what the backward pass needs. */
export function recurrentForward(at: usize, from: i32, to: i32, save: i32): void {
	const layer = changetype<Recurrent>(at);
	// Few rows cannot fill a register tile: then the input projection of several steps is done at once, as one larger product.
	if (layer.rows >= 4) {
		for (let step = from; step < to; step++) scanStep(layer, step, 0, 0, save);
		return;
	}
	const rowBytes: usize = (<usize>layer.unitBlocks) * 128;
	for (let start = from; start < to; start += layer.projectionSteps) {
		const end = min(start + layer.projectionSteps, to);
		projectInput(layer, start, end, rowBytes);
		for (let step = start; step < end; step++) {
			scanStep(layer, step, layer.projection + <usize>((step - start) * layer.rows) * rowBytes, rowBytes, save);
		}
	}
}

function projectInput(layer: Recurrent, from: i32, to: i32, rowBytes: usize): void {
	const panels = layer.unitBlocks * 4;
	const panelBytes = <usize>(layer.biasRows + layer.inputs + layer.units) * 32;
	const skip = <usize>layer.biasRows * 32;
	const input = layer.input + <usize>(from * layer.rows) * layer.inputStride;
	for (let panel = 0; panel < panels; panel++) {
		forwardRows(
			(to - from) * layer.rows,
			input, layer.inputStride, layer.inputs,
			0, 0, 0,
			layer.weights + <usize>panel * panelBytes + skip,
			layer.bias + <usize>panel * 32, 0,
			layer.projection + <usize>panel * 32, rowBytes
		);
	}
}

/** One step of all rows. `projection` is null when the input product is to be done here. */
function scanStep(layer: Recurrent, step: i32, projection: usize, projectionStride: usize, save: i32): void {
	const rows = layer.rows;
	const inputs = layer.inputs;
	const units = layer.units;
	const outputStride = layer.outputStride;
	const panelBytes = <usize>(layer.biasRows + inputs + units) * 32;
	const skip = <usize>layer.biasRows * 32;
	const input = layer.input + <usize>(step * rows) * layer.inputStride;
	const before = layer.output + <usize>(step * rows) * outputStride;
	const after = before + <usize>rows * outputStride;
	const state = layer.recurrentMask ? maskedState(layer, step, before) : before;
	const blockRows = <usize>rows * 32;
	const recordBlock = <usize>rows * RECORD;
	const mask = layer.mask ? layer.mask + <usize>(step * rows) * 4 : 0;
	const scratch = layer.scratch;
	if (rows == 1 && projection && !mask && layer.kind == 0 && layer.rowWeights) {
		scanRow(layer, step, projection, before, after, state, save);
		return;
	}
	const joined = projection ? 0 : layer.joined;
	if (joined) {
		copyRows(input, layer.inputStride, joined, layer.joinedStride, rows, inputs);
		copyRows(state, outputStride, joined + <usize>inputs * 4, layer.joinedStride, rows, units);
	}
	for (let block = 0; block < layer.unitBlocks; block++) {
		const first = <usize>(block * 4);
		if (joined) {
			for (let slot: usize = 0; slot < 4; slot++) {
				forwardRows(
					rows,
					joined, layer.joinedStride, inputs + units,
					0, 0, 0,
					layer.weights + (first + slot) * panelBytes + skip,
					layer.bias + (first + slot) * 32, 0,
					scratch + slot * blockRows, 32
				);
			}
		} else if (projection) {
			for (let slot: usize = 0; slot < 4; slot++) {
				forwardRows(
					rows,
					state, outputStride, units,
					0, 0, 0,
					layer.weights + (first + slot) * panelBytes + skip + <usize>inputs * 32,
					projection + (first + slot) * 32, projectionStride,
					scratch + slot * blockRows, 32
				);
			}
		} else {
			for (let slot: usize = 0; slot < 4; slot++) {
				forwardRows(
					rows,
					input, layer.inputStride, inputs,
					state, outputStride, units,
					layer.weights + (first + slot) * panelBytes + skip,
					layer.bias + (first + slot) * 32, 0,
					scratch + slot * blockRows, 32
				);
			}
		}
		const record = save ? layer.record + <usize>((step + 1) * layer.unitBlocks + block) * recordBlock : 0;
		const offset = <usize>block * 32;
		if (layer.kind == 0) {
			const cell = layer.cell + <usize>block * blockRows;
			lstmGates(rows, scratch, blockRows, cell, record, before + offset, after + offset, outputStride, mask);
		} else {
			gruGates(rows, scratch, blockRows, record, before + offset, after + offset, outputStride, mask);
		}
	}
}

/** One step of a single row: all units first, then their gates in one go, blocks of 8 units taking the place of rows. */
function scanRow(layer: Recurrent, step: i32, projection: usize, before: usize, after: usize, state: usize, save: i32): void {
	const blocks = layer.unitBlocks;
	const slotStride = <usize>blocks * 32;
	const blockBytes = <usize>layer.units * 128;
	// Every other step goes through the blocks from the last to the first: the weights used last are still in the first-level cache.
	const backwards = step & 1;
	for (let turn = 0; turn < blocks; turn++) {
		const block = <usize>(backwards ? blocks - 1 - turn : turn);
		forwardRow(
			state, layer.units, layer.rowWeights + block * blockBytes, projection + block * 128,
			layer.scratch + block * 32, slotStride
		);
	}
	const record = save ? layer.record + <usize>((step + 1) * blocks) * RECORD : 0;
	lstmGates(blocks, layer.scratch, slotStride, layer.cell, record, before, after, 32, 0);
}

/** State times recurrent dropout mask, kept for the weight gradient. */
function maskedState(layer: Recurrent, step: i32, before: usize): usize {
	const bytes = <usize>layer.rows * layer.outputStride;
	const out = layer.maskedOutput + <usize>step * bytes;
	for (let at: usize = 0; at < bytes; at += 16) {
		v128.store(out + at, f32x4.mul(v128.load(before + at), v128.load(layer.recurrentMask + at)));
	}
	return out;
}

/**
 * c = f c + i g, h = o tanh c for 8 units of all rows. In passes over the scratch, which the first-level cache holds: activations
 * (slots i, f | g | o), new cells (also into slot g), their tanh, outputs.
 */
function lstmGates(
	rows: i32, z: usize, slotStride: usize, cell: usize, record: usize, before: usize, after: usize, stride: usize, mask: usize
): void {
	if (!record && !mask) {
		scoringGates(z, slotStride, cell, after, stride);
		return;
	}
	const forget = z + slotStride;
	const candidate = z + 2 * slotStride;
	const output = z + 3 * slotStride;
	applySigmoid(z, candidate);
	applyTanh(candidate, output);
	applySigmoid(output, output + slotStride);
	if (mask) padGates(rows, z, slotStride, mask);
	let saved = record;
	for (let at: usize = 0; at < slotStride; at += 16) {
		const i = v128.load(z + at);
		const f = v128.load(forget + at);
		const g = v128.load(candidate + at);
		const c = fma(f, v128.load(cell + at), f32x4.mul(i, g));
		v128.store(cell + at, c);
		v128.store(candidate + at, c);
		if (record) {
			v128.store(saved, i);
			v128.store(saved, f, 32);
			v128.store(saved, g, 64);
			v128.store(saved, v128.load(output + at), 96);
			v128.store(saved, c, 128);
			// Two vectors make the 8 units of a row.
			saved += at & 16 ? RECORD - 16 : 16;
		}
	}
	applyTanh(candidate, output);
	if (record) {
		saved = record + 160;
		for (let at: usize = 0; at < slotStride; at += 32) {
			v128.store(saved, v128.load(candidate + at));
			v128.store(saved, v128.load(candidate + at, 16), 16);
			saved += RECORD;
		}
	}
	let out = output;
	let tanhC = candidate;
	for (let row = 0; row < rows; row++) {
		if (mask && load<f32>(mask + (<usize>row << 2)) == 0) {
			v128.store(after, v128.load(before));
			v128.store(after, v128.load(before, 16), 16);
		} else {
			v128.store(after, f32x4.mul(v128.load(out), v128.load(tanhC)));
			v128.store(after, f32x4.mul(v128.load(out, 16), v128.load(tanhC, 16)), 16);
		}
		out += 32;
		tanhC += 32;
		before += stride;
		after += stride;
	}
}

/** The same when nothing is kept and nothing is padded: three divisions a unit instead of five. */
function scoringGates(
	z: usize, slotStride: usize, cell: usize, after: usize, stride: usize
): void {
	const forget = z + slotStride;
	const candidate = z + 2 * slotStride;
	const output = z + 3 * slotStride;
	applySigmoid(forget, candidate);
	for (let at: usize = 0; at < slotStride; at += 32) {
		gatedTanh(z + at, candidate + at, candidate + at);
	}
	for (let at: usize = 0; at < slotStride; at += 16) {
		v128.store(cell + at, fma(v128.load(forget + at), v128.load(cell + at), v128.load(candidate + at)));
	}
	for (let at: usize = 0; at < slotStride; at += 32) {
		gatedTanh(output + at, cell + at, after);
		after += stride;
	}
}

/** Padded steps: gates (0, 1, 0, 0) keep the cell, and let its gradient through unchanged in the backward pass. */
function padGates(rows: i32, z: usize, slotStride: usize, mask: usize): void {
	for (let row = 0; row < rows; row++) {
		if (load<f32>(mask + (<usize>row << 2)) == 0) {
			for (let slot: usize = 0; slot < 4; slot++) {
				const value = f32x4.splat(slot == 1 ? 1 : 0);
				v128.store(z + slot * slotStride, value);
				v128.store(z + slot * slotStride, value, 16);
			}
		}
		z += 32;
	}
}

/** h = z h + (1 - z) tanh(a + r b) for 8 units of all rows (reset_after). */
function gruGates(
	rows: i32, z: usize, slotStride: usize, record: usize, before: usize, after: usize, stride: usize, mask: usize
): void {
	const one = f32x4.splat(1);
	const zero = f32x4.splat(0);
	for (let row = 0; row < rows; row++) {
		const padding = mask != 0 && load<f32>(mask + (<usize>row << 2)) == 0;
		for (let half: usize = 0; half < 32; half += 16) {
			const part = v128.load(z + half + 3 * slotStride);
			const h = v128.load(before + half);
			// An update gate of 1 keeps the state, and lets its gradient through unchanged.
			const update = padding ? one : sigmoid(v128.load(z + half));
			const reset = padding ? zero : sigmoid(v128.load(z + half + slotStride));
			const candidate = padding ? zero : tanh(fma(reset, part, v128.load(z + half + 2 * slotStride)));
			v128.store(after + half, padding ? h : fma(update, f32x4.sub(h, candidate), candidate));
			if (record) {
				v128.store(record + half, update);
				v128.store(record + half, reset, 32);
				v128.store(record + half, candidate, 64);
				v128.store(record + half, part, 96);
			}
		}
		z += 32;
		if (record) record += RECORD;
		before += stride;
		after += stride;
	}
}

/**
 * Goes back from step `to - 1` to `from`, carrying `stateGradient` and `cellGradient`, adds the weight gradients of the range, and
 * writes the input gradient of the range where wanted. Ranges must be taken last first.
 */
export function recurrentBackward(at: usize, from: i32, to: i32): void {
	const layer = changetype<Recurrent>(at);
	const rows = layer.rows;
	const blocks = layer.unitBlocks;
	const blockRows = <usize>rows * 32;
	const recordBlock = <usize>rows * RECORD;
	const recordStep = recordBlock * <usize>blocks;
	const stride = layer.outputStride;
	const transposedPanel = <usize>blocks * 1024;
	for (let step = to - 1; step >= from; step--) {
		const above = layer.outputGradient
			? layer.outputGradient + <usize>((step - from) * rows) * stride
			: 0;
		const grads = layer.grads + <usize>((step - from) * rows) * 32;
		const record = layer.record + <usize>(step + 1) * recordStep;
		const mask = layer.mask ? layer.mask + <usize>(step * rows) * 4 : 0;
		const before = layer.output + <usize>(step * rows) * stride;
		for (let block = 0; block < blocks; block++) {
			const offset = <usize>block * 32;
			const out = grads + <usize>(block * 4) * layer.gradBlockStride;
			const saved = record + <usize>block * recordBlock;
			if (layer.kind == 0) {
				lstmGatesBackward(
					rows, saved, saved - recordStep, layer.stateGradient + offset, above ? above + offset : 0, stride,
					layer.cellGradient + <usize>block * blockRows, out, layer.gradBlockStride, mask
				);
			} else {
				gruGatesBackward(
					rows, saved, before + offset, layer.stateGradient + offset, above ? above + offset : 0, stride, out,
					layer.gradBlockStride, mask
				);
			}
		}
		const product = layer.recurrentMask
			? layer.maskedOutput + <usize>(layer.steps * rows) * stride
			: layer.stateGradient;
		const stateBytes = <usize>rows * stride;
		if (layer.recurrentMask) memory.fill(product, 0, stateBytes);
		for (let block = 0; block < blocks; block++) {
			backwardRows(
				rows, grads, layer.gradBlockStride, blocks * 4,
				layer.recurrentWeightsTransposed + <usize>block * transposedPanel,
				product + <usize>block * 32, stride
			);
		}
		if (layer.recurrentMask) {
			for (let at: usize = 0; at < stateBytes; at += 16) {
				const through = f32x4.mul(v128.load(product + at), v128.load(layer.recurrentMask + at));
				v128.store(layer.stateGradient + at, f32x4.add(v128.load(layer.stateGradient + at), through));
			}
		}
	}
	const rangeRows = (to - from) * rows;
	if (layer.inputGradient) {
		memory.fill(layer.inputGradient, 0, <usize>rangeRows * layer.inputStride);
		const panels = (layer.inputs + 7) >> 3;
		for (let panel = 0; panel < panels; panel++) {
			backwardRows(
				rangeRows, layer.grads, layer.gradBlockStride, blocks * 4,
				layer.inputWeightsTransposed + <usize>panel * transposedPanel,
				layer.inputGradient + <usize>panel * 32, layer.inputStride
			);
		}
	}
	addWeightGradients(layer, from, rangeRows);
}

function addWeightGradients(layer: Recurrent, from: i32, rangeRows: i32): void {
	const panelBytes = <usize>(layer.biasRows + layer.inputs + layer.units) * 32;
	const gru = layer.kind == 1;
	for (let panel = 0; panel < layer.unitBlocks * 4; panel++) {
		const grads = layer.grads + <usize>panel * layer.gradBlockStride;
		const out = layer.gradients + <usize>panel * panelBytes;
		// GRU: panel 2 knows the input only, panel 3 the state only.
		const hasInput = !(gru && (panel & 3) == 3);
		const hasState = !(gru && (panel & 3) == 2);
		if (hasInput) addColumnSums(rangeRows, grads, out);
		if (gru && hasState) addColumnSums(rangeRows, grads, out + 32);
		const weights = out + <usize>layer.biasRows * 32;
		if (hasInput) {
			const input = layer.input + <usize>(from * layer.rows) * layer.inputStride;
			weightGradientRows(layer.inputs, rangeRows, input, layer.inputStride, grads, weights);
		}
		if (hasState) {
			const states = layer.recurrentMask ? layer.maskedOutput : layer.output;
			const before = states + <usize>(from * layer.rows) * layer.outputStride;
			weightGradientRows(layer.units, rangeRows, before, layer.outputStride, grads, weights + <usize>layer.inputs * 32);
		}
	}
}

function lstmGatesBackward(
	rows: i32, record: usize, recordBefore: usize, state: usize, above: usize, stride: usize, cell: usize,
	out: usize, outStride: usize, mask: usize
): void {
	const one = f32x4.splat(1);
	const zero = f32x4.splat(0);
	for (let row = 0; row < rows; row++) {
		const padding = mask != 0 && load<f32>(mask + (<usize>row << 2)) == 0;
		for (let half: usize = 0; half < 32; half += 16) {
			let dh = v128.load(state + half);
			if (above) dh = f32x4.add(dh, v128.load(above + half));
			const i = v128.load(record + half);
			const f = v128.load(record + half, 32);
			const g = v128.load(record + half, 64);
			const o = v128.load(record + half, 96);
			const tanhC = v128.load(record + half, 160);
			const dhO = f32x4.mul(dh, o);
			const dc = f32x4.add(v128.load(cell + half), f32x4.sub(dhO, f32x4.mul(f32x4.mul(dhO, tanhC), tanhC)));
			const dcI = f32x4.mul(dc, i);
			const dcF = f32x4.mul(dc, f);
			v128.store(out + half, f32x4.mul(f32x4.mul(dcI, g), f32x4.sub(one, i)));
			v128.store(
				out + half + outStride,
				f32x4.mul(f32x4.mul(dcF, v128.load(recordBefore + half, 128)), f32x4.sub(one, f))
			);
			v128.store(out + half + 2 * outStride, f32x4.sub(dcI, f32x4.mul(f32x4.mul(dcI, g), g)));
			v128.store(out + half + 3 * outStride, f32x4.mul(f32x4.mul(dhO, tanhC), f32x4.sub(one, o)));
			v128.store(cell + half, dcF);
			v128.store(state + half, padding ? dh : zero);
		}
		record += RECORD;
		recordBefore += RECORD;
		state += stride;
		if (above) above += stride;
		cell += 32;
		out += 32;
	}
}

function gruGatesBackward(
	rows: i32, record: usize, before: usize, state: usize, above: usize, stride: usize, out: usize, outStride: usize, mask: usize
): void {
	const one = f32x4.splat(1);
	for (let row = 0; row < rows; row++) {
		for (let half: usize = 0; half < 32; half += 16) {
			let dh = v128.load(state + half);
			if (above) dh = f32x4.add(dh, v128.load(above + half));
			const update = v128.load(record + half);
			const reset = v128.load(record + half, 32);
			const candidate = v128.load(record + half, 64);
			const part = v128.load(record + half, 96);
			const keep = f32x4.sub(one, update);
			const dUpdate = f32x4.mul(
				f32x4.mul(dh, f32x4.sub(v128.load(before + half), candidate)),
				f32x4.mul(update, keep)
			);
			let dCandidate = f32x4.mul(
				f32x4.mul(dh, keep),
				f32x4.sub(one, f32x4.mul(candidate, candidate))
			);
			const dReset = f32x4.mul(f32x4.mul(dCandidate, part), f32x4.mul(reset, f32x4.sub(one, reset)));
			v128.store(out + half, dUpdate);
			v128.store(out + half + outStride, dReset);
			v128.store(out + half + 2 * outStride, dCandidate);
			v128.store(out + half + 3 * outStride, f32x4.mul(dCandidate, reset));
			v128.store(state + half, f32x4.mul(dh, update));
		}
		record += RECORD;
		before += stride;
		state += stride;
		if (above) above += stride;
		out += 32;
	}
}
