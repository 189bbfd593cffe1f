/**
 * Micro-kernels of the LSTM module: tiles of up to 6 rows by 8 columns kept in registers (12 accumulators, 2 weight vectors
 * and 1 broadcast make 15 vector registers, all that V8 has on x64), looping over the summed dimension.
 *
 * In: pointers and byte strides. Out: stores to `out`. The row count of a tile is the type parameter `R`, a class whose
 * size is that count, so that each count compiles to its own straight-line code. The inner loops are not unrolled on purpose: one
 * step a turn reaches the full multiply-add rate in V8, two or four steps a turn lose a third or more to spilled registers.
 */
import { fma } from './simd';

@unmanaged export class Rows1 { a: u8 = 0; }
@unmanaged export class Rows2 { a: u8 = 0; b: u8 = 0; }
@unmanaged export class Rows3 { a: u8 = 0; b: u8 = 0; c: u8 = 0; }
@unmanaged export class Rows4 { a: u8 = 0; b: u8 = 0; c: u8 = 0; d: u8 = 0; }
@unmanaged export class Rows5 { a: u8 = 0; b: u8 = 0; c: u8 = 0; d: u8 = 0; e: u8 = 0; }
@unmanaged export class Rows6 { a: u8 = 0; b: u8 = 0; c: u8 = 0; d: u8 = 0; e: u8 = 0; f: u8 = 0; }

/**
 * out[row] = initial[row] + first[row] . weights[0 .. firstCount) + second[row] . weights[firstCount .. + secondCount)
 * for `tiles` tiles of R rows. `weights` is one panel, [firstCount + secondCount][8]. An `initialStride` of 0 gives every
 * row the same start (the bias).
 */
export function forwardTiles<R>(
	tiles: i32, first: usize, firstStride: usize, firstCount: i32, second: usize, secondStride: usize, secondCount: i32,
	weights: usize, initial: usize, initialStride: usize, out: usize, outStride: usize
): void {
	for (let tile = 0; tile < tiles; tile++) {
		let c00 = f32x4.splat(0);
		let c01 = f32x4.splat(0);
		let c10 = f32x4.splat(0);
		let c11 = f32x4.splat(0);
		let c20 = f32x4.splat(0);
		let c21 = f32x4.splat(0);
		let c30 = f32x4.splat(0);
		let c31 = f32x4.splat(0);
		let c40 = f32x4.splat(0);
		let c41 = f32x4.splat(0);
		let c50 = f32x4.splat(0);
		let c51 = f32x4.splat(0);
		let start = initial;
		c00 = v128.load(start); c01 = v128.load(start, 16); start += initialStride;
		if (offsetof<R>() > 1) { c10 = v128.load(start); c11 = v128.load(start, 16); start += initialStride; }
		if (offsetof<R>() > 2) { c20 = v128.load(start); c21 = v128.load(start, 16); start += initialStride; }
		if (offsetof<R>() > 3) { c30 = v128.load(start); c31 = v128.load(start, 16); start += initialStride; }
		if (offsetof<R>() > 4) { c40 = v128.load(start); c41 = v128.load(start, 16); start += initialStride; }
		if (offsetof<R>() > 5) { c50 = v128.load(start); c51 = v128.load(start, 16); }
		let panel = weights;
		let row0 = first;
		let row1 = row0 + firstStride;
		let row2 = row1 + firstStride;
		let row3 = row2 + firstStride;
		let row4 = row3 + firstStride;
		let row5 = row4 + firstStride;
		let count = firstCount;
		let segment = 0;
		let a: v128, b0: v128, b1: v128;
		while (true) {
			while (count > 0) {
				b0 = v128.load(panel);
				b1 = v128.load(panel, 16);
				a = v128.load32_splat(row0); c00 = fma(a, b0, c00); c01 = fma(a, b1, c01);
				if (offsetof<R>() > 1) { a = v128.load32_splat(row1); c10 = fma(a, b0, c10); c11 = fma(a, b1, c11); }
				if (offsetof<R>() > 2) { a = v128.load32_splat(row2); c20 = fma(a, b0, c20); c21 = fma(a, b1, c21); }
				if (offsetof<R>() > 3) { a = v128.load32_splat(row3); c30 = fma(a, b0, c30); c31 = fma(a, b1, c31); }
				if (offsetof<R>() > 4) { a = v128.load32_splat(row4); c40 = fma(a, b0, c40); c41 = fma(a, b1, c41); }
				if (offsetof<R>() > 5) { a = v128.load32_splat(row5); c50 = fma(a, b0, c50); c51 = fma(a, b1, c51); }
				panel += 32;
				row0 += 4;
				if (offsetof<R>() > 1) { row1 += 4; }
				if (offsetof<R>() > 2) { row2 += 4; }
				if (offsetof<R>() > 3) { row3 += 4; }
				if (offsetof<R>() > 4) { row4 += 4; }
				if (offsetof<R>() > 5) { row5 += 4; }
				count--;
			}
			if (segment) break;
			segment = 1;
			count = secondCount;
			row0 = second;
			row1 = row0 + secondStride;
			row2 = row1 + secondStride;
			row3 = row2 + secondStride;
			row4 = row3 + secondStride;
			row5 = row4 + secondStride;
		}
		v128.store(out, c00); v128.store(out, c01, 16); out += outStride;
		if (offsetof<R>() > 1) { v128.store(out, c10); v128.store(out, c11, 16); out += outStride; }
		if (offsetof<R>() > 2) { v128.store(out, c20); v128.store(out, c21, 16); out += outStride; }
		if (offsetof<R>() > 3) { v128.store(out, c30); v128.store(out, c31, 16); out += outStride; }
		if (offsetof<R>() > 4) { v128.store(out, c40); v128.store(out, c41, 16); out += outStride; }
		if (offsetof<R>() > 5) { v128.store(out, c50); v128.store(out, c51, 16); out += outStride; }
		initial += initialStride * offsetof<R>();
		first += firstStride * offsetof<R>();
		second += secondStride * offsetof<R>();
	}
}

