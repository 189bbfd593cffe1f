/**
 * Prognostics: time to failure by likeness to lives that ended in failure. In: how a machine's score and the sensors' parts in it went,
 * and a library of such lives. Out: a distribution of the time to failure, and how likely it is that none of these faults is at work.
 *
 * Similarity-based prognosis after Wang, Yu, Siegel & Lee 2008, "A similarity-based prognostics approach for remaining useful life
 * estimation of engineered systems" (PHM'08), made Bayesian: a hypothesis is (life, share of the way gone, length of the way); its
 * likelihood is how well that life, stretched to that length, passes through what was seen. Length is expected to be about what the
 * library's lives took, with some weight on every other: minutes in a demonstration, months in a plant.
 */
import type { EpochMs, FailureLibrary } from '../../contracts';

const hourMs = 3_600_000;
/** Stretches of the past that are compared: short ones now, long ones long ago. */
const stretches = 20;
const shares = 32;
const lengths = 36;
/** Shortest and longest way to failure, hours. */
const lengthHours: readonly [number, number] = [0.2, 100 * 24];
/** Neighbouring stretches err alike, and no machine is quite like another: evidence counts this much. */
const temper = 0.2;
/** A stray value says no more than this many squared deviations. */
const mostSquared = 16;
/** What is between machines of a class, in the logarithm that paths are in; added to the spread of a look. */
const betweenMachines = 0.25;
/** Faults begin at any time, about this often in a machine's running: the longer one takes, the likelier it is under way. */
/** How much lengths may differ, in the logarithm, at the least; and the share left to all others. */
const leastLengthSpread = 0.4;
const otherLengths = 0.05;
const onsetEveryHours = 30 * 24;
/** Mean squared deviation of the best hypothesis above which the library knows nothing like it. */
const mostMisfit = 6;

const lengthOf = (l: number) => lengthHours[0] * (lengthHours[1] / lengthHours[0]) ** (l / (lengths - 1));

