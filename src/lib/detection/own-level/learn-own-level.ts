/**
 * State Detection: how far a healthy machine wanders from its own level.
 *
 * In: replays of held-back normal residuals, or of values in their place. Out: the own-level calibration, or undefined where there is too little data for it.
 */
import type { OwnLevelCalibration, OwnLevelStatistic } from '../../contracts';
import { learnSensorRelations, type ReplayRows } from './learn-sensor-relations';
import { OwnLevelDistance, OwnLevelTracker, leastRunning, widerAt, type OwnLevelPlan } from './own-level';
import { RunningShare } from './running-share';
import { learnTailLevel, learnThreshold } from '../thresholds/threshold';

const rowsOfPlan = { levelRows: 3600, delayRows: 240, warmUpRows: 360 };
/** Of a minute to a few, each sensor by itself and all together (they move with each other); a slower one for what hardly moves. */
const statistics = [
	{ smoothing: 0.02, together: false },
	{ smoothing: 0.008, together: false },
	{ smoothing: 0.003, together: false },
	{ smoothing: 0.008, together: true },
	{ smoothing: 0.003, together: true }
];
/** Machines that have run for less than these shares of the last quarter of an hour are told apart. */
const runningSteps = [0.985, 0.95, 0.85];
/** How far each of them wanders is read here, where few rows suffice. */
const widthShare = 0.995;
const leastForWidth = 500;
/** Weight of the covariance's diagonal. */
const shrinkage = 0.05;
/** Fewer rows with a level, in both replays, show too little of how far one wanders. */
const leastRows = 40_000;
/** All is replayed a second time with a gap this often: a level that begins anew, anywhere in a machine's day, has to be normal too. */
const gapEveryRows = 2400;
/** Of the smoothed deviations every so many are kept: neighbours say the same. */
const keepEvery = 10;
/** Spreads are measured where thresholds are: where so many deviations lie in a normal distribution (4e-7 of it beyond, as `learnThreshold` aims at). */
const tailDeviations = 5.07;
/** Each sensor has its own tail already, so nearly the largest of them counts. */
const power = 8;

/** `replay` visits the standardised, spike-free residuals of each judged row and the row, scaled; `begin` starts another machine. */
export function learnOwnLevel(sensors: number, replay: ReplayRows): OwnLevelCalibration | undefined {
	const plan: OwnLevelPlan = { ...rowsOfPlan, relations: learnSensorRelations(sensors, replay) };
	const tracker = new OwnLevelTracker(
		plan,
		statistics.map(({ smoothing }) => smoothing),
		sensors
	);
	const kept: KeptDeviation[][] = statistics.map(() => []);
	const running = new RunningShare();
	let rows = 0;
	for (const restartRows of [Number.POSITIVE_INFINITY, gapEveryRows]) {
		let sinceStart = 0;
		const restart = () => {
			tracker.reset();
			running.reset();
			sinceStart = 0;
		};
		replay((residuals, scaled, stopped) => {
			if (residuals && sinceStart++ === restartRows) restart();
			running.notice(stopped);
			tracker.notice(scaled);
			if (!residuals) return;
			tracker.update(residuals, scaled, true);
			if (!tracker.ready || running.value < leastRunning || rows++ % keepEvery !== 0) return;
			tracker.deviations.forEach((deviation, k) =>
				kept[k]!.push({ deviation: deviation.slice(), running: running.value })
			);
		}, restart);
	}
	if (rows < leastRows) return undefined;
	return {
		...plan,
		statistics: statistics.map(({ smoothing, together }, k): OwnLevelStatistic => {
			const afterStanding = learnWidths(kept[k]!, sensors);
			const narrowed = kept[k]!.map(({ deviation, running: share }) => {
				const wider = widerAt(afterStanding, share);
				return wider ? deviation.map((value, i) => value / wider[i]!) : deviation;
			});
			const unfinished: OwnLevelStatistic = {
				smoothing,
				afterStanding,
				deviation: tailSpread(narrowed, sensors, smoothing * keepEvery),
				...(together ? { covariance: covarianceOf(narrowed, sensors) } : { power }),
				threshold: 1
			};
			const distance = new OwnLevelDistance(unfinished);
			const levels = kept[k]!.map(({ deviation, running: share }) => distance.of(deviation, share));
			return { ...unfinished, threshold: learnThreshold(levels, smoothing * keepEvery) };
		})
	};
}

interface KeptDeviation {
	readonly deviation: Float64Array;
	readonly running: number;
}

/** How many times further sensors wander the less a machine has run lately; never less than with more running. */
function learnWidths(kept: readonly KeptDeviation[], sensors: number): OwnLevelStatistic['afterStanding'] & object {
	const reach = (from: number, below: number) => {
		const within = kept.filter(({ running }) => running >= from && running < below);
		if (within.length < leastForWidth) return undefined;
		return Array.from({ length: sensors }, (_, i) => {
			const sizes = Float64Array.from(within, ({ deviation }) => Math.abs(deviation[i]!)).sort();
			return Math.max(1e-6, sizes[Math.floor(sizes.length * widthShare)]!);
		});
	};
	const always = reach(runningSteps[0]!, Number.POSITIVE_INFINITY);
	let wider = new Array<number>(sensors).fill(1);
	return runningSteps.map((runningBelow, s) => {
		const here = always && reach(runningSteps[s + 1] ?? 0, runningBelow);
		if (here) wider = wider.map((before, i) => Math.max(before, here[i]! / always[i]!));
		return { runningBelow, wider };
	});
}

/** One sensor that wanders far now and then does not set the threshold of those that never do. */
function tailSpread(rows: readonly Float64Array[], sensors: number, smoothing: number): number[] {
	return Array.from({ length: sensors }, (_, i) => {
		const level = learnTailLevel(
			rows.map((row) => Math.abs(row[i]!)),
			smoothing
		);
		return Math.max(1e-3, level / tailDeviations);
	});
}

function covarianceOf(rows: readonly Float64Array[], sensors: number): number[] {
	const matrix = new Array<number>(sensors * sensors).fill(0);
	for (const row of rows)
		for (let i = 0; i < sensors; i++)
			for (let j = 0; j < sensors; j++)
				matrix[i * sensors + j]! += (row[i]! * row[j]! * (i === j ? 1 : 1 - shrinkage)) / rows.length;
	for (let i = 0; i < sensors; i++) matrix[i * (sensors + 1)]! += 1e-6;
	return matrix;
}
