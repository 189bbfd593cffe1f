/**
 * Vector arithmetic shared by the kernels: fused multiply-add where the build has it, and the two activations.
 *
 * tanh: x P(x^2) / Q(x^2) of degree 7/8 on |x| <= 7.9, fitted for the least relative error (4e-7 as float32 computes it,
 * and never above 1); sigmoid(x) = 1/2 + 1/2 tanh(x/2).
 */

// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
	if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
	return f32x4.add(f32x4.mul(a, b), c);
}

/** Limit and coefficients of tanh, each repeated in four lanes, since loading a vector is cheaper than building one. */
const coefficients = memory.data<f32>([
	7.9, 7.9, 7.9, 7.9,
	-7.9, -7.9, -7.9, -7.9,
	1.15318474e-05, 1.15318474e-05, 1.15318474e-05, 1.15318474e-05,
	0.00296047412, 0.00296047412, 0.00296047412, 0.00296047412,
	0.129344183, 0.129344183, 0.129344183, 0.129344183,
	0.999999869, 0.999999869, 0.999999869, 0.999999869,
	2.4925504e-07, 2.4925504e-07, 2.4925504e-07, 2.4925504e-07,
	0.000240012167, 0.000240012167, 0.000240012167, 0.000240012167,
	0.0238540863, 0.0238540863, 0.0238540863, 0.0238540863,
	0.46267645, 0.46267645, 0.46267645, 0.46267645,
	1, 1, 1, 1,
	0.5, 0.5, 0.5, 0.5
], 16);

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
	// In this order of operands a NaN stays one.
	x = f32x4.pmax(f32x4.pmin(x, v128.load(coefficients)), v128.load(coefficients, 16));
	const s = f32x4.mul(x, x);
	let p = fma(s, v128.load(coefficients, 32), v128.load(coefficients, 48));
	let q = fma(s, v128.load(coefficients, 96), v128.load(coefficients, 112));
	p = fma(s, p, v128.load(coefficients, 64));
	q = fma(s, q, v128.load(coefficients, 128));
	p = fma(s, p, v128.load(coefficients, 80));
	q = fma(s, q, v128.load(coefficients, 144));
	q = fma(s, q, v128.load(coefficients, 160));
	return f32x4.div(f32x4.mul(x, p), q);
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
	const half = v128.load(coefficients, 176);
	return fma(tanh(f32x4.mul(x, half)), half, half);
}

/** Sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
	return (
		f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
	);
}
