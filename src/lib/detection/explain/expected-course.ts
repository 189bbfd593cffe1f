/**
 * State Detection: what the model expected over a stretch of history.
 *
 * In: aligned rows and a version with its weights. Out: expected value and half-width of the normal band per row and sensor, own units.
 * Computed without a backend, so that any tab can draw it without taking anything from live scoring.
 */
import type { EpochMs, JudgingBasis, ModelPackage } from '../../contracts';
import { planNetwork } from '../../neural/network-spec';
import { referenceNetwork } from '../../neural/reference-network';
import { networkSpecOf } from '../predictor';
import { statisticsOf } from '../residual-judge';

export interface CourseRow {
	readonly time: EpochMs;
	/** [sensors], own units, NaN where nothing is known. */
	readonly values: ArrayLike<number>;
	readonly breakBefore: boolean;
}

export interface ExpectedCourse {
	readonly times: Float64Array;
	/** By sensor, in the model's order. */
	readonly expected: readonly Float64Array[];
	/** Half-width of the normal band, by sensor. */
	readonly band: readonly number[];
}

/** Rows that the carried state needs before what it expects is shown. */
const warmUpRows = 20;
/** As live values are shown: smoothed over about ten rows. */
const smoothing = 0.1;

export function expectedCourse(pkg: ModelPackage, rows: readonly CourseRow[]): ExpectedCourse {
	const { version } = pkg;
	const { scaler, calibration, spec } = version;
	const sensors = spec.features;
	const plan = planNetwork(networkSpecOf(spec));
	const weights = new Float32Array(pkg.weights, 0, plan.weightCount);
	const times: number[] = [];
	const expected: number[][] = scaler.sensorNames.map(() => []);
	let start = 0;
	while (start < rows.length) {
		let end = start + 1;
		while (end < rows.length && !rows[end]!.breakBefore) end++;
		const input = new Float64Array((end - start) * sensors);
		for (let r = start; r < end; r++)
			for (let i = 0; i < sensors; i++) {
				const at = (r - start) * sensors + i;
				const value = (rows[r]!.values[i]! - scaler.mean[i]!) / scaler.deviation[i]!;
				// As the last row was, where nothing is known.
				input[at] = Number.isNaN(value) ? (r > start ? input[at - sensors]! : 0) : Math.max(-8, Math.min(8, value));
			}
		if (end - start > warmUpRows + 1) {
			const { outputs } = referenceNetwork(plan, weights, input, 1, end - start);
			const shown = new Float64Array(sensors).fill(Number.NaN);
			for (let r = start + warmUpRows; r < end; r++) {
				times.push(rows[r]!.time);
				for (let i = 0; i < sensors; i++) {
					const scaled = outputs[(r - start - 1) * sensors + i]! + calibration.residualMean[i]!;
					const value = scaled * scaler.deviation[i]! + scaler.mean[i]!;
					shown[i] = Number.isNaN(shown[i]!) ? value : shown[i]! + smoothing * (value - shown[i]!);
					expected[i]!.push(shown[i]!);
				}
			}
		}
		start = end;
	}
	return {
		times: Float64Array.from(times),
		expected: expected.map((column) => Float64Array.from(column)),
		band: normalBand(version)
	};
}

/** Half-width of each sensor's normal band, own units: the widest that a bias statistic allows, at least three residual deviations. */
export function normalBand(version: JudgingBasis): number[] {
	const { scaler, calibration } = version;
	const sensors = scaler.sensorNames.length;
	const biases = statisticsOf(version).filter(({ kind }) => kind === 'bias');
	return scaler.deviation.map((deviation, i) => {
		const allowed = Math.max(0, ...biases.map((one) => one.deviation[i]! * one.threshold * sensors ** 0.25));
		return Math.max(3, allowed) * deviation * calibration.residualDeviation[i]!;
	});
}
