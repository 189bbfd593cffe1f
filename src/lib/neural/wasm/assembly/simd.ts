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

/** [0, 13): coefficients of tanh; each repeated in four lanes, since loading a vector is cheaper than building one. */
const coefficients = memory.data<f32>([
	7.90531110763549805, 7.90531110763549805, 7.90531110763549805, 7.90531110763549805,
	-7.90531110763549805, -7.90531110763549805, -7.90531110763549805, -7.90531110763549805,
	-2.76076847742355e-16, -2.76076847742355e-16, -2.76076847742355e-16, -2.76076847742355e-16,
	2.00018790482477e-13, 2.00018790482477e-13, 2.00018790482477e-13, 2.00018790482477e-13,
	-8.60467152213735e-11, -8.60467152213735e-11, -8.60467152213735e-11, -8.60467152213735e-11,
	5.12229709037114e-8, 5.12229709037114e-8, 5.12229709037114e-8, 5.12229709037114e-8,
	1.48572235717979e-5, 1.48572235717979e-5, 1.48572235717979e-5, 1.48572235717979e-5,
	6.37261928875436e-4, 6.37261928875436e-4, 6.37261928875436e-4, 6.37261928875436e-4,
	4.89352455891786e-3, 4.89352455891786e-3, 4.89352455891786e-3, 4.89352455891786e-3,
	1.19825839466702e-6, 1.19825839466702e-6, 1.19825839466702e-6, 1.19825839466702e-6,
	1.18534705686654e-4, 1.18534705686654e-4, 1.18534705686654e-4, 1.18534705686654e-4,
	2.268434632439e-3, 2.268434632439e-3, 2.268434632439e-3, 2.268434632439e-3,
	4.89352518554385e-3, 4.89352518554385e-3, 4.89352518554385e-3, 4.89352518554385e-3,
	0.5, 0.5, 0.5, 0.5
], 16);

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
	// In this order of operands a NaN stays one.
	x = f32x4.pmax(f32x4.pmin(x, v128.load(coefficients)), v128.load(coefficients, 16));
	const s = f32x4.mul(x, x);
	let p = fma(s, v128.load(coefficients, 32), v128.load(coefficients, 48));
	let q = fma(s, v128.load(coefficients, 144), v128.load(coefficients, 160));
	p = fma(s, p, v128.load(coefficients, 64));
	q = fma(s, q, v128.load(coefficients, 176));
	p = fma(s, p, v128.load(coefficients, 80));
	q = fma(s, q, v128.load(coefficients, 192));
	p = fma(s, p, v128.load(coefficients, 96));
	p = fma(s, p, v128.load(coefficients, 112));
	p = fma(s, p, v128.load(coefficients, 128));
	return f32x4.div(f32x4.mul(x, p), q);
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
	const half = v128.load(coefficients, 208);
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
