/** Losses with their gradients, and Adam over all weights at once. `count` is in floats and a multiple of 4 for the flat arrays. */
import { fma } from './simd';

/** Sum of squares of `count` floats, in double precision. */
export function sumSquares(at: usize, count: i32): f64 {
	let sum0 = f64x2.splat(0);
	let sum1 = f64x2.splat(0);
	for (const end = at + <usize>count * 4; at < end; at += 16) {
		const x = v128.load(at);
		const low = f64x2.promote_low_f32x4(x);
		const high = f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
		sum0 = f64x2.add(sum0, f64x2.mul(low, low));
		sum1 = f64x2.add(sum1, f64x2.mul(high, high));
	}
	const sum = f64x2.add(sum0, sum1);
	return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/**
 * One step of Adam (Kingma and Ba 2015) with decoupled decay (AdamW), over packed panels [panels][panelRows][8] whose first
 * `biasRows` rows do not decay. `rate` = learning rate * sqrt(1 - beta2^t) / (1 - beta1^t) and `epsilon` times
 * sqrt(1 - beta2^t) make up for the zero start; `shrink` = 1 - learning rate * decay; `scale` multiplies the gradient first
 * (clipping, averaging).
 */
export function adam(
	weights: usize, gradients: usize, first: usize, second: usize, panels: i32, panelRows: i32, biasRows: i32,
	rate: f32, shrink: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, epsilon: f32, scale: f32
): void {
	const b1 = f32x4.splat(beta1);
	const b2 = f32x4.splat(beta2);
	const r1 = f32x4.splat(rest1);
	const r2 = f32x4.splat(rest2);
	const eps = f32x4.splat(epsilon);
	const minusRate = f32x4.splat(-rate);
	const factor = f32x4.splat(scale);
	const panelBytes = <usize>panelRows * 32;
	const biasBytes = <usize>biasRows * 32;
	let at: usize = 0;
	for (let panel = 0; panel < panels; panel++) {
		for (let part = 0; part < 2; part++) {
			const keep = f32x4.splat(part ? shrink : 1);
			const end = <usize>panel * panelBytes + (part ? panelBytes : biasBytes);
			for (; at < end; at += 16) {
				const g = f32x4.mul(v128.load(gradients + at), factor);
				const m = fma(b1, v128.load(first + at), f32x4.mul(r1, g));
				const v = fma(b2, v128.load(second + at), f32x4.mul(f32x4.mul(r2, g), g));
				v128.store(first + at, m);
				v128.store(second + at, v);
				const step = f32x4.div(m, f32x4.add(f32x4.sqrt(v), eps));
				v128.store(weights + at, fma(minusRate, step, f32x4.mul(keep, v128.load(weights + at))));
			}
		}
	}
}

/**
 * Loss of rows [rows][stride] against targets of the same layout, and its gradient times `scale`. Returns the sum over all
 * rows and `width` columns. kind: 0 mse, 1 mae, 2 huber (delta 1), 3 binary cross-entropy (on probabilities, clipped at 1e-7 as
 * Keras does). Columns past `width` get a zero gradient.
 */
export function loss(
	kind: i32, output: usize, target: usize, rows: i32, width: i32, stride: usize, scale: f32, gradient: usize
): f64 {
	let total: f64 = 0;
	for (let row = 0; row < rows; row++) {
		let sum: f32 = 0;
		let at: usize = 0;
		for (; at < <usize>width * 4; at += 4) {
			const y = load<f32>(output + at);
			const t = load<f32>(target + at);
			const d = y - t;
			let value: f32;
			let slope: f32;
			if (kind == 0) {
				value = d * d;
				slope = 2 * d;
			} else if (kind == 1) {
				value = abs(d);
				slope = d > 0 ? 1 : d < 0 ? -1 : 0;
			} else if (kind == 2) {
				const inside = abs(d) <= 1;
				value = inside ? <f32>0.5 * d * d : abs(d) - <f32>0.5;
				slope = inside ? d : d > 0 ? 1 : -1;
			} else {
				const p = min(max(y, <f32>1e-7), <f32>(1 - 1e-7));
				value = <f32>-(<f64>t * Math.log(p) + (1 - <f64>t) * Math.log(1 - <f64>p));
				slope = p == y ? (p - t) / (p * (1 - p)) : 0;
			}
			sum += value;
			if (gradient) store<f32>(gradient + at, slope * scale);
		}
		if (gradient) for (; at < stride; at += 4) store<f32>(gradient + at, 0);
		total += sum;
		output += stride;
		target += stride;
		if (gradient) gradient += stride;
	}
	return total;
}
