/** The most that this build can multiply and add: 12 independent accumulators in registers, no memory. */
import { fma } from './simd';

/** Runs `count` rounds of 48 vector multiply-adds (384 floating-point operations a round) and returns a sum that depends on all. */
export function multiplyAddPeak(count: i32): f32 {
	const x = f32x4.splat(0.999);
	const y = f32x4.splat(0.001);
	let a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x, a10 = x, a11 = x;
	for (; count > 0; count--) {
		a0 = fma(a0, x, y);
		a1 = fma(a1, x, y);
		a2 = fma(a2, x, y);
		a3 = fma(a3, x, y);
		a4 = fma(a4, x, y);
		a5 = fma(a5, x, y);
		a6 = fma(a6, x, y);
		a7 = fma(a7, x, y);
		a8 = fma(a8, x, y);
		a9 = fma(a9, x, y);
		a10 = fma(a10, x, y);
		a11 = fma(a11, x, y);
		a0 = fma(a0, x, y);
		a1 = fma(a1, x, y);
		a2 = fma(a2, x, y);
		a3 = fma(a3, x, y);
		a4 = fma(a4, x, y);
		a5 = fma(a5, x, y);
		a6 = fma(a6, x, y);
		a7 = fma(a7, x, y);
		a8 = fma(a8, x, y);
		a9 = fma(a9, x, y);
		a10 = fma(a10, x, y);
		a11 = fma(a11, x, y);
		a0 = fma(a0, x, y);
		a1 = fma(a1, x, y);
		a2 = fma(a2, x, y);
		a3 = fma(a3, x, y);
		a4 = fma(a4, x, y);
		a5 = fma(a5, x, y);
		a6 = fma(a6, x, y);
		a7 = fma(a7, x, y);
		a8 = fma(a8, x, y);
		a9 = fma(a9, x, y);
		a10 = fma(a10, x, y);
		a11 = fma(a11, x, y);
		a0 = fma(a0, x, y);
		a1 = fma(a1, x, y);
		a2 = fma(a2, x, y);
		a3 = fma(a3, x, y);
		a4 = fma(a4, x, y);
		a5 = fma(a5, x, y);
		a6 = fma(a6, x, y);
		a7 = fma(a7, x, y);
		a8 = fma(a8, x, y);
		a9 = fma(a9, x, y);
		a10 = fma(a10, x, y);
		a11 = fma(a11, x, y);
	}
	a0 = f32x4.add(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)), f32x4.add(f32x4.add(a4, a5), f32x4.add(a6, a7)));
	a0 = f32x4.add(a0, f32x4.add(f32x4.add(a8, a9), f32x4.add(a10, a11)));
	return f32x4.extract_lane(a0, 0) + f32x4.extract_lane(a0, 1) + f32x4.extract_lane(a0, 2) + f32x4.extract_lane(a0, 3);
}
