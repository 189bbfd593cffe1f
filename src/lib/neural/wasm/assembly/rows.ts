/**
 * Splits any number of rows into register tiles and runs the micro-kernels over them: the largest as far as possible, the rest in
 * smaller ones, which are nearly as good (32 rows are four tiles of 6 and two of 4, not five of 6 and a slow one of 2).
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

/**
 * Rows of the largest tile. Without fused multiply-add each product needs a register of its own for a moment, and a sixth row would
 * spill (x64: 0.57 against 0.7 of the peak).
 */
// @ts-ignore: decorator
@inline
function largestTile(): i32 {
	return ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
}

/** How many rows more would make whole tiles of the largest size. */
// @ts-ignore: decorator
@inline
function missingRows(rows: i32): i32 {
	return ((rows + largestTile() - 1) / largestTile()) * largestTile() - rows;
}

/** Tiles that must shrink, to no less than 4 rows, so that all rows fit. */
// @ts-ignore: decorator
@inline
function smallerTiles(rows: i32): i32 {
	return ASC_FEATURE_RELAXED_SIMD ? (missingRows(rows) + 1) >> 1 : missingRows(rows);
}

/** Size of the next tile when `rows` are left. Too few rows for that are split evenly (7 are 4 and 3). */
// @ts-ignore: decorator
@inline
function tileSize(rows: i32): i32 {
	const tiles = (rows + largestTile() - 1) / largestTile();
	const smaller = smallerTiles(rows);
	if (smaller < tiles) return largestTile();
	if (smaller > tiles) return (rows + tiles - 1) / tiles;
	return ASC_FEATURE_RELAXED_SIMD && missingRows(rows) & 1 ? 5 : 4;
}

/** How many tiles of that size to run before asking again. */
// @ts-ignore: decorator
@inline
function tileCount(rows: i32, size: i32): i32 {
	if (size == 4) return rows >> 2;
	if (size != largestTile()) return 1;
	return (rows + largestTile() - 1) / largestTile() - smallerTiles(rows);
}

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
	while (rows > 0) {
		const size = tileSize(rows);
		const tiles = tileCount(rows, size);
		forwardRun(size, tiles, first, firstStride, firstCount, second, secondStride, secondCount, weights, initial, initialStride, out, outStride);
		const done = tiles * size;
		rows -= done;
		first += firstStride * done;
		second += secondStride * done;
		initial += initialStride * done;
		out += outStride * done;
	}
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
	while (rows > 0) {
		const size = tileSize(rows);
		const tiles = tileCount(rows, size);
		backwardRun(size, tiles, grads, blockStride, blocks, weights, out, outStride);
		const done = tiles * size;
		rows -= done;
		grads += 32 * done;
		out += outStride * done;
	}
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
	while (inputs > 0) {
		const size = tileSize(inputs);
		const tiles = tileCount(inputs, size);
		weightGradientRun(size, tiles, rows, input, inputStride, grads, out);
		const done = tiles * size;
		inputs -= done;
		input += 4 * done;
		out += 32 * done;
	}
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
