/**
 * State Detection: what normal residuals look like.
 *
 * In: rows of held-back normal running with what the network expected of each. Out: the calibration stored with the model:
 * residual spread, smoothed statistics and their thresholds, stop levels, jump limits, runs of equal values.
 */
import { loadKinds, MillwrightError, type Calibration, type ResidualStatistic, type SensorKind } from '../../contracts';
import { learnOwnLevel } from '../own-level/learn-own-level';
import { SpikeFreeRow } from '../own-level/own-values-watch';
import type { ReplayRows } from '../own-level/learn-sensor-relations';
import { ModeDetector, holdOffSteps, isStopped, jumpSpan } from '../modes/operating-mode';
import { ResidualTracker, combine, distanceOf, type StatisticKind } from '../residuals/residual-tracker';
import { learnThreshold } from './threshold';

/** Unbroken stretch of rows; all arrays row-major [rows, sensors]. `expected` is NaN where the network was warming up. */
export interface ScoredSegment {
	readonly rows: number;
	readonly own: Float32Array;
	readonly scaled: Float32Array;
	/** Scaled. */
	readonly expected: Float32Array;
}

/** Fast and slow bias, and unrest. The slow one needs enough rows to be known. */
const statisticKinds: readonly (StatisticKind & { readonly minimumRows: number })[] = [
	{ kind: 'bias', smoothing: 0.06, minimumRows: 0 },
	{ kind: 'bias', smoothing: 0.01, minimumRows: 2000 },
	{ kind: 'energy', smoothing: 0.03, minimumRows: 0 }
];

export const defaultWarmUpSteps = 20;

/** Levels below which a load sensor says "stopped": a tenth of its 99th percentile. Null for other sensors. */
export function learnStopLevels(kinds: readonly SensorKind[], rows: readonly ArrayLike<number>[]): (number | null)[] {
	return kinds.map((kind, i) => {
		if (!loadKinds.has(kind)) return null;
		const sizes = Float64Array.from(rows, (row) => Math.abs(row[i]!))
			.filter((value) => !Number.isNaN(value))
			.sort();
		const high = sizes[Math.floor(sizes.length * 0.99)] ?? 0;
		return high > 0 ? high * 0.1 : null;
	});
}

/** At most this share of the rows may be held off, or holding off protects nothing and hides much. */
const mostHeldOff = 0.4;

/**
 * Scaled size of a five-step change that normal steady running does not show: eight robust deviations, three times the
 * 90th percentile, at least 0.3. Undefined when the data has no such changes (nothing to protect) or is full of them.
 */
export function learnJumpLimits(
	segments: readonly Pick<ScoredSegment, 'rows' | 'scaled'>[],
	sensors: number
): number[] | undefined {
	const limits: number[] = [];
	for (let i = 0; i < sensors; i++) {
		const sizes: number[] = [];
		for (const segment of segments)
			for (let r = jumpSpan; r < segment.rows; r++)
				sizes.push(Math.abs(segment.scaled[r * sensors + i]! - segment.scaled[(r - jumpSpan) * sensors + i]!));
		const sorted = Float64Array.from(sizes).sort();
		const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
		limits.push(Math.max(0.3, 8 * 1.4826 * at(0.5), 3 * at(0.9)));
	}
	let rows = 0;
	let jumps = 0;
	let heldOff = 0;
	for (const segment of segments) {
		let since = holdOffSteps;
		for (let r = jumpSpan; r < segment.rows; r++) {
			rows++;
			since++;
			for (let i = 0; i < sensors; i++) {
				const change = segment.scaled[r * sensors + i]! - segment.scaled[(r - jumpSpan) * sensors + i]!;
				if (Math.abs(change) <= limits[i]!) continue;
				jumps++;
				since = 0;
				break;
			}
			if (since < holdOffSteps) heldOff++;
		}
	}
	return jumps >= 3 && heldOff < rows * mostHeldOff ? limits : undefined;
}

/**
 * How far each sensor's level may yet travel beyond what a short span showed, scaled units: the travel between its first and
 * last third, twice over for spans up to 750 rows, less for longer ones, in which the held-back part shows it.
 */
export function learnWander(rows: readonly ArrayLike<number>[], deviation: readonly number[]): number[] {
	const third = Math.floor(rows.length / 3);
	return deviation.map((scale, i) => {
		const level = (from: number, to: number) => {
			let sum = 0;
			let count = 0;
			for (let r = from; r < to; r++) {
				const value = rows[r]![i]!;
				if (Number.isNaN(value)) continue;
				sum += value;
				count++;
			}
			return sum / count;
		};
		const travel = Math.abs(level(rows.length - third, rows.length) - level(0, third)) / scale;
		return Number.isFinite(travel) ? travel * Math.min(2, 1500 / rows.length) : 0;
	});
}

