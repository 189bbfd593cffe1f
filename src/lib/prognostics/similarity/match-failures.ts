/**
 * Prognostics: time to failure by likeness to lives that ended in failure. In: how the levels of a machine's sensors went, and what each fault
 * does to them on its way. Out: a distribution of the time to failure, and how likely it is that none of these faults is at work.
 *
 * Similarity-based prognosis after Wang, Yu, Siegel & Lee 2008, "A similarity-based prognostics approach for remaining useful life
 * estimation of engineered systems" (PHM'08), made Bayesian: a hypothesis is (fault, share of the way gone, length of the way); its
 * likelihood is how well that fault's course, stretched to that length, passes through what was seen. Lengths are expected as often as known lives
 * took them, fast ones no less than others, with some weight on every other: minutes in a demonstration, months in a plant.
 */
import type { EpochMs, FailureLibrary } from '../../contracts';
import type { ScorePoint } from '../score-history';

const hourMs = 3_600_000;
/** Stretches of the past that are compared: short ones now, long ones long ago. */
const stretches = 20;
const shares = 48;
const lengths = 64;
/** Shortest and longest way to failure, hours. */
const lengthHours: readonly [number, number] = [0.2, 100 * 24];
/** Neighbouring stretches err alike, and no machine is quite like another: evidence counts this much. */
const matching = { temper: 0.15, mostSquared: 12, averaging: 0.35, alike: 0.2 };
/** Faults begin at any time, about this often in a machine's running: the longer one takes, the likelier it is under way. */
const onsetEveryHours = 30 * 24;
/** A length is expected about as near as this to one that was seen, in the logarithm, at the least; and the share left to all others. */
const leastBandwidth = 0.1;
const otherLengths = 0.05;
/** A machine's own beginning: this part of what was seen, up to so many hours; and how far from its kind it may lie, in deviations. */
const beginningPart = 0.25;
export const beginningHours = 60;
const mostBetween = 2.5;
/** Rows whose mean the covariances are of. */
export const averagedRows = 10;
/** Mean squared deviation of the best hypothesis above which nothing known is like it. */
const mostMisfit = 5;

const lengthOf = (l: number) => lengthHours[0] * (lengthHours[1] / lengthHours[0]) ** (l / (lengths - 1));

/** Mean levels of some rows. */
export interface LevelPoint {
	readonly time: EpochMs;
	/** Rows averaged. */
	readonly rows: number;
	readonly levels: Float64Array;
}

/** Points of a history that tell of levels. */
export function levelPoints(points: readonly ScorePoint[]): LevelPoint[] {
	return points.flatMap(({ time, levels, levelRows }) => (levels ? [{ time, levels, rows: levelRows }] : []));
}

export interface FailureMatch {
	/** Probability that a known fault is at work. */
	readonly faulty: number;
	/** Ascending hours to failure with their weights, given that one is; weights sum to 1. */
	readonly hours: Float64Array;
	readonly weights: Float64Array;
	/** Faults by probability, given that one is at work; likeliest first. */
	readonly faults: readonly { readonly fault: string; readonly probability: number }[];
	/** False when no hypothesis passes near what was seen. */
	readonly known: boolean;
}

/** Variance of a mean of `rows` rows over that of ten: load lasts for hours and one life differs from another, so that averaging helps little. */
const averagedVariance = (rows: number) =>
	((averagedRows / Math.max(averagedRows, rows)) ** matching.averaging + matching.alike) / (1 + matching.alike);

/** [sensors]: where this machine stood when watching began, as far as machines of its kind differ. */
export function beginningOf(between: ArrayLike<number>, points: readonly LevelPoint[]): Float64Array {
	const first = points[0]!.time;
	const to = first + Math.min(beginningHours * hourMs, beginningPart * (points.at(-1)!.time - first));
	const levels = new Float64Array(between.length);
	let rows = 0;
	for (const point of points) {
		if (point.time > to && rows > 0) break;
		rows += point.rows;
		for (let d = 0; d < levels.length; d++) levels[d]! += point.rows * point.levels[d]!;
	}
	for (let d = 0; d < levels.length; d++) {
		const most = mostBetween * between[d]!;
		levels[d] = Math.max(-most, Math.min(most, levels[d]! / rows));
	}
	return levels;
}