/**
 * The same for one row and four panels at once (32 columns), since one row alone has too few accumulators to hide latency.
 * `weights` has the four panels side by side, [count][4][8]: one long stream, which the processor prefetches best.
 */
export function forwardRow(
	input: usize, count: i32, weights: usize, initial: usize, out: usize, outPanelStride: usize
): void {
	let c00 = v128.load(initial, 0);
	let c01 = v128.load(initial, 16);
	let c10 = v128.load(initial, 32);
	let c11 = v128.load(initial, 48);
	let c20 = v128.load(initial, 64);
	let c21 = v128.load(initial, 80);
	let c30 = v128.load(initial, 96);
	let c31 = v128.load(initial, 112);
	let a: v128;
	while (count > 0) {
		a = v128.load32_splat(input);
		c00 = fma(a, v128.load(weights, 0), c00);
		c01 = fma(a, v128.load(weights, 16), c01);
		c10 = fma(a, v128.load(weights, 32), c10);
		c11 = fma(a, v128.load(weights, 48), c11);
		c20 = fma(a, v128.load(weights, 64), c20);
		c21 = fma(a, v128.load(weights, 80), c21);
		c30 = fma(a, v128.load(weights, 96), c30);
		c31 = fma(a, v128.load(weights, 112), c31);
		weights += 128;
		input += 4;
		count--;
	}
	v128.store(out + 0 * outPanelStride, c00);
	v128.store(out + 0 * outPanelStride, c01, 16);
	v128.store(out + 1 * outPanelStride, c10);
	v128.store(out + 1 * outPanelStride, c11, 16);
	v128.store(out + 2 * outPanelStride, c20);
	v128.store(out + 2 * outPanelStride, c21, 16);
	v128.store(out + 3 * outPanelStride, c30);
	v128.store(out + 3 * outPanelStride, c31, 16);
}

/**
 * out[row] += grads[row] . weights, where `grads` is stored as blocks of 8 columns ([block][row][8], `blockStride` bytes from
 * block to block) and `weights` is one panel, [blocks * 8][8].
 */
export function backwardTiles<R>(
	tiles: i32, grads: usize, blockStride: usize, blocks: i32, weights: usize, out: usize, outStride: usize
): void {
	for (let tile = 0; tile < tiles; tile++) {
		let c00 = f32x4.splat(0);
		let c01 = f32x4.splat(0);
		let c10 = f32x4.splat(0);
		let c11 = f32x4.splat(0);
		let c20 = f32x4.splat(0);
		let c21 = f32x4.splat(0);
		let c30 = f32x4.splat(0);
		let c31 = f32x4.splat(0);
		let c40 = f32x4.splat(0);
		let c41 = f32x4.splat(0);
		let c50 = f32x4.splat(0);
		let c51 = f32x4.splat(0);
		let place = out;
		c00 = v128.load(place); c01 = v128.load(place, 16); place += outStride;
		if (offsetof<R>() > 1) { c10 = v128.load(place); c11 = v128.load(place, 16); place += outStride; }
		if (offsetof<R>() > 2) { c20 = v128.load(place); c21 = v128.load(place, 16); place += outStride; }
		if (offsetof<R>() > 3) { c30 = v128.load(place); c31 = v128.load(place, 16); place += outStride; }
		if (offsetof<R>() > 4) { c40 = v128.load(place); c41 = v128.load(place, 16); place += outStride; }
		if (offsetof<R>() > 5) { c50 = v128.load(place); c51 = v128.load(place, 16); }
		let panel = weights;
		let block = grads;
		let a: v128, b0: v128, b1: v128;
		for (let left = blocks; left > 0; left--) {
			let at = block;
			for (let k = 0; k < 8; k++) {
				b0 = v128.load(panel);
				b1 = v128.load(panel, 16);
				a = v128.load32_splat(at, 0); c00 = fma(a, b0, c00); c01 = fma(a, b1, c01);
				if (offsetof<R>() > 1) { a = v128.load32_splat(at, 32); c10 = fma(a, b0, c10); c11 = fma(a, b1, c11); }
				if (offsetof<R>() > 2) { a = v128.load32_splat(at, 64); c20 = fma(a, b0, c20); c21 = fma(a, b1, c21); }
				if (offsetof<R>() > 3) { a = v128.load32_splat(at, 96); c30 = fma(a, b0, c30); c31 = fma(a, b1, c31); }
				if (offsetof<R>() > 4) { a = v128.load32_splat(at, 128); c40 = fma(a, b0, c40); c41 = fma(a, b1, c41); }
				if (offsetof<R>() > 5) { a = v128.load32_splat(at, 160); c50 = fma(a, b0, c50); c51 = fma(a, b1, c51); }
				panel += 32;
				at += 4;
			}
			block += blockStride;
		}
		v128.store(out, c00); v128.store(out, c01, 16); out += outStride;
		if (offsetof<R>() > 1) { v128.store(out, c10); v128.store(out, c11, 16); out += outStride; }
		if (offsetof<R>() > 2) { v128.store(out, c20); v128.store(out, c21, 16); out += outStride; }
		if (offsetof<R>() > 3) { v128.store(out, c30); v128.store(out, c31, 16); out += outStride; }
		if (offsetof<R>() > 4) { v128.store(out, c40); v128.store(out, c41, 16); out += outStride; }
		if (offsetof<R>() > 5) { v128.store(out, c50); v128.store(out, c51, 16); out += outStride; }
		grads += 32 * offsetof<R>();
	}
}