/** Learns the calibration; `wander` as `learnWander` gives it. Throws `not-enough-data` with fewer than 30 judged rows. */
export function calibrate(
	segments: readonly ScoredSegment[],
	kinds: readonly SensorKind[],
	stoppedBelow: readonly (number | null)[],
	wander: readonly number[] = kinds.map(() => 0)
): Calibration {
	const sensors = kinds.length;
	const jumpLimit = learnJumpLimits(segments, sensors);
	const judged = segments.map((segment) => judgeRows(segment, sensors, { stoppedBelow, jumpLimit }));
	const rows = judged.reduce((sum, list) => sum + list.length, 0);
	if (rows < 30)
		throw new MillwrightError(
			'not-enough-data',
			`Only ${rows} ${rows === 1 ? 'row' : 'rows'} of steady running to calibrate on; 30 are needed`,
			{
				rows
			}
		);

	const { mean, deviation } = spreadOf(segments, judged, sensors);
	const chosen = statisticKinds.filter((kind) => rows >= kind.minimumRows);
	const standardised = new Float32Array(sensors);
	const replay = (
		visit: (tracker: ResidualTracker, settled: boolean, segment: number, row: number) => void,
		begin: (segment: number) => void = () => undefined
	) =>
		segments.forEach((segment, s) => {
			begin(s);
			const tracker = new ResidualTracker(chosen, sensors);
			let count = 0;
			for (const r of judged[s]!) {
				for (let i = 0; i < sensors; i++) {
					const at = r * sensors + i;
					standardised[i] = (segment.scaled[at]! - segment.expected[at]! - mean[i]!) / deviation[i]!;
				}
				tracker.update(standardised);
				visit(tracker, ++count > 20, s, r);
			}
		});

	const seen = chosen.map(() => Array.from({ length: sensors }, () => new Float32Array(rows)));
	let settledRows = 0;
	replay((tracker, settled) => {
		if (!settled) return;
		tracker.smoothed.forEach((values, k) => values.forEach((value, i) => (seen[k]![i]![settledRows] = value)));
		settledRows++;
	});
	const unfinished = chosen.map(({ kind, smoothing }, k): ResidualStatistic => {
		// White noise of unit variance gives this much after smoothing; real residuals give more, never less.
		const floor = Math.sqrt(smoothing / (2 - smoothing)) * (kind === 'energy' ? Math.SQRT2 : 0.75);
		const stats = seen[k]!.map((values) => normalSpread(values.subarray(0, settledRows), kind));
		return {
			kind,
			smoothing,
			mean: stats.map(({ average }) => average),
			deviation: stats.map(({ spread }, i) => {
				const allowed = wander[i]! / deviation[i]!;
				return kind === 'bias'
					? Math.hypot(Math.max(spread, floor), allowed)
					: Math.max(spread, floor) + allowed * allowed;
			}),
			threshold: 1
		};
	});
	const levels: number[][] = chosen.map(() => []);
	const distances = new Float64Array(sensors);
	replay((tracker, settled) => {
		if (!settled) return;
		unfinished.forEach((statistic, k) => {
			for (let i = 0; i < sensors; i++) distances[i] = distanceOf(statistic, i, tracker.smoothed[k]![i]!);
			levels[k]!.push(combine(distances));
		});
	});
	const statistics = unfinished.map((statistic, k) => ({
		...statistic,
		threshold: learnThreshold(levels[k]!, statistic.smoothing)
	}));
	const replayOwn: ReplayRows = (visit, begin) => {
		let next = 0;
		const scaledRow = (segment: number, row: number) =>
			segments[segment]!.scaled.subarray(row * sensors, (row + 1) * sensors);
		const stoppedAt = (segment: number, row: number) =>
			isStopped(stoppedBelow, segments[segment]!.own.subarray(row * sensors, (row + 1) * sensors));
		replay(
			(tracker, _, segment, row) => {
				for (; next < row; next++) visit(undefined, scaledRow(segment, next), stoppedAt(segment, next));
				visit(tracker.middle, scaledRow(segment, next++), false);
			},
			() => {
				next = 0;
				begin();
			}
		);
	};
	const ownLevel = learnOwnLevel(sensors, replayOwn);
	const ownValues = learnOwnLevel(sensors, valuesInstead(sensors, replayOwn));
	return {
		residualDeviation: deviation,
		residualMean: mean,
		smoothing: statistics[0]!.smoothing,
		threshold: statistics[0]!.threshold,
		statistics,
		longestRun: learnRuns(segments, sensors, stoppedBelow),
		stoppedBelow,
		jumpLimit,
		warmUpSteps: defaultWarmUpSteps,
		...(ownLevel ? { ownLevel } : {}),
		...(ownValues ? { ownValues } : {}),
		rows
	};
}

