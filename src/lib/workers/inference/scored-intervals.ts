/**
 * Inference: which stretches of a machine's history have been scored, so that none is scored twice and none is forgotten.
 *
 * In: intervals [from, to] in milliseconds, both ends scored. Out: the same, merged and in order; and what is missing.
 */
import type { EpochMs, MachineId } from '../../contracts';

export type Interval = readonly [from: EpochMs, to: EpochMs];

/** What is kept of a machine's scoring. */
export interface ScoringRecord {
	readonly phase: number | undefined;
	readonly intervals: readonly Interval[];
}

/** Setting that holds a machine's `ScoringRecord`. */
export function recordKey(machineId: MachineId): string {
	return `inference:${machineId}`;
}

/** Adds one interval; those that touch within `slack` milliseconds become one. */
export function addInterval(intervals: readonly Interval[], added: Interval, slack: number): Interval[] {
	if (added[1] < added[0]) return [...intervals];
	const merged: Interval[] = [];
	let [from, to] = added;
	for (const [a, b] of intervals) {
		if (b < from - slack || a > to + slack) merged.push([a, b]);
		else {
			from = Math.min(from, a);
			to = Math.max(to, b);
		}
	}
	merged.push([from, to]);
	return merged.sort((x, y) => x[0] - y[0]);
}

/** Parts of [from, to] that no interval covers, newest first; parts shorter than `slack` are no gap. */
export function missingIntervals(
	intervals: readonly Interval[],
	from: EpochMs,
	to: EpochMs,
	slack: number
): Interval[] {
	const missing: Interval[] = [];
	let at = from;
	for (const [a, b] of intervals) {
		if (a > at) missing.push([at, Math.min(a, to)]);
		at = Math.max(at, b);
		if (at >= to) break;
	}
	if (at < to) missing.push([at, to]);
	return missing.filter(([a, b]) => b - a > slack).reverse();
}
