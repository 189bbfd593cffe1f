/**
 * State Detection: the little linear algebra that distances need. Matrices are row-major Float64Array [n, n], symmetric
 * positive definite; n is a machine's number of sensors, so plain loops are enough.
 */

/** Lower Cholesky factor; a pivot that rounding has made too small is lifted to `floor`. */
export function cholesky(matrix: ArrayLike<number>, n: number, floor = 1e-9): Float64Array {
	const lower = new Float64Array(n * n);
	for (let i = 0; i < n; i++)
		for (let j = 0; j <= i; j++) {
			let sum = matrix[i * n + j]!;
			for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
			lower[i * n + j] = i === j ? Math.sqrt(Math.max(sum, floor)) : sum / lower[j * n + j]!;
		}
	return lower;
}

/** Inverse of a symmetric positive definite matrix. */
export function invert(matrix: ArrayLike<number>, n: number): Float64Array {
	const lower = cholesky(matrix, n);
	// Inverse of the factor, column by column, then inverse = L^-T L^-1.
	const inverseLower = new Float64Array(n * n);
	for (let j = 0; j < n; j++) {
		inverseLower[j * n + j] = 1 / lower[j * n + j]!;
		for (let i = j + 1; i < n; i++) {
			let sum = 0;
			for (let k = j; k < i; k++) sum -= lower[i * n + k]! * inverseLower[k * n + j]!;
			inverseLower[i * n + j] = sum / lower[i * n + i]!;
		}
	}
	const inverse = new Float64Array(n * n);
	for (let i = 0; i < n; i++)
		for (let j = 0; j <= i; j++) {
			let sum = 0;
			for (let k = i; k < n; k++) sum += inverseLower[k * n + i]! * inverseLower[k * n + j]!;
			inverse[i * n + j] = sum;
			inverse[j * n + i] = sum;
		}
	return inverse;
}

/** out = matrix . vector */
export function multiply(matrix: ArrayLike<number>, vector: ArrayLike<number>, out: Float64Array): Float64Array {
	const n = vector.length;
	for (let i = 0; i < n; i++) {
		let sum = 0;
		for (let j = 0; j < n; j++) sum += matrix[i * n + j]! * vector[j]!;
		out[i] = sum;
	}
	return out;
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
	let sum = 0;
	for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
	return sum;
}

/** a' . matrix . a, never below 0. */
export function quadraticForm(matrix: ArrayLike<number>, a: ArrayLike<number>): number {
	const n = a.length;
	let sum = 0;
	for (let i = 0; i < n; i++) {
		let row = 0;
		for (let j = 0; j < n; j++) row += matrix[i * n + j]! * a[j]!;
		sum += row * a[i]!;
	}
	return Math.max(0, sum);
}
