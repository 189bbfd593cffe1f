/** Rearranging between what callers hold (row-major, batch first) and what the kernels read (time-major, packed panels). */

/** from [rows][steps][width] to [steps][rows][stride]; with `reverse`, time runs backwards. */
export function toTimeMajor(from: usize, rows: i32, steps: i32, width: i32, to: usize, stride: usize, reverse: i32): void {
	const bytes = <usize>width * 4;
	for (let row = 0; row < rows; row++) {
		for (let step = 0; step < steps; step++) {
			const place = reverse ? steps - 1 - step : step;
			copyRow(to + <usize>(place * rows + row) * stride, from, bytes);
			from += bytes;
		}
	}
}

/** from [steps][rows][stride] to [rows][steps][width]; with `reverse`, time runs backwards. */
export function fromTimeMajor(from: usize, rows: i32, steps: i32, width: i32, to: usize, stride: usize, reverse: i32): void {
	const bytes = <usize>width * 4;
	for (let row = 0; row < rows; row++) {
		for (let step = 0; step < steps; step++) {
			const place = reverse ? steps - 1 - step : step;
			copyRow(to, from + <usize>(place * rows + row) * stride, bytes);
			to += bytes;
		}
	}
}

// @ts-ignore: decorator
@inline
function copyRow(to: usize, from: usize, bytes: usize): void {
	let at: usize = 0;
	for (; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at));
	for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
}

/** Copies rows of `width` floats between two strides. */
export function copyRows(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, width: i32): void {
	for (let row = 0; row < rows; row++) {
		copyRow(to, from, <usize>width * 4);
		from += fromStride;
		to += toStride;
	}
}

/** Row-major [rows][stride] to blocks [block][rows][8] and back: the layout of cell states. */
export function toBlocks(from: usize, stride: usize, to: usize, rows: i32, blocks: i32): void {
	for (let block = 0; block < blocks; block++) {
		copyRows(from + <usize>block * 32, stride, to + <usize>(block * rows) * 32, 32, rows, 8);
	}
}

export function fromBlocks(from: usize, to: usize, stride: usize, rows: i32, blocks: i32): void {
	for (let block = 0; block < blocks; block++) {
		copyRows(from + <usize>(block * rows) * 32, 32, to + <usize>block * 32, stride, rows, 8);
	}
}

/**
 * Rows [skip, skip + count) of packed panels ([panel][panelRows][8]), transposed and packed again:
 * to [ceil(count / 8)][panels * 8][8].
 */
export function packTransposed(weights: usize, panels: i32, panelRows: i32, skip: i32, count: i32, to: usize): void {
	for (let start = 0; start < count; start += 8) {
		const width = min(8, count - start);
		for (let panel = 0; panel < panels; panel++) {
			const from = weights + <usize>(panel * panelRows + skip + start) * 32;
			for (let lane: usize = 0; lane < 8; lane++) {
				for (let row: usize = 0; row < 8; row++) {
					store<f32>(to + row * 4, <i32>row < width ? load<f32>(from + row * 32 + lane * 4) : 0);
				}
				to += 32;
			}
		}
	}
}

/** bias[panel] = sum of the first `biasRows` rows of each panel. */
export function foldBias(weights: usize, panels: i32, panelRows: i32, biasRows: i32, bias: usize): void {
	for (let panel = 0; panel < panels; panel++) {
		let a = v128.load(weights);
		let b = v128.load(weights, 16);
		for (let row = 1; row < biasRows; row++) {
			a = f32x4.add(a, v128.load(weights + <usize>row * 32));
			b = f32x4.add(b, v128.load(weights + <usize>row * 32, 16));
		}
		v128.store(bias, a);
		v128.store(bias, b, 16);
		weights += <usize>panelRows * 32;
		bias += 32;
	}
}

/** Rows named by `lanes` (int32) to consecutive rows. */
export function gatherRows(from: usize, stride: usize, lanes: usize, rows: i32, to: usize): void {
	for (let row = 0; row < rows; row++) {
		copyRow(to, from + <usize>load<i32>(lanes + (<usize>row << 2)) * stride, stride);
		to += stride;
	}
}

/** Consecutive rows to the rows named by `lanes` (int32). */
export function scatterRows(from: usize, stride: usize, lanes: usize, rows: i32, to: usize): void {
	for (let row = 0; row < rows; row++) {
		copyRow(to + <usize>load<i32>(lanes + (<usize>row << 2)) * stride, from, stride);
		from += stride;
	}
}

/** to[row] = sum over steps of from[step][row], whole strides. */
export function sumSteps(from: usize, steps: i32, stepBytes: usize, to: usize): void {
	for (let at: usize = 0; at < stepBytes; at += 16) {
		let sum = v128.load(from + at);
		for (let step = 1; step < steps; step++) sum = f32x4.add(sum, v128.load(from + <usize>step * stepBytes + at));
		v128.store(to + at, sum);
	}
}

/** Rows [skip, skip + count) of packed panels with each four panels side by side: to [panels / 4][count][4][8]. */
export function packRow(weights: usize, panels: i32, panelRows: i32, skip: i32, count: i32, to: usize): void {
	for (let panel = 0; panel < panels; panel += 4) {
		for (let row = 0; row < count; row++) {
			for (let slot = 0; slot < 4; slot++) {
				const from = weights + <usize>((panel + slot) * panelRows + skip + row) * 32;
				v128.store(to, v128.load(from));
				v128.store(to, v128.load(from, 16), 16);
				to += 32;
			}
		}
	}
}
