/**
 * Vector arithmetic shared by the kernels: fused multiply-add where the build has it, and the two activations.
 *
 * tanh: x P(x^2) / Q(x^2) of degree 7/8 on |x| <= 7.9, fitted for the least relative error (4e-7 as float32 computes it,
 * and never above 1); sigmoid(x) = 1/2 + 1/2 tanh(x/2), the halves folded into
 * coefficients of its own.
 */

// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
	if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
	return f32x4.add(f32x4.mul(a, b), c);
}

/** Limit and coefficients of tanh, then of sigmoid, each repeated in four lanes: loading a vector is cheaper than building one. */
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
	15.8, 15.8, 15.8, 15.8,
	-15.8, -15.8, -15.8, -15.8,
	4.50462789e-08, 4.50462789e-08, 4.50462789e-08, 4.50462789e-08,
	4.62574082e-05, 4.62574082e-05, 4.62574082e-05, 4.62574082e-05,
	0.00808401142, 0.00808401142, 0.00808401142, 0.00808401142,
	0.249999967, 0.249999967, 0.249999967, 0.249999967,
	9.736525e-10, 9.736525e-10, 9.736525e-10, 9.736525e-10,
	3.7501901e-06, 3.7501901e-06, 3.7501901e-06, 3.7501901e-06,
	0.0014908804, 0.0014908804, 0.0014908804, 0.0014908804,
	0.115669112, 0.115669112, 0.115669112, 0.115669112,
	1, 1, 1, 1,
	0.5, 0.5, 0.5, 0.5
], 16);

/** Rational polynomial whose limit and coefficients begin at `set`. In this order of operands a NaN stays one. */
// @ts-ignore: decorator
@inline
function rational(x: v128, set: usize): v128 {
	x = f32x4.pmax(f32x4.pmin(x, v128.load(coefficients + set)), v128.load(coefficients + set, 16));
	const s = f32x4.mul(x, x);
	let p = fma(s, v128.load(coefficients + set, 32), v128.load(coefficients + set, 48));
	let q = fma(s, v128.load(coefficients + set, 96), v128.load(coefficients + set, 112));
	p = fma(s, p, v128.load(coefficients + set, 64));
	q = fma(s, q, v128.load(coefficients + set, 128));
	p = fma(s, p, v128.load(coefficients + set, 80));
	q = fma(s, q, v128.load(coefficients + set, 144));
	q = fma(s, q, v128.load(coefficients, 320));
	return f32x4.div(f32x4.mul(x, p), q);
}

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
	return rational(x, 0);
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
	return f32x4.add(v128.load(coefficients, 336), rational(x, 160));
}

/** In place on [at, end), whole vectors; four at a time share each coefficient's load. */
export function applyTanh(at: usize, end: usize): void {
	for (; at + 64 <= end; at += 64) tanh4(at);
	for (; at < end; at += 16) v128.store(at, tanh(v128.load(at)));
}

export function applySigmoid(at: usize, end: usize): void {
	for (; at + 64 <= end; at += 64) sigmoid4(at);
	for (; at < end; at += 16) v128.store(at, sigmoid(v128.load(at)));
}

