/**
 * Prognostics: logistic regression for failure probability, the model beside every other. In: rows of features with 0/1 labels.
 * Out: weights on standardised features. Newton's method (iteratively reweighted least squares) with a ridge penalty.
 */
import { MillwrightError, type LogisticModel } from '../../contracts';

const steps = 30;

/** Fits on `rows` [labels.length, features]. `ridge` is the penalty on the weights of standardised features. */
export function fitLogistic(rows: Float64Array, features: number, labels: Uint8Array, ridge = 1): LogisticModel {
	const count = labels.length;
	if (count === 0 || rows.length !== count * features)
		throw new MillwrightError(
			'invalid-input',
			`Expected ${count} rows of ${features} features, found ${rows.length} values`,
			{ rows: count, features }
		);
	const mean = new Float64Array(features);
	const deviation = new Float64Array(features);
	for (let f = 0; f < features; f++) {
		for (let i = 0; i < count; i++) mean[f]! += rows[i * features + f]! / count;
		for (let i = 0; i < count; i++) deviation[f]! += (rows[i * features + f]! - mean[f]!) ** 2 / count;
		deviation[f] = Math.sqrt(deviation[f]!) || 1;
	}
	const width = features + 1;
	const weights = new Float64Array(width);
	const x = new Float64Array(width);
	for (let step = 0; step < steps; step++) {
		const hessian = Array.from({ length: width }, () => new Float64Array(width));
		const gradient = new Float64Array(width);
		for (let f = 0; f < features; f++) {
			hessian[f]![f]! += ridge;
			gradient[f]! -= ridge * weights[f]!;
		}
		hessian[features]![features]! += 1e-9;
		for (let i = 0; i < count; i++) {
			for (let f = 0; f < features; f++) x[f] = (rows[i * features + f]! - mean[f]!) / deviation[f]!;
			x[features] = 1;
			let z = 0;
			for (let f = 0; f < width; f++) z += weights[f]! * x[f]!;
			const p = 1 / (1 + Math.exp(-z));
			const slope = Math.max(1e-9, p * (1 - p));
			for (let f = 0; f < width; f++) {
				gradient[f]! += (labels[i]! - p) * x[f]!;
				const scaled = slope * x[f]!;
				for (let g = 0; g <= f; g++) hessian[f]![g]! += scaled * x[g]!;
			}
		}
		const move = solveSymmetric(hessian, gradient);
		let most = 0;
		for (let f = 0; f < width; f++) {
			weights[f]! += Math.max(-4, Math.min(4, move[f]!));
			most = Math.max(most, Math.abs(move[f]!));
		}
		if (most < 1e-8) break;
	}
	return { mean, deviation, weights };
}

export function logisticProbability(
	{ mean, deviation, weights }: LogisticModel,
	rows: Float64Array,
	row: number
): number {
	const features = mean.length;
	let z = weights[features]!;
	for (let f = 0; f < features; f++) z += (weights[f]! * (rows[row * features + f]! - mean[f]!)) / deviation[f]!;
	return 1 / (1 + Math.exp(-z));
}

/** What each feature adds to the log-odds of a row against a row that is average in all; with the intercept they sum to them. */
export function logisticContributions(
	{ mean, deviation, weights }: LogisticModel,
	rows: Float64Array,
	row: number
): { readonly base: number; readonly byFeature: Float64Array } {
	const features = mean.length;
	return {
		base: weights[features]!,
		byFeature: mean.map((_, f) => (weights[f]! * (rows[row * features + f]! - mean[f]!)) / deviation[f]!)
	};
}

/** Cholesky on the lower triangle. */
function solveSymmetric(a: Float64Array[], b: Float64Array): Float64Array {
	const n = b.length;
	for (let i = 0; i < n; i++)
		for (let j = 0; j <= i; j++) {
			let sum = a[i]![j]!;
			for (let k = 0; k < j; k++) sum -= a[i]![k]! * a[j]![k]!;
			a[i]![j] = i === j ? Math.sqrt(Math.max(1e-12, sum)) : sum / a[j]![j]!;
		}
	const x = b.slice();
	for (let i = 0; i < n; i++) {
		for (let k = 0; k < i; k++) x[i]! -= a[i]![k]! * x[k]!;
		x[i]! /= a[i]![i]!;
	}
	for (let i = n - 1; i >= 0; i--) {
		for (let k = i + 1; k < n; k++) x[i]! -= a[k]![i]! * x[k]!;
		x[i]! /= a[i]![i]!;
	}
	return x;
}
