/**
 * Health Assessment: regularised linear discriminant analysis, the mathematics of the fault classifier.
 *
 * In: feature vectors with a class each. Out: one linear function per class whose largest value names the class (Friedman 1989,
 * JASA 84:165-175: pooled covariance shrunk towards the identity of standardised features). Exact, no iteration, no randomness.
 */
import { MillwrightError } from '../contracts';
import { factorise, substitute } from './cholesky';

/** Sums from which classifiers of any shrinkage are solved; a fold's sums are the whole's minus its own. */
export class ScatterSums {
	readonly counts: Float64Array;
	/** [classes, features] */
	readonly sums: Float64Array;
	/** [features, features], lower triangle of the sum of x x'. */
	readonly products: Float64Array;

	constructor(
		readonly classes: number,
		readonly features: number
	) {
		this.counts = new Float64Array(classes);
		this.sums = new Float64Array(classes * features);
		this.products = new Float64Array(features * features);
	}

	/** `weight` -1 takes a vector out again. */
	add(row: Float64Array, label: number, weight = 1): void {
		const { features, products, sums } = this;
		this.counts[label]! += weight;
		for (let i = 0; i < features; i++) {
			const value = weight * row[i]!;
			if (value === 0) continue;
			sums[label * features + i]! += value;
			const base = i * features;
			for (let j = 0; j <= i; j++) products[base + j]! += value * row[j]!;
		}
	}

	minus(other: ScatterSums): ScatterSums {
		const left = new ScatterSums(this.classes, this.features);
		for (const key of ['counts', 'sums', 'products'] as const)
			for (let i = 0; i < this[key].length; i++) left[key][i] = this[key][i]! - other[key][i]!;
		return left;
	}
}

export interface LinearDiscriminant {
	/** [classes, features] */
	readonly weights: Float64Array;
	/** [classes] */
	readonly biases: Float64Array;
}

/**
 * Solves for the discriminants: covariance = (1 - shrinkage) x pooled within-class + shrinkage x mean variance x identity. Classes
 * count as equally likely in proportion to what was seen of them (smoothed by one). Classes without a sample never win.
 * @param shrinkage above 0, at most 1
 * @throws MillwrightError `not-enough-data` with fewer than two classes that have samples.
 */
export function solveDiscriminant(scatter: ScatterSums, shrinkage: number): LinearDiscriminant {
	const { classes, features, counts, sums, products } = scatter;
	const total = counts.reduce((a, b) => a + b, 0);
	const seen = counts.reduce((n, count) => n + (count > 0 ? 1 : 0), 0);
	if (seen < 2) throw new MillwrightError('not-enough-data', 'A classifier needs samples of at least two conditions');
	const means = new Float64Array(classes * features);
	for (let c = 0; c < classes; c++)
		for (let i = 0; i < features; i++)
			means[c * features + i] = counts[c]! > 0 ? sums[c * features + i]! / counts[c]! : 0;
	const covariance = new Float64Array(features * features);
	let trace = 0;
	for (let i = 0; i < features; i++) {
		for (let j = 0; j <= i; j++) {
			let within = products[i * features + j]!;
			for (let c = 0; c < classes; c++) within -= sums[c * features + i]! * means[c * features + j]!;
			covariance[i * features + j] = within / total;
		}
		trace += covariance[i * features + i]!;
	}
	const ridge = Math.max((shrinkage * trace) / features, 1e-12);
	for (let i = 0; i < features; i++) {
		for (let j = 0; j <= i; j++) covariance[i * features + j]! *= 1 - shrinkage;
		covariance[i * features + i]! += ridge;
	}
	factorise(covariance, features);
	const weights = new Float64Array(classes * features);
	const biases = new Float64Array(classes).fill(Number.NEGATIVE_INFINITY);
	for (let c = 0; c < classes; c++) {
		if (!(counts[c]! > 0)) continue;
		const mean = means.subarray(c * features, (c + 1) * features);
		const weight = weights.subarray(c * features, (c + 1) * features);
		weight.set(mean);
		substitute(covariance, features, weight);
		let square = 0;
		for (let i = 0; i < features; i++) square += mean[i]! * weight[i]!;
		biases[c] = Math.log((counts[c]! + 1) / (total + seen)) - square / 2;
	}
	return { weights, biases };
}

/** Discriminant of each class for one vector. */
export function discriminantsOf(model: LinearDiscriminant, row: ArrayLike<number>): Float64Array {
	const features = row.length;
	return model.biases.map((bias, c) => {
		let sum = bias;
		for (let i = 0; i < features; i++) sum += model.weights[c * features + i]! * row[i]!;
		return sum;
	});
}