/**
 * out[k] += sum over rows of input[row][k] * grads[row], for `tiles` tiles of R consecutive k: the weight gradient of one
 * panel. `input` is row-major, `grads` one block [rows][8], `out` the panel [k][8].
 */
export function weightGradientTiles<R>(
	tiles: i32, rows: i32, input: usize, inputStride: usize, grads: usize, out: usize
): void {
	for (let tile = 0; tile < tiles; tile++) {
		let c00 = f32x4.splat(0);
		let c01 = f32x4.splat(0);
		let c10 = f32x4.splat(0);
		let c11 = f32x4.splat(0);
		let c20 = f32x4.splat(0);
		let c21 = f32x4.splat(0);
		let c30 = f32x4.splat(0);
		let c31 = f32x4.splat(0);
		let c40 = f32x4.splat(0);
		let c41 = f32x4.splat(0);
		let c50 = f32x4.splat(0);
		let c51 = f32x4.splat(0);
		c00 = v128.load(out, 0); c01 = v128.load(out, 16);
		if (offsetof<R>() > 1) { c10 = v128.load(out, 32); c11 = v128.load(out, 48); }
		if (offsetof<R>() > 2) { c20 = v128.load(out, 64); c21 = v128.load(out, 80); }
		if (offsetof<R>() > 3) { c30 = v128.load(out, 96); c31 = v128.load(out, 112); }
		if (offsetof<R>() > 4) { c40 = v128.load(out, 128); c41 = v128.load(out, 144); }
		if (offsetof<R>() > 5) { c50 = v128.load(out, 160); c51 = v128.load(out, 176); }
		let row = input;
		let grad = grads;
		let a: v128, b0: v128, b1: v128;
		for (let left = rows; left > 0; left--) {
			b0 = v128.load(grad);
			b1 = v128.load(grad, 16);
			a = v128.load32_splat(row, 0); c00 = fma(a, b0, c00); c01 = fma(a, b1, c01);
			if (offsetof<R>() > 1) { a = v128.load32_splat(row, 4); c10 = fma(a, b0, c10); c11 = fma(a, b1, c11); }
			if (offsetof<R>() > 2) { a = v128.load32_splat(row, 8); c20 = fma(a, b0, c20); c21 = fma(a, b1, c21); }
			if (offsetof<R>() > 3) { a = v128.load32_splat(row, 12); c30 = fma(a, b0, c30); c31 = fma(a, b1, c31); }
			if (offsetof<R>() > 4) { a = v128.load32_splat(row, 16); c40 = fma(a, b0, c40); c41 = fma(a, b1, c41); }
			if (offsetof<R>() > 5) { a = v128.load32_splat(row, 20); c50 = fma(a, b0, c50); c51 = fma(a, b1, c51); }
			grad += 32;
			row += inputStride;
		}
		v128.store(out, c00, 0); v128.store(out, c01, 16);
		if (offsetof<R>() > 1) { v128.store(out, c10, 32); v128.store(out, c11, 48); }
		if (offsetof<R>() > 2) { v128.store(out, c20, 64); v128.store(out, c21, 80); }
		if (offsetof<R>() > 3) { v128.store(out, c30, 96); v128.store(out, c31, 112); }
		if (offsetof<R>() > 4) { v128.store(out, c40, 128); v128.store(out, c41, 144); }
		if (offsetof<R>() > 5) { v128.store(out, c50, 160); v128.store(out, c51, 176); }
		input += 4 * offsetof<R>();
		out += 32 * offsetof<R>();
	}
}
