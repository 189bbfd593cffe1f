/**
 * Health Assessment: Cholesky factorisation of a positive definite matrix, row-major in a Float64Array.
 *
 * In: the lower triangle. Out: solutions of linear systems. Only what the fault classifier needs.
 */

/** Cholesky factor in place of the lower triangle. */
export function factorise(matrix: Float64Array, n: number): void {
	for (let i = 0; i < n; i++) {
		const rowI = i * n;
		for (let j = 0; j <= i; j++) {
			const rowJ = j * n;
			let sum = matrix[rowI + j]!;
			for (let k = 0; k < j; k++) sum -= matrix[rowI + k]! * matrix[rowJ + k]!;
			// Shrinkage keeps it positive; rounding may take the last digits.
			matrix[rowI + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / matrix[rowJ + j]!;
		}
	}
}

/** Solves L L' x = b in place of b. */
export function substitute(factor: Float64Array, n: number, b: Float64Array): void {
	for (let i = 0; i < n; i++) {
		let sum = b[i]!;
		for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * b[k]!;
		b[i] = sum / factor[i * n + i]!;
	}
	for (let i = n - 1; i >= 0; i--) {
		let sum = b[i]!;
		for (let k = i + 1; k < n; k++) sum -= factor[k * n + i]! * b[k]!;
		b[i] = sum / factor[i * n + i]!;
	}
}