/** The same rows with the values themselves where the residuals are. */
function valuesInstead(sensors: number, replay: ReplayRows): ReplayRows {
	const spikeFree = new SpikeFreeRow(sensors);
	return (visit, begin) =>
		replay(
			(residuals, scaled, stopped) => {
				const values = spikeFree.take(scaled);
				visit(residuals && values, values, stopped);
			},
			() => {
				spikeFree.reset();
				begin();
			}
		);
}

/** Where three deviations and a third lie in a normal distribution. */
const tailShare = 0.999;
const tailDeviations = 3.3;
/** With fewer rows a quantile this far out is a guess. */
const tailRows = 5000;

/**
 * Normal mean and spread of one smoothed statistic. With enough rows the spread is measured where thresholds are, in the
 * tail, so that a sensor that wanders far now and then does not set the threshold for those that never do.
 */
function normalSpread(values: Float32Array, kind: ResidualStatistic['kind']): { average: number; spread: number } {
	let sum = 0;
	let squares = 0;
	for (const value of values) {
		sum += value;
		squares += value * value;
	}
	const n = Math.max(1, values.length);
	// A lasting bias on held-back data is no offset to subtract: it shows how far normal running wanders.
	const average = kind === 'bias' ? 0 : values.length > 0 ? sum / n : 1;
	const spread = Math.sqrt(Math.max(0, squares / n - average ** 2));
	if (values.length < tailRows) return { average, spread };
	const sizes = values.map((value) => (kind === 'bias' ? Math.abs(value) : value - average)).sort();
	return { average, spread: sizes[Math.floor(sizes.length * tailShare)]! / tailDeviations };
}

/** Indices of the rows of a segment whose residuals count: expected, and in a settled mode. */
function judgeRows(
	segment: ScoredSegment,
	sensors: number,
	calibration: Pick<Calibration, 'stoppedBelow' | 'jumpLimit'>
): number[] {
	const modes = new ModeDetector(calibration, sensors);
	const judged: number[] = [];
	for (let r = 0; r < segment.rows; r++) {
		const range = [r * sensors, (r + 1) * sensors] as const;
		const settled = modes.observe(segment.own.subarray(...range), segment.scaled.subarray(...range));
		if (settled && !Number.isNaN(segment.expected[r * sensors]!)) judged.push(r);
	}
	return judged;
}

function spreadOf(segments: readonly ScoredSegment[], judged: readonly number[][], sensors: number) {
	const mean = new Array<number>(sensors).fill(0);
	const deviation = new Array<number>(sensors).fill(0);
	for (let i = 0; i < sensors; i++) {
		const residuals: number[] = [];
		segments.forEach((segment, s) => {
			for (const r of judged[s]!) residuals.push(segment.scaled[r * sensors + i]! - segment.expected[r * sensors + i]!);
		});
		const variance = residuals.reduce((sum, value) => sum + value * value, 0) / residuals.length;
		mean[i] = 0;
		// Scaled units have deviation 1: below a hundredth of it a residual is no news, however constant the column.
		deviation[i] = Math.max(Math.sqrt(variance), 0.01);
	}
	return { mean, deviation };
}

/** Longest run of equal values while running; null when a sensor hardly ever changes in normal running. */
export function learnRuns(
	segments: readonly Pick<ScoredSegment, 'rows' | 'own'>[],
	sensors: number,
	stoppedBelow: readonly (number | null)[]
): (number | null)[] {
	const longest = new Array<number>(sensors).fill(1);
	let total = 0;
	for (const segment of segments) {
		const run = new Array<number>(sensors).fill(0);
		let previous: Float32Array | undefined;
		for (let r = 0; r < segment.rows; r++) {
			const row = segment.own.subarray(r * sensors, (r + 1) * sensors);
			if (isStopped(stoppedBelow, row)) {
				run.fill(0);
				previous = undefined;
				continue;
			}
			total++;
			for (let i = 0; i < sensors; i++) {
				run[i] = previous && previous[i] === row[i] ? run[i]! + 1 : 1;
				longest[i] = Math.max(longest[i]!, run[i]!);
			}
			previous = row;
		}
	}
	return longest.map((run) => (run > Math.max(20, total * 0.02) ? null : run));
}
