/**
 * State Detection: what a member's residual rows look like in normal running.
 *
 * In: unbroken stretches of residual rows. Out: noise, drift, covariances and thresholds. Nobody sets a knob: the margins follow
 * from how much data there is and from the false-alarm rate chosen.
 */
import { MillwrightError, type SensorKind, type WatchCalibration } from '../../contracts';
import { paretoLevel } from '../thresholds/threshold';
import { MovingLevel } from './moving-level';
import { invert, quadraticForm } from './symmetric-matrix';

export interface ResidualStretch {
	readonly rows: number;
	/** Row-major [rows, sensors], scaled. */
	readonly values: Float32Array;
}

/** Rows of the moving means: a large fault shows in the short one, a small one in the long one. */
export const watchWindows: readonly number[] = [5, 15, 30, 60];
/** Rows at the start of a stretch that are not judged: the longest window is filling. */
export const watchWarmUp = 60;
const driftWindow = 30;
const driftLags = [60, 120, 180];
/** Of the drift seen, the share that the level follows; all of it and a slow fault would be learnt as it comes. */
const followedDrift = 0.2;
/** Weight of the diagonal at 400 rows: few independent means tell little of how sensors move together. */
const shrinkage = (rows: number) => Math.min(0.25, 100 / rows);
/** Thresholds are this many times the 99.9th percentile: twice at 400 rows, less with more. */
const margin = (rows: number) => 1 + Math.sqrt(400 / Math.max(rows, 100));
/** Below this many rows a tail cannot be fitted. */
const tailRows = 2000;
/** Heat moves in tens of minutes: of a temperature that has travelled, a shorter span does not show where it may go. */
const thermalSpanMs = 3_600_000;
const thermalAllowance = 10;
const weekMs = 7 * 24 * 3_600_000;

export interface WatchOptions {
	readonly kinds: readonly SensorKind[];
	readonly stepMs: number;
	readonly falseAlarmsPerWeek: number;
}

/** Throws `not-enough-data` when no stretch is longer than the warm-up by 60 rows. */
export function learnWatch(all: readonly ResidualStretch[], options: WatchOptions): WatchCalibration {
	const sensors = options.kinds.length;
	const stretches = all.filter(({ rows }) => rows >= watchWarmUp + 60);
	const total = stretches.reduce((sum, { rows }) => sum + rows, 0);
	if (total === 0)
		throw new MillwrightError(
			'not-enough-data',
			`Gaps leave no stretch of ${watchWarmUp + 60} rows to learn normal running from`
		);
	const noise = learnNoise(stretches, sensors);
	const diffusion = learnDiffusion(stretches, noise);
	const start = firstLevel(stretches[0]!, sensors);

	const deviations = watchWindows.map(() => [] as Float64Array[]);
	const level = new MovingLevel(
		watchWindows,
		{ noise, diffusion },
		start,
		noise.map((value) => value / 30)
	);
	for (const stretch of stretches) {
		level.forgetRows();
		for (let r = 0; r < stretch.rows; r++) {
			level.take(stretch.values.subarray(r * sensors, (r + 1) * sensors));
			if (r >= watchWarmUp)
				level.means.forEach((mean, w) => deviations[w]!.push(mean.map((value, i) => value - level.level[i]!)));
			level.pass(true);
		}
	}
	const spanMs = total * options.stepMs;
	const allowance = thermalAllowance * Math.max(0, 1 - spanMs / thermalSpanMs);
	const travelled = levelTravel(stretches, sensors);
	const covariance = deviations.map((rows) => {
		const matrix = secondMoment(rows, sensors, shrinkage(total));
		options.kinds.forEach((kind, i) => {
			const allowed = kind === 'temperature' ? allowance * Math.min(1, 2 * travelled[i]!) : 0;
			matrix[i * sensors + i]! += 1e-6 + allowed * allowed;
		});
		return matrix;
	});
	const thresholds = deviations.map((rows, w) => {
		const inverse = invert(covariance[w]!, sensors);
		const distances = Float64Array.from(rows, (row) => Math.sqrt(quadraticForm(inverse, row)));
		const share = (options.falseAlarmsPerWeek * options.stepMs * watchWindows[w]!) / weekMs;
		return thresholdOf(distances, share) * margin(total);
	});
	return {
		windows: watchWindows,
		covariance: covariance.map((matrix) => [...matrix]),
		thresholds,
		level: [...level.level],
		levelVariance: [...level.variance],
		noise,
		diffusion
	};
}

