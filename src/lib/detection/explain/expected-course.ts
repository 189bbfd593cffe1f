/**
 * State Detection: what the model expected over a stretch of history.
 *
 * In: aligned rows and a version with its weights; by its network, or by how the sensors go with each other where that decides. Out: expected value and half-width of the normal band per row and sensor, own units.
 * Computed without a backend, so that any tab can draw it without taking anything from live scoring.
 */
import type { JudgingBasis, ModelPackage, RelationCalibration } from '../../contracts';
import { MachineDetector } from '../machine-detector';
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
	if (version.relations) return courseByOthers(version, version.relations, rows);
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

/** Where the sensors judge each other: what they say, row by row, as live verdicts show it. */
function courseByOthers(
	version: JudgingBasis,
	{ threshold }: RelationCalibration,
	rows: readonly CourseRow[]
): ExpectedCourse {
	const { sensorNames, deviation } = version.scaler;
	const detector = new MachineDetector('course', version);
	const times: number[] = [];
	const expected: number[][] = sensorNames.map(() => []);
	let before: Float32Array | undefined;
	for (const row of rows) {
		const { state, input } = detector.observe(row, before);
		before = input;
		if (state.deviations.length < sensorNames.length) continue;
		times.push(row.time);
		for (const { sensorName, expected: value } of state.deviations)
			expected[sensorNames.indexOf(sensorName)]!.push(value);
	}
	return {
		times: Float64Array.from(times),
		expected: expected.map((column) => Float64Array.from(column)),
		band: deviation.map((one, i) => one * threshold[i]!)
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