/** `points` oldest first; ages and hours count from `now`: the last average is of some time ago. */
export function matchFailures(library: FailureLibrary, points: readonly LevelPoint[], now: EpochMs): FailureMatch {
	const beginning = beginningOf(library.between, points);
	const seen = stretchesOf(points, beginning, now);
	const count = library.points;
	const normal = fitsTo(library.covariance, seen, new Float64Array(beginning.length), 1);
	const none = normal.reduce((sum, { logs }) => sum + logs[0]!, 0);
	const prior = lengthPrior(library);
	const size = library.faults.length * lengths * shares;
	const logs = new Float64Array(size);
	const hours = new Float64Array(size);
	let leastSquares = normal.reduce((sum, { squares }) => sum + squares[0]!, 0);
	let h = 0;
	for (const { path, covariance } of library.faults) {
		const apart = fitsTo(covariance, seen, path, count);
		for (let l = 0; l < lengths; l++) {
			const length = lengthOf(l);
			const before = Math.log((prior[l]! * length) / onsetEveryHours / (library.faults.length * shares));
			for (let u = 0; u < shares; u++) {
				const share = (u + 0.5) / shares;
				let sum = before;
				let squares = 0;
				for (let k = 0; k < seen.length; k++) {
					const at = (share - seen[k]!.ageHours / length) * (count - 1);
					if (at <= 0) {
						sum += normal[k]!.logs[0]!;
						squares += normal[k]!.squares[0]!;
					} else {
						const low = Math.min(count - 2, Math.floor(at));
						const fits = apart[k]!;
						const from = fits.logs[low]!;
						sum += from + (fits.logs[low + 1]! - from) * (at - low);
						squares += fits.squares[low]!;
					}
				}
				if (squares < leastSquares) leastSquares = squares;
				logs[h] = sum;
				hours[h++] = (1 - share) * length;
			}
		}
	}
	const top = logs.reduce((most, log) => Math.max(most, log), none);
	const weight = logs.map((log) => Math.exp(log - top));
	let all = 0;
	for (const value of weight) all += value;
	const order = Array.from(hours.keys())
		.filter((i) => weight[i]! > 1e-6 * all)
		.sort((a, b) => hours[a]! - hours[b]!);
	const kept = order.reduce((sum, i) => sum + weight[i]!, 0) || 1;
	const byFault = library.faults.map(() => 0);
	for (const i of order) byFault[Math.floor(i / (lengths * shares))]! += weight[i]! / kept;
	return {
		faulty: all / (all + Math.exp(none - top)),
		hours: Float64Array.from(order, (i) => hours[i]!),
		weights: Float64Array.from(order, (i) => weight[i]! / kept),
		faults: library.faults
			.map(({ fault }, f) => ({ fault, probability: byFault[f]! }))
			.filter(({ probability }) => probability > 0)
			.sort((a, b) => b.probability - a.probability),
		known: leastSquares / seen.length / beginning.length <= mostMisfit
	};
}

interface Fits {
	/** [places]: tempered log-likelihood of a stretch at each place of a course, and its squared deviation. */
	readonly logs: Float64Array;
	readonly squares: Float64Array;
}

