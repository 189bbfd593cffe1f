/**
 * State Detection: what the model expected over a stretch of history.
 *
 * In: aligned rows and a version with its weights. Out: expected value and half-width of the normal band per row and sensor, own units.
 * Computed without a backend, so that any tab can draw it without taking anything from live scoring.
 */
import type { JudgingBasis, ModelPackage } from '../../contracts';
import { statisticsOf } from '../residuals/residual-judge';
import { predictRows, type CourseRow } from './predicted-rows';

export interface ExpectedCourse {
	readonly times: Float64Array;
	/** By sensor, in the model's order. */
	readonly expected: readonly Float64Array[];
	/** Half-width of the normal band, by sensor. */
	readonly band: readonly number[];
}

/** As live values are shown: smoothed over about ten rows. */
const smoothing = 0.1;

export function expectedCourse(pkg: ModelPackage, rows: readonly CourseRow[]): ExpectedCourse {
	const { version } = pkg;
	const sensors = version.spec.features;
	const predicted = predictRows(pkg, rows);
	const times: number[] = [];
	const expected: number[][] = version.scaler.sensorNames.map(() => []);
	const shown = new Float64Array(sensors).fill(Number.NaN);
	rows.forEach(({ time, breakBefore }, r) => {
		if (breakBefore) shown.fill(Number.NaN);
		if (Number.isNaN(predicted[r * sensors]!)) return;
		times.push(time);
		for (let i = 0; i < sensors; i++) {
			const value = predicted[r * sensors + i]!;
			shown[i] = Number.isNaN(shown[i]!) ? value : shown[i]! + smoothing * (value - shown[i]!);
			expected[i]!.push(shown[i]!);
		}
	});
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
