/**
 * Vector arithmetic shared by the kernels: fused multiply-add where the build has it, and the two activations.
 *
 * tanh: rational polynomial of degree 13/6 on a clamped argument (the coefficients that Eigen and XLA use for float32,
 * error of a few units in the last place); sigmoid(x) = 1/2 + 1/2 tanh(x/2), the halves folded into the coefficients.
 */

// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
	if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
	return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function clamp(x: v128, limit: f32): v128 {
	return f32x4.pmax(f32x4.pmin(x, f32x4.splat(limit)), f32x4.splat(-limit));
}

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
	x = clamp(x, 7.90531110763549805);
	const s = f32x4.mul(x, x);
	let p = fma(s, f32x4.splat(-2.76076847742355e-16), f32x4.splat(2.00018790482477e-13));
	p = fma(s, p, f32x4.splat(-8.60467152213735e-11));
	p = fma(s, p, f32x4.splat(5.12229709037114e-8));
	p = fma(s, p, f32x4.splat(1.48572235717979e-5));
	p = fma(s, p, f32x4.splat(6.37261928875436e-4));
	p = fma(s, p, f32x4.splat(4.89352455891786e-3));
	let q = fma(s, f32x4.splat(1.19825839466702e-6), f32x4.splat(1.18534705686654e-4));
	q = fma(s, q, f32x4.splat(2.268434632439e-3));
	q = fma(s, q, f32x4.splat(4.89352518554385e-3));
	return f32x4.div(f32x4.mul(x, p), q);
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
	return fma(tanh(f32x4.mul(x, f32x4.splat(0.5))), f32x4.splat(0.5), f32x4.splat(0.5));
}

/** Sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
	return (
		f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
	);
}