/** How well each stretch fits each place of a course, row-major [places, sensors]. */
function fitsTo(
	triangle: ArrayLike<number>,
	seen: readonly Stretch[],
	path: ArrayLike<number>,
	places: number
): Fits[] {
	const { temper, mostSquared } = matching;
	const n = seen[0]!.mean.length;
	const factor = choleskyOf(triangle, n);
	let logDeterminant = 0;
	for (let i = 0; i < n; i++) logDeterminant += 2 * Math.log(factor[i * n + i]!);
	const course = Float64Array.from({ length: places * n }, (_, i) => path[i]!);
	for (let p = 0; p < places; p++) whiten(factor, n, course.subarray(p * n, (p + 1) * n));
	return seen.map(({ mean, rows }) => {
		const here = whiten(factor, n, mean.slice());
		const variance = averagedVariance(rows);
		const logs = new Float64Array(places);
		const squares = new Float64Array(places);
		for (let p = 0; p < places; p++) {
			let sum = 0;
			for (let d = 0; d < n; d++) {
				const off = here[d]! - course[p * n + d]!;
				sum += Math.min(mostSquared, (off * off) / variance);
			}
			squares[p] = sum;
			logs[p] = (-temper * (sum + n * Math.log(variance) + logDeterminant)) / 2;
		}
		return { logs, squares };
	});
}

/** Lower factor of a covariance given as its lower triangle. */
function choleskyOf(triangle: ArrayLike<number>, n: number): Float64Array {
	const factor = new Float64Array(n * n);
	for (let i = 0, at = 0; i < n; i++)
		for (let j = 0; j <= i; j++, at++) {
			let sum = triangle[at]!;
			for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
			factor[i * n + j] = i === j ? Math.sqrt(Math.max(1e-6, sum)) : sum / factor[j * n + j]!;
		}
	return factor;
}

/** In place: what has this covariance becomes uncorrelated with variance 1. */
function whiten(factor: Float64Array, n: number, values: Float64Array): Float64Array {
	for (let i = 0; i < n; i++) {
		let sum = values[i]!;
		for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * values[k]!;
		values[i] = sum / factor[i * n + i]!;
	}
	return values;
}

/**
 * Per length, summing to 1: as often as known lives took it, and a little of everything. A kernel density with Silverman's bandwidth (1986,
 * "Density Estimation", 3.31): one bell over all lives would make the fastest of them rare.
 */
function lengthPrior({ lifeHours }: FailureLibrary): number[] {
	const logs = lifeHours.map(Math.log);
	const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
	const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length);
	const bandwidth = Math.max(leastBandwidth, 0.9 * deviation * logs.length ** -0.2);
	const density = Array.from({ length: lengths }, (_, l) =>
		logs.reduce((sum, log) => sum + Math.exp(-(((Math.log(lengthOf(l)) - log) / bandwidth) ** 2) / 2), 0)
	);
	const total = density.reduce((sum, value) => sum + value, 0);
	return density.map((value) => ((1 - otherLengths) * value) / total + otherLengths / lengths);
}

interface Stretch {
	/** Of its middle. */
	readonly ageHours: number;
	readonly rows: number;
	/** Less how the machine began. */
	readonly mean: Float64Array;
}

/** Edges go back with the square of their number: the last twentieth of the past makes a fifth of the stretches. */
function stretchesOf(points: readonly LevelPoint[], beginning: Float64Array, now: EpochMs): Stretch[] {
	const last = points.at(-1)!.time;
	const span = Math.max(1, last - points[0]!.time);
	const sums = Array.from({ length: stretches }, () => ({
		age: 0,
		points: 0,
		rows: 0,
		sum: new Float64Array(beginning.length)
	}));
	for (const { time, rows, levels } of points) {
		const into = sums[Math.min(stretches - 1, Math.floor(Math.sqrt((last - time) / span) * stretches))]!;
		into.age += (now - time) / hourMs;
		into.points++;
		into.rows += rows;
		for (let d = 0; d < levels.length; d++) into.sum[d]! += rows * levels[d]!;
	}
	return sums
		.filter((one) => one.points > 0)
		.map(({ age, points: n, rows, sum }) => ({
			ageHours: age / n,
			rows,
			mean: sum.map((value, d) => value / rows - beginning[d]!)
		}));
}
