/**
 * State Detection: how far a healthy machine wanders from its own level.
 *
 * In: replays of held-back normal residuals. Out: the own-level calibration, or undefined where there is too little data for it.
 */
import type { OwnLevelCalibration, OwnLevelStatistic } from '../contracts';
import { learnSensorRelations, type ReplayRows } from './learn-sensor-relations';
import { OwnLevelDistance, OwnLevelTracker, type OwnLevelPlan } from './own-level';
import { learnThreshold } from './threshold';

const rowsOfPlan = { levelRows: 3600, delayRows: 240, warmUpRows: 360 };
/** Of a few minutes, each sensor by itself and all together (they move with each other); a slower one for what hardly moves. */
const statistics = [
	{ smoothing: 0.008, together: false },
	{ smoothing: 0.003, together: false },
	{ smoothing: 0.008, together: true },
	{ smoothing: 0.003, together: true }
];
/** Four statistics more that may each raise a false alarm: each has to be rarer than one that judges alone. */
const margin = 1.1;
/** Weight of the covariance's diagonal. */
const shrinkage = 0.05;
/** Fewer rows with a level, in both replays, show too little of how far one wanders. */
const leastRows = 40_000;
/** All is replayed a second time with a gap this often: a level that begins anew, anywhere in a machine's day, has to be normal too. */
const gapEveryRows = 2400;
/** Of the smoothed deviations every so many are kept: neighbours say the same. */
const keepEvery = 10;
/** Where 3.3 deviations lie in a normal distribution: spreads are measured where thresholds are. */
const tailShare = 0.999;
const tailDeviations = 3.3;

/** `replay` visits the standardised, spike-free residuals of each judged row and the row, scaled; `begin` starts another machine. */
export function learnOwnLevel(sensors: number, replay: ReplayRows): OwnLevelCalibration | undefined {
	const plan: OwnLevelPlan = { ...rowsOfPlan, relations: learnSensorRelations(sensors, replay) };
	const tracker = new OwnLevelTracker(
		plan,
		statistics.map(({ smoothing }) => smoothing),
		sensors
	);
	const kept: Float64Array[][] = statistics.map(() => []);
	let rows = 0;
	for (const restartRows of [Number.POSITIVE_INFINITY, gapEveryRows]) {
		let sinceStart = 0;
		const restart = () => {
			tracker.reset();
			sinceStart = 0;
		};
		replay((residuals, scaled) => {
			if (sinceStart++ === restartRows) restart();
			tracker.update(residuals, scaled, true);
			if (!tracker.ready || rows++ % keepEvery !== 0) return;
			tracker.deviations.forEach((deviation, k) => kept[k]!.push(deviation.slice()));
		}, restart);
	}
	if (rows < leastRows) return undefined;
	return {
		...plan,
		statistics: statistics.map(({ smoothing, together }, k): OwnLevelStatistic => {
			const unfinished: OwnLevelStatistic = {
				smoothing,
				deviation: tailSpread(kept[k]!, sensors),
				...(together ? { covariance: covarianceOf(kept[k]!, sensors) } : {}),
				threshold: 1
			};
			const distance = new OwnLevelDistance(unfinished);
			const levels = kept[k]!.map((deviation) => distance.of(deviation));
			return { ...unfinished, threshold: margin * learnThreshold(levels, smoothing * keepEvery) };
		})
	};
}

function tailSpread(rows: readonly Float64Array[], sensors: number): number[] {
	return Array.from({ length: sensors }, (_, i) => {
		const sizes = Float64Array.from(rows, (row) => Math.abs(row[i]!)).sort();
		return Math.max(1e-3, sizes[Math.floor(sizes.length * tailShare)]! / tailDeviations);
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