/** [1 + sensors]: ln(score), then each sensor's part of it; NaN where not known. */
export interface PathPoint {
	readonly time: EpochMs;
	readonly path: Float64Array;
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

/** What a score and a sensor's share in it are in a path. */
export function pathOf(score: number, shares: ArrayLike<number>): Float64Array {
	const path = new Float64Array(1 + shares.length);
	path[0] = Math.log(Math.max(0.05, score));
	for (let i = 0; i < shares.length; i++) path[1 + i] = Math.log(0.5 + score * Math.sqrt(shares[i]!));
	return path;
}

/** `points` oldest first, the last one being now. */
export function matchFailures(library: FailureLibrary, points: readonly PathPoint[]): FailureMatch {
	const width = library.normal.length;
	const seen = stretchesOf(points, width);
	const variance = library.spread.map((spread) => spread * spread + betweenMachines * betweenMachines);
	const count = library.points;
	const distance = (path: ArrayLike<number>, at: number, mean: Float64Array) => {
		let [sum, dims] = [0, 0];
		for (let d = 0; d < width; d++) {
			const value = mean[d]!;
			if (Number.isNaN(value)) continue;
			const off = value - path[at + d]!;
			sum += Math.min(mostSquared, (off * off) / variance[d]!);
			dims++;
		}
		return dims === 0 ? 0 : sum / Math.sqrt(dims);
	};
	const normal = seen.map(({ mean }) => distance(library.normal, 0, mean));
	const none = normal.reduce((sum, value) => sum + value, 0);
	const size = library.lives.length * lengths * shares;
	const logs = new Float64Array(size);
	const hours = new Float64Array(size);
	let least = none;
	let h = 0;
	const apart = new Float64Array(seen.length * count);
	for (const { path } of library.lives) {
		seen.forEach(({ mean }, k) => {
			for (let p = 0; p < count; p++) apart[k * count + p] = distance(path, p * width, mean);
		});
		for (let l = 0; l < lengths; l++) {
			const length = lengthOf(l);
			for (let u = 0; u < shares; u++) {
				const share = (u + 1) / shares;
				let sum = 0;
				for (let k = 0; k < seen.length; k++) {
					const at = (share - seen[k]!.ageHours / length) * (count - 1);
					if (at <= 0) sum += normal[k]!;
					else {
						const low = Math.min(count - 2, Math.floor(at));
						const from = apart[k * count + low]!;
						sum += from + (apart[k * count + low + 1]! - from) * (at - low);
					}
				}
				if (sum < least) least = sum;
				logs[h] = (-temper * sum) / 2;
				hours[h++] = (1 - share) * length;
			}
		}
	}
	const top = (-temper * least) / 2;
	const prior = lengthPrior(library).map((p, l) => (p * lengthOf(l)) / onsetEveryHours / (size / lengths));
	let all = 0;
	const weight = logs.map((log, i) => prior[Math.floor(i / shares) % lengths]! * Math.exp(log - top));
	for (const value of weight) all += value;
	const quiet = Math.exp((-temper * none) / 2 - top);
	const order = Array.from(hours.keys())
		.filter((i) => weight[i]! > 1e-5 * all)
		.sort((a, b) => hours[a]! - hours[b]!);
	const kept = order.reduce((sum, i) => sum + weight[i]!, 0) || 1;
	const byFault = new Map<string, number>();
	for (const i of order) {
		const { fault } = library.lives[Math.floor(i / (lengths * shares))]!;
		byFault.set(fault, (byFault.get(fault) ?? 0) + weight[i]! / kept);
	}
	return {
		faulty: all / (all + quiet),
		hours: Float64Array.from(order, (i) => hours[i]!),
		weights: Float64Array.from(order, (i) => weight[i]! / kept),
		faults: [...byFault]
			.map(([fault, probability]) => ({ fault, probability }))
			.sort((a, b) => b.probability - a.probability),
		known: least / seen.length / Math.sqrt(width) <= mostMisfit
	};
}

/** Per length, summing to 1: about as long as the library's lives took, and a little of everything. */
function lengthPrior({ lives }: FailureLibrary): number[] {
	const logs = lives.map(({ hours }) => Math.log(hours));
	const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
	const deviation = Math.max(
		leastLengthSpread,
		Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length)
	);
	const bell = Array.from({ length: lengths }, (_, l) =>
		Math.exp(-(((Math.log(lengthOf(l)) - mean) / deviation) ** 2) / 2)
	);
	const total = bell.reduce((sum, value) => sum + value, 0);
	return bell.map((value) => ((1 - otherLengths) * value) / total + otherLengths / lengths);
}

interface Stretch {
	/** Of its middle. */
	readonly ageHours: number;
	readonly mean: Float64Array;
}

/** Edges go back with the square of their number: the last twentieth of the past makes a fifth of the stretches. */
function stretchesOf(points: readonly PathPoint[], width: number): Stretch[] {
	const now = points.at(-1)!.time;
	const span = Math.max(1, now - points[0]!.time);
	const sums = Array.from({ length: stretches }, () => ({
		age: 0,
		points: 0,
		sum: new Float64Array(width),
		count: new Uint32Array(width)
	}));
	for (const { time, path } of points) {
		const k = Math.min(stretches - 1, Math.floor(Math.sqrt((now - time) / span) * stretches));
		const into = sums[k]!;
		into.age += (now - time) / hourMs;
		into.points++;
		for (let d = 0; d < width; d++) {
			const value = path[d]!;
			if (Number.isNaN(value)) continue;
			into.sum[d]! += value;
			into.count[d]!++;
		}
	}
	return sums
		.filter((one) => one.points > 0)
		.map(({ age, points: n, sum, count }) => ({ ageHours: age / n, mean: sum.map((value, d) => value / count[d]!) }));
}
