/**
 * Data Manipulation: how often a machine reports.
 *
 * In: times of readings. Out: the step of the fixed clock its sensors are resampled to. Learned from the data, so that
 * nobody has to state a rate.
 */
import type { EpochMs } from '../contracts';

export const minimumStepMs = 100;
export const maximumStepMs = 3_600_000;

/** Median of a list; NaN when it is empty. Sorts a copy. */
export function medianOf(values: ArrayLike<number>): number {
	const sorted = Float64Array.from(values).sort();
	const half = sorted.length >> 1;
	if (sorted.length === 0) return Number.NaN;
	return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Median interval between distinct, ascending times in milliseconds, held between 0.1 s and 1 h; undefined with fewer than
 * three distinct times. Intervals near a round number of milliseconds (2%) are rounded to it, so that jitter does not
 * turn 1 s into 0.998 s.
 */
export function learnStep(times: ArrayLike<EpochMs>): number | undefined {
	const sorted = Float64Array.from(times).sort();
	const gaps: number[] = [];
	for (let i = 1; i < sorted.length; i++) {
		const gap = sorted[i]! - sorted[i - 1]!;
		if (gap > 0) gaps.push(gap);
	}
	if (gaps.length < 2) return undefined;
	const step = Math.min(maximumStepMs, Math.max(minimumStepMs, medianOf(gaps)));
	for (const unit of [3_600_000, 60_000, 1000, 100, 10]) {
		const rounded = Math.round(step / unit) * unit;
		if (rounded > 0 && Math.abs(rounded - step) <= step * 0.02) return rounded;
	}
	return Math.max(minimumStepMs, Math.round(step));
}
