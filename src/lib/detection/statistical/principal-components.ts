/**
 * State Detection: eigenvectors of a small symmetric matrix by Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5).
 * In: a covariance, row-major [n, n]. Out: components with their variances, largest first.
 */
export interface PrincipalComponents {
	readonly vectors: readonly Float64Array[];
	readonly variances: readonly number[];
}

export function principalComponents(covariance: ArrayLike<number>, n: number): PrincipalComponents {
	const a = Float64Array.from(covariance);
	const v = new Float64Array(n * n);
	for (let i = 0; i < n; i++) v[i * n + i] = 1;
	for (let sweep = 0; sweep < 60; sweep++) {
		let off = 0;
		for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) off += a[i * n + j]! ** 2;
		if (off < 1e-18) break;
		for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
	}
	const order = Array.from({ length: n }, (_, i) => i).sort((x, y) => a[y * n + y]! - a[x * n + x]!);
	return {
		variances: order.map((c) => Math.max(0, a[c * n + c]!)),
		vectors: order.map((c) => Float64Array.from({ length: n }, (_, i) => v[i * n + c]!))
	};
}

/** Makes a[p, q] zero. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
	const apq = a[p * n + q]!;
	if (Math.abs(apq) < 1e-15) return;
	const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
	const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
	const c = 1 / Math.sqrt(t * t + 1);
	const s = t * c;
	for (let k = 0; k < n; k++) {
		const kp = a[k * n + p]!;
		const kq = a[k * n + q]!;
		a[k * n + p] = c * kp - s * kq;
		a[k * n + q] = s * kp + c * kq;
	}
	for (let k = 0; k < n; k++) {
		const pk = a[p * n + k]!;
		const qk = a[q * n + k]!;
		a[p * n + k] = c * pk - s * qk;
		a[q * n + k] = s * pk + c * qk;
		const vp = v[k * n + p]!;
		const vq = v[k * n + q]!;
		v[k * n + p] = c * vp - s * vq;
		v[k * n + q] = s * vp + c * vq;
	}
}
