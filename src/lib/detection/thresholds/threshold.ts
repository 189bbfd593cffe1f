/**
 * State Detection: the level that normal running does not reach.
 *
 * In: a statistic over held-back normal data. Out: a threshold, by extreme-value theory where there is data for it, with a
 * margin that grows as the data gets shorter. Nobody has to set a knob.
 */
import { fitPareto, paretoQuantile } from './pareto-tail';

/** Chance per step of crossing the threshold in normal running that the tail fit aims at: less than one in a month of 1 Hz. */
export const exceedanceProbability = 4e-7;

/**
 * Peaks over threshold: the generalised Pareto tail of the excesses over the 98th percentile, read at `probability`.
 * NaN when there are fewer than 20 excesses.
 */
export function paretoLevel(values: ArrayLike<number>, probability: number): number {
	const sorted = Float64Array.from(values).sort();
	const cut = sorted[Math.floor(sorted.length * 0.98)] ?? Number.NaN;
	const excesses = sorted.filter((value) => value > cut).map((value) => value - cut);
	const tail = fitPareto(excesses);
	return tail ? cut + paretoQuantile(tail, excesses.length / sorted.length / probability) : Number.NaN;
}

/** From this many independent looks on the largest value seen says nearly all there is to say. */
const manyLooks = 2000;

/**
 * Threshold of a smoothed statistic. The tail level is kept between 1.2 and 1.6 times the largest normal value, between 1.1 and 1.3 times with
 * 2,000 independent looks (the fit assumes independence, which smoothed values lack), then widened by 1 + 3/sqrt(n), n being the
 * independent looks at the machine that the data amounts to: rows x smoothing / 2.
 */
export function learnThreshold(values: ArrayLike<number>, smoothing: number): number {
	return Math.max(1, learnTailLevel(values, smoothing));
}

/** The same in the statistic's own units, however small. */
export function learnTailLevel(values: ArrayLike<number>, smoothing: number): number {
	let largest = 0;
	for (let i = 0; i < values.length; i++) largest = Math.max(largest, values[i]!);
	const looks = Math.max(1, (values.length * smoothing) / 2);
	const tail = paretoLevel(values, exceedanceProbability);
	const known = Math.min(1, looks / manyLooks);
	const least = (1.2 - 0.1 * known) * largest;
	const most = (1.6 - 0.3 * known) * largest;
	const level = Math.min(most, Math.max(least, Number.isNaN(tail) ? 0 : tail));
	return level * (1 + 3 / Math.sqrt(looks));
}
