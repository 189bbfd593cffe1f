/**
 * What each fault of a class does to the levels of the sensors on its way to failure. In: recorded lives. Out: a `FailureLibrary`
 * without its calibration: mean course of each fault, how lives differ from it, and what is noise.
 */
import type { FailureLibrary, FaultCourse, ModelVersion } from '../src/lib/contracts';
import { averagedRows, beginningOf, type LevelPoint } from '../src/lib/prognostics';
import { fitLevels } from './fit-levels';
import { averagedLevels, type RecordedLife } from './recorded-lives';
import { rowMs } from './simulated-lives';

const hourMs = 3_600_000;
const points = 40;
/** Neighbouring places count with this width: a life has few averages at each. */
const kernelPlaces = 1;
/** Lives of one fault are few: its covariance is mixed with that of all faults, which counts as so many lives. */
const sharedLives = 4;
/** Added to variances: what no life has shown. */
const leastVariance = 0.01;

export function learnCourses(
	lives: readonly RecordedLife[],
	{ id, scaler }: ModelVersion,
	description: string
): FailureLibrary {
	const { sensorNames } = scaler;
	const sensors = 2 * sensorNames.length;
	const expectation = fitLevels(lives, { mean: [...scaler.mean], deviation: [...scaler.deviation] });
	const seen = lives.map((life) => ({
		plan: life.plan,
		levels: averagedLevels(life, expectation, averagedRows * rowMs)
	}));
	const normal = seen.map(({ plan, levels }) => levels.filter(({ time }) => time < (plan.onset ?? Infinity)));
	const means = normal.map((part) => meanOf(part, sensors));
	const between = deviationOf(means, sensors);
	const begun = seen.map(({ levels }) => beginningOf(between, levels));
	const quiet = normal.flatMap((part, i) => part.map(({ levels }) => levels.map((value, d) => value - begun[i]![d]!)));
	const failed = seen.flatMap(({ plan, levels }, i) =>
		plan.fault === undefined
			? []
			: [
					{
						fault: plan.fault,
						hours: (plan.failure! - plan.onset!) / hourMs,
						course: levels
							.filter(({ time }) => time >= plan.onset!)
							.map(({ time, levels: at }) => ({
								share: (time - plan.onset!) / (plan.failure! - plan.onset!),
								levels: at.map((value, d) => value - begun[i]![d]!)
							}))
					}
				]
	);
	const names = [...new Set(failed.map(({ fault }) => fault))];
	const courses = names.map((fault) =>
		courseOf(
			failed.filter((life) => life.fault === fault).map(({ course }) => course),
			sensors
		)
	);
	const shared = covarianceOf(
		courses.flatMap(({ strays }) => strays),
		sensors
	);
	return {
		format: 3,
		modelId: id,
		sensorNames,
		expectation,
		covariance: covarianceOf(quiet, sensors).map(four),
		between: between.map(three),
		points,
		faults: courses.map(({ path, strays, lives: count }, f): FaultCourse => ({
			fault: names[f]!,
			lives: count,
			path: Array.from(path, three),
			covariance: covarianceOf(strays, sensors).map((value, i) =>
				four((value * count + shared[i]! * sharedLives) / (count + sharedLives))
			)
		})),
		lifeHours: failed.map(({ hours }) => Math.round(hours)),
		lives: failed.length,
		description
	};
}

/** A life from the fault's beginning on. */
type Course = readonly { readonly share: number; readonly levels: Float64Array }[];

/** The mean course of some lives, and how they stray from it. */
function courseOf(lives: readonly Course[], sensors: number) {
	const path = new Float64Array(points * sensors);
	const own = lives.map((course) => smoothed(course, sensors));
	for (let i = 0; i < path.length; i++) path[i] = own.reduce((sum, one) => sum + one[i]!, 0) / own.length;
	const strays = lives.flatMap((course) =>
		course.map(({ share, levels }) => {
			const at = Math.max(0, Math.min(points - 1.001, share * (points - 1)));
			const low = Math.floor(at) * sensors;
			return levels.map((value, d) => {
				const from = path[low + d]!;
				return value - from - (path[low + sensors + d]! - from) * (at - Math.floor(at));
			});
		})
	);
	return { path, strays, lives: lives.length };
}

/** [points, sensors]: one life's levels along its way. */
function smoothed(course: Course, sensors: number): Float64Array {
	const path = new Float64Array(points * sensors);
	for (let p = 0; p < points; p++) {
		let weights = 0;
		const sum = new Float64Array(sensors);
		for (const { share, levels } of course) {
			const weight = Math.exp(-(((share * (points - 1) - p) / kernelPlaces) ** 2) / 2);
			weights += weight;
			for (let d = 0; d < sensors; d++) sum[d]! += weight * levels[d]!;
		}
		for (let d = 0; d < sensors; d++) path[p * sensors + d] = weights > 0 ? sum[d]! / weights : 0;
	}
	return path;
}

/** Of deviations from what is expected: lower triangle, row by row. */
function covarianceOf(rows: readonly Float64Array[], sensors: number): number[] {
	const sums: number[] = [];
	for (let i = 0; i < sensors; i++)
		for (let j = 0; j <= i; j++)
			sums.push(rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0) / rows.length + (i === j ? leastVariance : 0));
	return sums;
}

function meanOf(part: readonly LevelPoint[], sensors: number): Float64Array {
	const mean = new Float64Array(sensors);
	for (const { levels } of part) for (let d = 0; d < sensors; d++) mean[d]! += levels[d]! / part.length;
	return mean;
}

function deviationOf(rows: readonly Float64Array[], sensors: number): number[] {
	return Array.from({ length: sensors }, (_, d) => {
		const mean = rows.reduce((sum, row) => sum + row[d]!, 0) / rows.length;
		return Math.sqrt(rows.reduce((sum, row) => sum + (row[d]! - mean) ** 2, 0) / rows.length);
	});
}

const three = (value: number) => Number(value.toFixed(3));
const four = (value: number) => Number(value.toPrecision(4));