// @ts-ignore: decorator
@inline
function tanh4(at: usize): void {
	let k = v128.load(coefficients, 0);
	let x0 = f32x4.pmin(v128.load(at, 0), k);
	let x1 = f32x4.pmin(v128.load(at, 16), k);
	let x2 = f32x4.pmin(v128.load(at, 32), k);
	let x3 = f32x4.pmin(v128.load(at, 48), k);
	k = v128.load(coefficients, 16);
	x0 = f32x4.pmax(x0, k);
	x1 = f32x4.pmax(x1, k);
	x2 = f32x4.pmax(x2, k);
	x3 = f32x4.pmax(x3, k);
	const s0 = f32x4.mul(x0, x0);
	const s1 = f32x4.mul(x1, x1);
	const s2 = f32x4.mul(x2, x2);
	const s3 = f32x4.mul(x3, x3);
	k = v128.load(coefficients, 32);
	let l = v128.load(coefficients, 48);
	let p0 = fma(s0, k, l);
	let p1 = fma(s1, k, l);
	let p2 = fma(s2, k, l);
	let p3 = fma(s3, k, l);
	k = v128.load(coefficients, 64);
	p0 = fma(s0, p0, k);
	p1 = fma(s1, p1, k);
	p2 = fma(s2, p2, k);
	p3 = fma(s3, p3, k);
	k = v128.load(coefficients, 80);
	p0 = fma(s0, p0, k);
	p1 = fma(s1, p1, k);
	p2 = fma(s2, p2, k);
	p3 = fma(s3, p3, k);
	x0 = f32x4.mul(x0, p0);
	x1 = f32x4.mul(x1, p1);
	x2 = f32x4.mul(x2, p2);
	x3 = f32x4.mul(x3, p3);
	k = v128.load(coefficients, 96);
	l = v128.load(coefficients, 112);
	let q0 = fma(s0, k, l);
	let q1 = fma(s1, k, l);
	let q2 = fma(s2, k, l);
	let q3 = fma(s3, k, l);
	k = v128.load(coefficients, 128);
	q0 = fma(s0, q0, k);
	q1 = fma(s1, q1, k);
	q2 = fma(s2, q2, k);
	q3 = fma(s3, q3, k);
	k = v128.load(coefficients, 144);
	q0 = fma(s0, q0, k);
	q1 = fma(s1, q1, k);
	q2 = fma(s2, q2, k);
	q3 = fma(s3, q3, k);
	k = v128.load(coefficients, 320);
	q0 = fma(s0, q0, k);
	q1 = fma(s1, q1, k);
	q2 = fma(s2, q2, k);
	q3 = fma(s3, q3, k);
	v128.store(at, f32x4.div(x0, q0), 0);
	v128.store(at, f32x4.div(x1, q1), 16);
	v128.store(at, f32x4.div(x2, q2), 32);
	v128.store(at, f32x4.div(x3, q3), 48);
}

// @ts-ignore: decorator
@inline
function sigmoid4(at: usize): void {
	let k = v128.load(coefficients, 160);
	let x0 = f32x4.pmin(v128.load(at, 0), k);
	let x1 = f32x4.pmin(v128.load(at, 16), k);
	let x2 = f32x4.pmin(v128.load(at, 32), k);
	let x3 = f32x4.pmin(v128.load(at, 48), k);
	k = v128.load(coefficients, 176);
	x0 = f32x4.pmax(x0, k);
	x1 = f32x4.pmax(x1, k);
	x2 = f32x4.pmax(x2, k);
	x3 = f32x4.pmax(x3, k);
	const s0 = f32x4.mul(x0, x0);
	const s1 = f32x4.mul(x1, x1);
	const s2 = f32x4.mul(x2, x2);
	const s3 = f32x4.mul(x3, x3);
	k = v128.load(coefficients, 192);
	let l = v128.load(coefficients, 208);
	let p0 = fma(s0, k, l);
	let p1 = fma(s1, k, l);
	let p2 = fma(s2, k, l);
	let p3 = fma(s3, k, l);
	k = v128.load(coefficients, 224);
	p0 = fma(s0, p0, k);
	p1 = fma(s1, p1, k);
	p2 = fma(s2, p2, k);
	p3 = fma(s3, p3, k);
	k = v128.load(coefficients, 240);
	p0 = fma(s0, p0, k);
	p1 = fma(s1, p1, k);
	p2 = fma(s2, p2, k);
	p3 = fma(s3, p3, k);
	x0 = f32x4.mul(x0, p0);
	x1 = f32x4.mul(x1, p1);
	x2 = f32x4.mul(x2, p2);
	x3 = f32x4.mul(x3, p3);
	k = v128.load(coefficients, 256);
	l = v128.load(coefficients, 272);
	let q0 = fma(s0, k, l);
	let q1 = fma(s1, k, l);
	let q2 = fma(s2, k, l);
	let q3 = fma(s3, k, l);
	k = v128.load(coefficients, 288);
	q0 = fma(s0, q0, k);
	q1 = fma(s1, q1, k);
	q2 = fma(s2, q2, k);
	q3 = fma(s3, q3, k);
	k = v128.load(coefficients, 304);
	q0 = fma(s0, q0, k);
	q1 = fma(s1, q1, k);
	q2 = fma(s2, q2, k);
	q3 = fma(s3, q3, k);
	k = v128.load(coefficients, 320);
	q0 = fma(s0, q0, k);
	q1 = fma(s1, q1, k);
	q2 = fma(s2, q2, k);
	q3 = fma(s3, q3, k);
	k = v128.load(coefficients, 336);
	v128.store(at, f32x4.add(k, f32x4.div(x0, q0)), 0);
	v128.store(at, f32x4.add(k, f32x4.div(x1, q1)), 16);
	v128.store(at, f32x4.add(k, f32x4.div(x2, q2)), 32);
	v128.store(at, f32x4.add(k, f32x4.div(x3, q3)), 48);
}

