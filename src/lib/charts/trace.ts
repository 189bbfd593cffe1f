/**
 * From a stored series to what a canvas draws: gaps found, dense stretches reduced to what a pixel column can show.
 *
 * In: columns of times, minima and maxima. Out: moves and lines on anything that has `moveTo` and `lineTo`. A column with
 * more samples than it can show keeps its first, lowest, highest and last (M4, Jugel et al., VLDB 2014), which draws the
 * same picture as all of them.
 */
import type { EpochMs } from '../contracts';

export interface Trace {
	readonly times: Float64Array;
	readonly min: Float64Array;
	readonly max: Float64Array;
	readonly mean: Float64Array;
	/** A step in time larger than this is a gap and is drawn as one. */
	readonly gapMs: number;
}

export interface Pen {
	moveTo(x: number, y: number): void;
	lineTo(x: number, y: number): void;
}

/** A gap is this many usual steps without a sample. */
export const gapSteps = 4;

/** Gap limit of a series: some usual steps. The median step over at most 500 of them; 0 samples or one: no limit. */
export function gapLimit(times: ArrayLike<number>): number {
	if (times.length < 2) return Infinity;
	const stride = Math.max(1, Math.floor((times.length - 1) / 500));
	const steps: number[] = [];
	for (let i = stride; i < times.length; i += stride) steps.push(times[i]! - times[i - 1]!);
	steps.sort((a, b) => a - b);
	return Math.max(1, steps[steps.length >> 1]! * gapSteps);
}

/** First index with `times[i] >= time`. Times ascend. */
export function lowerBound(times: ArrayLike<number>, time: EpochMs): number {
	let low = 0;
	let high = times.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (times[middle]! < time) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Index of the sample nearest to `time`, or -1 when the nearest is further than `within`. */
export function nearestIndex(times: ArrayLike<number>, time: EpochMs, within = Infinity): number {
	const after = lowerBound(times, time);
	let best = -1;
	let distance = within;
	for (const i of [after - 1, after]) {
		if (i < 0 || i >= times.length) continue;
		const d = Math.abs(times[i]! - time);
		if (d <= distance) {
			best = i;
			distance = d;
		}
	}
	return best;
}

/** Unbroken runs of indices [start, end) that touch [from, to], one sample beyond each edge included. */
export function runsWithin(trace: Trace, from: EpochMs, to: EpochMs): [start: number, end: number][] {
	const { times, gapMs, mean } = trace;
	const first = Math.max(0, lowerBound(times, from) - 1);
	const last = Math.min(times.length, lowerBound(times, to) + 1);
	const runs: [number, number][] = [];
	let start = -1;
	for (let i = first; i < last; i++) {
		if (!Number.isFinite(mean[i]!)) {
			if (start >= 0) runs.push([start, i]);
			start = -1;
			continue;
		}
		if (start >= 0 && times[i]! - times[i - 1]! > gapMs) {
			runs.push([start, i]);
			start = i;
		} else if (start < 0) start = i;
	}
	if (start >= 0) runs.push([start, last]);
	return runs;
}

/**
 * Draws a trace between `from` and `to`. `x` and `y` map to pixels. Runs of one sample become a short dash, so that a
 * lone value between gaps is seen.
 */
export function drawTrace(
	pen: Pen,
	trace: Trace,
	from: EpochMs,
	to: EpochMs,
	x: (time: EpochMs) => number,
	y: (value: number) => number
): void {
	for (const [start, end] of runsWithin(trace, from, to)) {
		if (end - start === 1) {
			const at = x(trace.times[start]!);
			pen.moveTo(at - 1, y(trace.min[start]!));
			pen.lineTo(at + 1, y(trace.max[start]!));
			continue;
		}
		drawRun(pen, trace, start, end, x, y);
	}
}

function drawRun(
	pen: Pen,
	trace: Trace,
	start: number,
	end: number,
	x: (time: EpochMs) => number,
	y: (value: number) => number
): void {
	const { times, min, max, mean } = trace;
	let begun = false;
	const go = (px: number, py: number) => {
		if (begun) pen.lineTo(px, py);
		else pen.moveTo(px, py);
		begun = true;
	};
	let i = start;
	while (i < end) {
		const column = Math.floor(x(times[i]!));
		let next = i + 1;
		while (next < end && Math.floor(x(times[next]!)) === column) next += 1;
		if (next - i === 1) {
			const at = x(times[i]!);
			// A bin that spans a range: up and down its column, and on from its mean.
			if (max[i]! > min[i]!) {
				go(at, y(min[i]!));
				go(at, y(max[i]!));
			}
			go(at, y(mean[i]!));
		} else {
			let low = i;
			let high = i;
			for (let k = i; k < next; k++) {
				if (min[k]! < min[low]!) low = k;
				if (max[k]! > max[high]!) high = k;
			}
			go(x(times[i]!), y(mean[i]!));
			const inner: [number, number][] =
				low <= high
					? [[low, min[low]!], [high, max[high]!]] // prettier-ignore
					: [[high, max[high]!], [low, min[low]!]]; // prettier-ignore
			for (const [k, value] of inner) go(x(times[k]!), y(value));
			go(x(times[next - 1]!), y(mean[next - 1]!));
		}
		i = next;
	}
}

/** Stretches inside [from, to] for which the trace has nothing, between its own first and last sample. */
export function gapsWithin(trace: Trace, from: EpochMs, to: EpochMs): { from: EpochMs; to: EpochMs }[] {
	const runs = runsWithin(trace, from, to);
	const gaps: { from: EpochMs; to: EpochMs }[] = [];
	for (let i = 1; i < runs.length; i++) {
		const start = trace.times[runs[i - 1]![1] - 1]!;
		const end = trace.times[runs[i]![0]]!;
		if (end > from && start < to) gaps.push({ from: start, to: end });
	}
	return gaps;
}

export const emptyTrace: Trace = {
	times: new Float64Array(),
	min: new Float64Array(),
	max: new Float64Array(),
	mean: new Float64Array(),
	gapMs: Infinity
};