/** The 99.9th percentile, or where it lies higher and there is data for it, the tail's level at the chosen share of rows. */
function thresholdOf(distances: Float64Array, share: number): number {
	const sorted = Float64Array.from(distances).sort();
	const high = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.999))]!;
	if (distances.length < tailRows) return Math.max(high, 1e-6);
	const tail = paretoLevel(distances, share);
	return Math.max(1e-6, Number.isNaN(tail) ? high : Math.min(1.5 * sorted[sorted.length - 1]!, Math.max(high, tail)));
}

/** How far each sensor's mean lies apart in the first and the last third of the span, in scaled units. */
function levelTravel(stretches: readonly ResidualStretch[], sensors: number): number[] {
	const total = stretches.reduce((sum, { rows }) => sum + rows, 0);
	const sums = [new Float64Array(sensors), new Float64Array(sensors)];
	const counts = [0, 0];
	let at = 0;
	for (const { rows, values } of stretches)
		for (let r = 0; r < rows; r++, at++) {
			const part = at < total / 3 ? 0 : at >= (2 * total) / 3 ? 1 : undefined;
			if (part === undefined) continue;
			counts[part]!++;
			for (let i = 0; i < sensors; i++) sums[part]![i]! += values[r * sensors + i]!;
		}
	return Array.from({ length: sensors }, (_, i) => Math.abs(sums[1]![i]! / counts[1]! - sums[0]![i]! / counts[0]!));
}

/** Variance of a row around its level: half that of the change from row to row. */
function learnNoise(stretches: readonly ResidualStretch[], sensors: number): number[] {
	const sums = new Float64Array(sensors);
	let count = 0;
	for (const { rows, values } of stretches)
		for (let r = 1; r < rows; r++, count++)
			for (let i = 0; i < sensors; i++) sums[i]! += (values[r * sensors + i]! - values[(r - 1) * sensors + i]!) ** 2;
	return Array.from(sums, (sum) => Math.max(1e-4, sum / count / 2));
}

/** Growth of a level's variance per row, from how far moving means travel over lags (structure function) beyond their noise. */
function learnDiffusion(stretches: readonly ResidualStretch[], noise: readonly number[]): number[] {
	const sensors = noise.length;
	const most = new Array<number>(sensors).fill(0);
	for (const lag of driftLags) {
		const sums = new Float64Array(sensors);
		let count = 0;
		for (const stretch of stretches) {
			const means = movingMeans(stretch, sensors, driftWindow);
			const rows = stretch.rows - driftWindow + 1;
			for (let r = lag; r < rows; r++, count++)
				for (let i = 0; i < sensors; i++) sums[i]! += (means[r * sensors + i]! - means[(r - lag) * sensors + i]!) ** 2;
		}
		if (count === 0) continue;
		for (let i = 0; i < sensors; i++)
			most[i] = Math.max(most[i]!, (sums[i]! / count - (2 * noise[i]!) / driftWindow) / lag);
	}
	return most.map((value) => value * followedDrift);
}

function movingMeans({ rows, values }: ResidualStretch, sensors: number, width: number): Float64Array {
	const means = new Float64Array(Math.max(0, rows - width + 1) * sensors);
	const sum = new Float64Array(sensors);
	for (let r = 0; r < rows; r++)
		for (let i = 0; i < sensors; i++) {
			sum[i]! += values[r * sensors + i]! - (r >= width ? values[(r - width) * sensors + i]! : 0);
			if (r >= width - 1) means[(r - width + 1) * sensors + i] = sum[i]! / width;
		}
	return means;
}

function firstLevel({ values }: ResidualStretch, sensors: number): number[] {
	return Array.from({ length: sensors }, (_, i) => {
		let sum = 0;
		for (let r = 0; r < 30; r++) sum += values[r * sensors + i]!;
		return sum / 30;
	});
}

function secondMoment(rows: readonly Float64Array[], sensors: number, towardsDiagonal: number): Float64Array {
	const matrix = new Float64Array(sensors * sensors);
	for (const row of rows)
		for (let i = 0; i < sensors; i++) for (let j = 0; j <= i; j++) matrix[i * sensors + j]! += row[i]! * row[j]!;
	for (let i = 0; i < sensors; i++)
		for (let j = 0; j <= i; j++) {
			const value = (matrix[i * sensors + j]! / rows.length) * (i === j ? 1 : 1 - towardsDiagonal);
			matrix[i * sensors + j] = value;
			matrix[j * sensors + i] = value;
		}
	return matrix;
}
