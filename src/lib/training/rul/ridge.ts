/**
 * Training: the floor for remaining life. In: units with the conditions learnt. Out: what a ridge regression says at any row: for each
 * sensor, scaled per condition, the mean of the last 30 rows, of the last 5, and the mean of the last 30 less that of the first 10 of
 * them; lambda 10, bias not shrunk, clipped to 0 and the cap.
 */
import type { OperatingConditions, UnitHistory } from '../../contracts';
import { scaleLife, stepsLeft } from '../../prognostics';

const lambda = 10;

/** Sums of squares and products; those of several sets of units add up. */
interface Sums {
	readonly gram: readonly Float64Array[];
	readonly moment: Float64Array;
}

export class RidgeLife {
	private readonly width: number;

	/** `conditions.sensors` are the sensors looked at. */
	constructor(
		private readonly conditions: OperatingConditions,
		private readonly capSteps: number
	) {
		this.width = 3 * conditions.sensors.length + 1;
	}

	sums(units: readonly UnitHistory[]): Sums {
		const { width } = this;
		const gram = Array.from({ length: width }, () => new Float64Array(width));
		const moment = new Float64Array(width);
		for (const unit of units) {
			const scaled = scaleLife(this.conditions, unit);
			for (let t = 0; t < unit.steps; t++) {
				const x = featuresAt(scaled, this.conditions.sensors.length, t);
				const y = Math.min(this.capSteps, stepsLeft(unit, t));
				for (let i = 0; i < width; i++) {
					moment[i]! += x[i]! * y;
					const row = gram[i]!;
					for (let j = 0; j < width; j++) row[j]! += x[i]! * x[j]!;
				}
			}
		}
		return { gram, moment };
	}

	/** Weights learnt from all of these together. */
	learn(parts: readonly Sums[]): Float64Array {
		const { width } = this;
		const gram = Array.from({ length: width }, (_, i) => {
			const row = new Float64Array(width);
			for (const part of parts) for (let j = 0; j < width; j++) row[j]! += part.gram[i]![j]!;
			if (i < width - 1) row[i]! += lambda;
			return row;
		});
		const moment = new Float64Array(width);
		for (const part of parts) for (let i = 0; i < width; i++) moment[i]! += part.moment[i]!;
		return solve(gram, moment);
	}

	/** Remaining life, steps, at each row of a unit's life that `rows` names. */
	predict(weights: Float64Array, unit: UnitHistory, rows: readonly number[]): number[] {
		const scaled = scaleLife(this.conditions, unit);
		return rows.map((t) => {
			const x = featuresAt(scaled, this.conditions.sensors.length, t);
			const said = x.reduce((sum, value, i) => sum + value * weights[i]!, 0);
			return Math.max(0, Math.min(this.capSteps, said));
		});
	}
}
function featuresAt(scaled: Float32Array, sensors: number, t: number): Float64Array {
	const features = new Float64Array(3 * sensors + 1);
	const meanOf = (from: number, to: number, j: number) => {
		let sum = 0;
		for (let k = from; k < to; k++) sum += scaled[k * sensors + j]!;
		return sum / (to - from);
	};
	const from = Math.max(0, t - 29);
	for (let j = 0; j < sensors; j++) {
		const window = meanOf(from, t + 1, j);
		features[j] = window;
		features[sensors + j] = meanOf(Math.max(0, t - 4), t + 1, j);
		features[2 * sensors + j] = window - meanOf(from, Math.min(t + 1, from + 10), j);
	}
	features[3 * sensors] = 1;
	return features;
}

/** Gaussian elimination with partial pivoting; columns that say nothing get weight 0. */
function solve(matrix: Float64Array[], right: Float64Array): Float64Array {
	const n = right.length;
	const a = matrix.map((row, i) => Float64Array.of(...row, right[i]!));
	for (let k = 0; k < n; k++) {
		let pivot = k;
		for (let i = k + 1; i < n; i++) if (Math.abs(a[i]![k]!) > Math.abs(a[pivot]![k]!)) pivot = i;
		[a[k], a[pivot]] = [a[pivot]!, a[k]!];
		if (Math.abs(a[k]![k]!) < 1e-12) continue;
		for (let i = k + 1; i < n; i++) {
			const factor = a[i]![k]! / a[k]![k]!;
			for (let j = k; j <= n; j++) a[i]![j]! -= factor * a[k]![j]!;
		}
	}
	const solution = new Float64Array(n);
	for (let k = n - 1; k >= 0; k--) {
		let sum = a[k]![n]!;
		for (let j = k + 1; j < n; j++) sum -= a[k]![j]! * solution[j]!;
		solution[k] = Math.abs(a[k]![k]!) < 1e-12 ? 0 : sum / a[k]![k]!;
	}
	return solution;
}
