/**
 * State Detection: what a machine's other sensors say of one of them.
 *
 * In: scaled rows. Out: terms (value, square, slow means of both, since heat follows load, and the value that is to be explained), and from their moments a ridge regression per sensor
 * with the leverage of a row: how far it lies outside of the running that the regression rests on (Hoaglin and Welsch, 1978).
 */
import { cholesky, invert } from '../ensemble/symmetric-matrix';

export const termKinds = 5;
/** The first kinds explain; the last is what is explained: the value again, clipped only where it would spoil every mean. */
const explainingKinds = 4;
/** Of them the ones without memory. */
const promptKinds = 2;
/** Beyond this a term says no more than that its sensor is far out. */
const clipAt = 4;
export const valueClip = 25;
/** Added to each term's variance: terms that hardly vary, and many terms for few rows, get no large weights. */
const ridge = 1e-2;

export class RelationTerms {
	/** [termKinds * sensors], kind by kind. */
	readonly values: Float64Array;
	private begun = false;

	constructor(
		private readonly sensors: number,
		private readonly slowSmoothing: number
	) {
		this.values = new Float64Array(termKinds * sensors);
	}

	/** Takes a row, also one that is not judged: slow means go on. */
	take(scaled: ArrayLike<number>): void {
		const { values, sensors } = this;
		const smoothing = this.begun ? this.slowSmoothing : 1;
		for (let i = 0; i < sensors; i++) {
			const value = Math.max(-clipAt, Math.min(clipAt, scaled[i]!));
			values[i] = value;
			values[sensors + i] = value * value;
			values[2 * sensors + i]! += smoothing * (value - values[2 * sensors + i]!);
			values[3 * sensors + i]! += smoothing * (value * value - values[3 * sensors + i]!);
			values[explainingKinds * sensors + i] = Math.max(-valueClip, Math.min(valueClip, scaled[i]!));
		}
		this.begun = true;
	}
}

export interface Moments {
	/** [terms] */
	readonly mean: ArrayLike<number>;
	/** Row-major [terms, terms]. */
	readonly moment: ArrayLike<number>;
}

/** One sensor by the terms of the others. */
export class SensorRegression {
	private readonly middle: number;
	private readonly used: Int32Array;
	private readonly weights: Float64Array;
	private readonly inverse: Float64Array;
	private readonly centred: Float64Array;

	constructor(
		sensor: number,
		sensors: number,
		private readonly moments: Moments,
		/** Sensors (temperatures) that, and slow means, are no part of it: a sensor that answers at once would only be misled by them after a stop. */
		without?: readonly boolean[]
	) {
		const size = termKinds * sensors;
		const own = explainingKinds * sensors + sensor;
		const kinds = without ? promptKinds : explainingKinds;
		const used = Array.from({ length: kinds * sensors }, (_, k) => k).filter(
			(k) => k % sensors !== sensor && !without?.[k % sensors]
		);
		const n = used.length;
		this.middle = moments.mean[own]!;
		this.used = Int32Array.from(used);
		this.centred = new Float64Array(n);
		const matrix = new Float64Array(n * n);
		used.forEach((row, a) => {
			used.forEach((column, b) => (matrix[a * n + b] = moments.moment[row * size + column]!));
			matrix[a * (n + 1)]! += ridge;
		});
		this.inverse = invert(matrix, n);
		const right = used.map((k) => moments.moment[own * size + k]!);
		this.weights = solve(cholesky(matrix, n), right);
	}

	/** What the others say that this sensor should show, scaled. */
	expect(terms: Float64Array): number {
		let expected = this.middle;
		this.used.forEach((k, a) => (expected += this.weights[a]! * (terms[k]! - this.moments.mean[k]!)));
		return expected;
	}

	/** How unlike the running learnt from the others are: 0 at its middle. */
	leverage(terms: Float64Array): number {
		const { used, centred, inverse, moments } = this;
		const n = used.length;
		for (let a = 0; a < n; a++) centred[a] = terms[used[a]!]! - moments.mean[used[a]!]!;
		let sum = 1;
		for (let a = 0; a < n; a++) {
			let row = 0;
			for (let b = 0; b < n; b++) row += inverse[a * n + b]! * centred[b]!;
			sum += centred[a]! * row;
		}
		return sum;
	}
}

/** x of L L' x = right. */
function solve(lower: Float64Array, right: readonly number[]): Float64Array {
	const n = right.length;
	const x = Float64Array.from(right);
	for (let i = 0; i < n; i++) {
		for (let k = 0; k < i; k++) x[i]! -= lower[i * n + k]! * x[k]!;
		x[i]! /= lower[i * (n + 1)]!;
	}
	for (let i = n - 1; i >= 0; i--) {
		for (let k = i + 1; k < n; k++) x[i]! -= lower[k * n + i]! * x[k]!;
		x[i]! /= lower[i * (n + 1)]!;
	}
	return x;
}

export function momentsOf(
	blocks: readonly Float64Array[],
	terms: number
): { mean: Float64Array; moment: Float64Array } {
	const mean = new Float64Array(terms);
	for (const block of blocks) for (let k = 0; k < terms; k++) mean[k]! += block[k]! / blocks.length;
	const moment = new Float64Array(terms * terms);
	for (const block of blocks)
		for (let i = 0; i < terms; i++) {
			const own = (block[i]! - mean[i]!) / blocks.length;
			for (let j = 0; j <= i; j++) moment[i * terms + j]! += own * (block[j]! - mean[j]!);
		}
	for (let i = 0; i < terms; i++) for (let j = 0; j < i; j++) moment[j * terms + i] = moment[i * terms + j]!;
	return { mean, moment };
}