/**
 * out = sigmoid(gate) * tanh(value) for 8 numbers, with one division where two functions take two: what scoring needs twice per
 * unit (i g and o tanh c), when nobody asks for the factors.
 */
// @ts-ignore: decorator
@inline
export function gatedTanh(gate: usize, value: usize, out: usize): void {
	let k: v128, l: v128;
	k = v128.load(coefficients, 160);
	let s0 = f32x4.pmin(v128.load(gate, 0), k);
	let s1 = f32x4.pmin(v128.load(gate, 16), k);
	k = v128.load(coefficients, 176);
	s0 = f32x4.pmax(s0, k);
	s1 = f32x4.pmax(s1, k);
	const sSquare0 = f32x4.mul(s0, s0);
	const sSquare1 = f32x4.mul(s1, s1);
	k = v128.load(coefficients, 192);
	l = v128.load(coefficients, 208);
	let sP0 = fma(sSquare0, k, l);
	let sP1 = fma(sSquare1, k, l);
	k = v128.load(coefficients, 224);
	sP0 = fma(sSquare0, sP0, k);
	sP1 = fma(sSquare1, sP1, k);
	k = v128.load(coefficients, 240);
	sP0 = fma(sSquare0, sP0, k);
	sP1 = fma(sSquare1, sP1, k);
	s0 = f32x4.mul(s0, sP0);
	s1 = f32x4.mul(s1, sP1);
	k = v128.load(coefficients, 256);
	l = v128.load(coefficients, 272);
	let sQ0 = fma(sSquare0, k, l);
	let sQ1 = fma(sSquare1, k, l);
	k = v128.load(coefficients, 288);
	sQ0 = fma(sSquare0, sQ0, k);
	sQ1 = fma(sSquare1, sQ1, k);
	k = v128.load(coefficients, 304);
	sQ0 = fma(sSquare0, sQ0, k);
	sQ1 = fma(sSquare1, sQ1, k);
	k = v128.load(coefficients, 320);
	sQ0 = fma(sSquare0, sQ0, k);
	sQ1 = fma(sSquare1, sQ1, k);
	k = v128.load(coefficients, 336);
	s0 = fma(k, sQ0, s0);
	s1 = fma(k, sQ1, s1);
	k = v128.load(coefficients, 0);
	let t0 = f32x4.pmin(v128.load(value, 0), k);
	let t1 = f32x4.pmin(v128.load(value, 16), k);
	k = v128.load(coefficients, 16);
	t0 = f32x4.pmax(t0, k);
	t1 = f32x4.pmax(t1, k);
	const tSquare0 = f32x4.mul(t0, t0);
	const tSquare1 = f32x4.mul(t1, t1);
	k = v128.load(coefficients, 32);
	l = v128.load(coefficients, 48);
	let tP0 = fma(tSquare0, k, l);
	let tP1 = fma(tSquare1, k, l);
	k = v128.load(coefficients, 64);
	tP0 = fma(tSquare0, tP0, k);
	tP1 = fma(tSquare1, tP1, k);
	k = v128.load(coefficients, 80);
	tP0 = fma(tSquare0, tP0, k);
	tP1 = fma(tSquare1, tP1, k);
	t0 = f32x4.mul(t0, tP0);
	t1 = f32x4.mul(t1, tP1);
	k = v128.load(coefficients, 96);
	l = v128.load(coefficients, 112);
	let tQ0 = fma(tSquare0, k, l);
	let tQ1 = fma(tSquare1, k, l);
	k = v128.load(coefficients, 128);
	tQ0 = fma(tSquare0, tQ0, k);
	tQ1 = fma(tSquare1, tQ1, k);
	k = v128.load(coefficients, 144);
	tQ0 = fma(tSquare0, tQ0, k);
	tQ1 = fma(tSquare1, tQ1, k);
	k = v128.load(coefficients, 320);
	tQ0 = fma(tSquare0, tQ0, k);
	tQ1 = fma(tSquare1, tQ1, k);
	v128.store(out, f32x4.div(f32x4.mul(s0, t0), f32x4.mul(sQ0, tQ0)));
	v128.store(out, f32x4.div(f32x4.mul(s1, t1), f32x4.mul(sQ1, tQ1)), 16);
}

/** Sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
	return (
		f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
	);
}
