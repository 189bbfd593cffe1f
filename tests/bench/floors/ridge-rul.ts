/**
 * Benchmarks: the floor for remaining life. In: training and test units with the conditions learnt. Out: per test unit what a
 * ridge regression says: for each sensor, scaled per condition, the mean of the last 30 rows, of the last 5, and the mean
 * of the last 30 less that of the first 10; lambda 10, bias not shrunk, clipped to 0 and the cap.
 */
import type { OperatingConditions, UnitHistories } from '../../../src/lib/contracts';
import { scaleLife } from '../../../src/lib/prognostics/rul/operating-conditions';

const lambda = 10;

export function ridgeFloor(
	train: UnitHistories,
	test: UnitHistories,
	conditions: OperatingConditions,
	cap: number
): number[] {
	const all = { ...conditions, sensors: train.sensorNames.map((_, i) => i) };
	const width = 3 * all.sensors.length + 1;
	const gram = Array.from({ length: width }, (_, i) => {
		const row = new Float64Array(width);
		if (i < width - 1) row[i] = lambda;
		return row;
	});
	const moment = new Float64Array(width);
	for (const unit of train.units) {
		const scaled = scaleLife(all, unit);
		for (let t = 0; t < unit.steps; t++) {
			const x = featuresAt(scaled, all.sensors.length, t);
			const y = Math.min(cap, unit.steps - 1 - t);
			for (let i = 0; i < width; i++) {
				moment[i]! += x[i]! * y;
				for (let j = 0; j < width; j++) gram[i]![j]! += x[i]! * x[j]!;
			}
		}
	}
	const weights = solve(gram, moment);
	return test.units.map((unit) => {
		const x = featuresAt(scaleLife(all, unit), all.sensors.length, unit.steps - 1);
		const said = x.reduce((sum, value, i) => sum + value * weights[i]!, 0);
		return Math.max(0, Math.min(cap, said));
	});
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
