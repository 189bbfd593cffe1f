/**
 * Splits any number of rows into register tiles of at most 6, as even as they come (32 rows are two tiles of 6 and four of 5, not
 * five of 6 and a slow one of 2), and runs the micro-kernels over them.
 */
import {
	Rows1,
	Rows2,
	Rows3,
	Rows4,
	Rows5,
	Rows6,
	backwardTiles,
	forwardTiles,
	weightGradientTiles
} from './tiles';

// @ts-ignore: decorator
@inline
function forwardRun(
	size: i32,
	tiles: i32,
	first: usize,
	firstStride: usize,
	firstCount: i32,
	second: usize,
	secondStride: usize,
	secondCount: i32,
	weights: usize,
	initial: usize,
	initialStride: usize,
	out: usize,
	outStride: usize
): void {
	switch (size) {
		case 6: return forwardTiles<Rows6>(tiles, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
		case 5: return forwardTiles<Rows5>(tiles, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
		case 4: return forwardTiles<Rows4>(tiles, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
		case 3: return forwardTiles<Rows3>(tiles, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
		case 2: return forwardTiles<Rows2>(tiles, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
		default: return forwardTiles<Rows1>(tiles, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
	}
}

/** One panel of 8 output columns for `rows` rows; see `forwardTiles`. */
export function forwardRows(
	rows: i32,
	first: usize,
	firstStride: usize,
	firstCount: i32,
	second: usize,
	secondStride: usize,
	secondCount: i32,
	weights: usize,
	initial: usize,
	initialStride: usize,
	out: usize,
	outStride: usize
): void {
	const tiles = (rows + 5) / 6;
	const size = rows / tiles;
	const larger = rows - size * tiles;
	if (larger > 0) {
		forwardRun(size + 1, larger, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
		const done = larger * (size + 1);
		first += firstStride * done;
		second += secondStride * done;
		initial += initialStride * done;
		out += outStride * done;
	}
	forwardRun(size, tiles - larger, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
}

// @ts-ignore: decorator
@inline
function backwardRun(size: i32, tiles: i32, grads: usize, blockStride: usize, blocks: i32, weights: usize, out: usize, outStride: usize): void {
	switch (size) {
		case 6: return backwardTiles<Rows6>(tiles, grads, blockStride, blocks, weights, out, outStride);
		case 5: return backwardTiles<Rows5>(tiles, grads, blockStride, blocks, weights, out, outStride);
		case 4: return backwardTiles<Rows4>(tiles, grads, blockStride, blocks, weights, out, outStride);
		case 3: return backwardTiles<Rows3>(tiles, grads, blockStride, blocks, weights, out, outStride);
		case 2: return backwardTiles<Rows2>(tiles, grads, blockStride, blocks, weights, out, outStride);
		default: return backwardTiles<Rows1>(tiles, grads, blockStride, blocks, weights, out, outStride);
	}
}

/** One panel of 8 output columns for `rows` rows, added to `out`; see `backwardTiles`. */
export function backwardRows(
	rows: i32,
	grads: usize,
	blockStride: usize,
	blocks: i32,
	weights: usize,
	out: usize,
	outStride: usize
): void {
	const tiles = (rows + 5) / 6;
	const size = rows / tiles;
	const larger = rows - size * tiles;
	if (larger > 0) {
		backwardRun(size + 1, larger, grads, blockStride, blocks, weights, out, outStride);
		const done = larger * (size + 1);
		grads += 32 * done;
		out += outStride * done;
	}
	backwardRun(size, tiles - larger, grads, blockStride, blocks, weights, out, outStride);
}

// @ts-ignore: decorator
@inline
function weightGradientRun(size: i32, tiles: i32, rows: i32, input: usize, inputStride: usize, grads: usize, out: usize): void {
	switch (size) {
		case 6: return weightGradientTiles<Rows6>(tiles, rows, input, inputStride, grads, out);
		case 5: return weightGradientTiles<Rows5>(tiles, rows, input, inputStride, grads, out);
		case 4: return weightGradientTiles<Rows4>(tiles, rows, input, inputStride, grads, out);
		case 3: return weightGradientTiles<Rows3>(tiles, rows, input, inputStride, grads, out);
		case 2: return weightGradientTiles<Rows2>(tiles, rows, input, inputStride, grads, out);
		default: return weightGradientTiles<Rows1>(tiles, rows, input, inputStride, grads, out);
	}
}

/** Adds the gradient of `inputs` weight rows of one panel, summed over `rows` rows; see `weightGradientTiles`. */
export function weightGradientRows(
	inputs: i32,
	rows: i32,
	input: usize,
	inputStride: usize,
	grads: usize,
	out: usize
): void {
	const tiles = (inputs + 5) / 6;
	const size = inputs / tiles;
	const larger = inputs - size * tiles;
	if (larger > 0) {
		weightGradientRun(size + 1, larger, rows, input, inputStride, grads, out);
		const done = larger * (size + 1);
		input += 4 * done;
		out += 32 * done;
	}
	weightGradientRun(size, tiles - larger, rows, input, inputStride, grads, out);
}

/** sum[0..8) += column sums of one block of gradients [rows][8]: the bias gradient of one panel. */
export function addColumnSums(rows: i32, grads: usize, sum: usize): void {
	let s0 = f32x4.splat(0);
	let s1 = f32x4.splat(0);
	for (const end = grads + 32 * rows; grads < end; grads += 32) {
		s0 = f32x4.add(s0, v128.load(grads));
		s1 = f32x4.add(s1, v128.load(grads, 16));
	}
	v128.store(sum, f32x4.add(v128.load(sum), s0));
	v128.store(sum, f32x4.add(v128.load(sum, 16), s1), 16);
}
