/**
 * Joins what storage gave with what has come since, so that a chart has no gap and no double at the seam.
 *
 * In: samples of one series as the live channel brings them, and a stored slice. Out: one `Trace`. The rule: readings are
 * posted only once committed, and the tail is gathered from before the query is made, so whatever the slice lacks is in
 * the tail, and by time one can tell what it holds already.
 */
import type { EpochMs, SeriesSlice } from '../contracts';
import { gapLimit, lowerBound, type Trace } from './trace';

const initialCapacity = 256;

/** Samples in time order, one per time, growing at the end and forgotten at the start. */
export class LiveTail {
	#times = new Float64Array(initialCapacity);
	#values = new Float64Array(initialCapacity);
	#length = 0;

	get length(): number {
		return this.#length;
	}
	get times(): Float64Array {
		return this.#times.subarray(0, this.#length);
	}
	get values(): Float64Array {
		return this.#values.subarray(0, this.#length);
	}
	get newest(): EpochMs | undefined {
		return this.#length > 0 ? this.#times[this.#length - 1] : undefined;
	}

	/** Adds a sample; of two with the same time the first stays. Returns false when it came out of order. */
	add(time: EpochMs, value: number): boolean {
		const newest = this.newest;
		const inOrder = newest === undefined || time > newest;
		const at = inOrder ? this.#length : lowerBound(this.times, time);
		if (!inOrder && this.#times[at] === time) return true;
		this.#reserve();
		this.#times.copyWithin(at + 1, at, this.#length);
		this.#values.copyWithin(at + 1, at, this.#length);
		this.#times[at] = time;
		this.#values[at] = value;
		this.#length += 1;
		return inOrder;
	}

	/** Forgets what is older than `time`. */
	trim(time: EpochMs): void {
		const start = lowerBound(this.times, time);
		if (start === 0) return;
		this.#times.copyWithin(0, start, this.#length);
		this.#values.copyWithin(0, start, this.#length);
		this.#length -= start;
	}

	#reserve(): void {
		if (this.#length < this.#times.length) return;
		const times = new Float64Array(this.#times.length * 2);
		const values = new Float64Array(this.#values.length * 2);
		times.set(this.#times);
		values.set(this.#values);
		this.#times = times;
		this.#values = values;
	}
}

/**
 * One trace of a stored slice and the live tail.
 * @param seenAt newest time in the tail when the query was made: the slice holds everything up to it. For raw slices
 * the slice's own last sample decides instead, which is exact.
 */
export function joinTail(slice: SeriesSlice | undefined, tail: LiveTail, seenAt: EpochMs | undefined): Trace {
	const stored = slice && slice.times.length > 0 ? slice : undefined;
	const last = stored ? stored.times[stored.times.length - 1]! : -Infinity;
	const after = stored && stored.tier !== 'raw' ? Math.max(last, seenAt ?? -Infinity) : last;
	const start = lowerBound(tail.times, after);
	const from = tail.times[start] === after ? start + 1 : start;
	const fresh = tail.length - from;
	const count = stored?.times.length ?? 0;

	const times = new Float64Array(count + fresh);
	const min = new Float64Array(count + fresh);
	const max = new Float64Array(count + fresh);
	const mean = new Float64Array(count + fresh);
	if (stored) {
		times.set(stored.times);
		min.set(stored.min);
		max.set(stored.max);
		mean.set(stored.mean);
		// A raw value that is physically impossible is kept in storage but is no part of the trend.
		if (stored.tier === 'raw')
			for (let i = 0; i < count; i++) if (stored.qualities[i] === 2) min[i] = max[i] = mean[i] = NaN;
	}
	times.set(tail.times.subarray(from), count);
	for (const column of [min, max, mean]) column.set(tail.values.subarray(from), count);
	return { times, min, max, mean, gapMs: gapLimit(count > 1 ? times.subarray(0, count) : times) };
}

/** A span that has been asked of storage, and how finely. */
export interface Coverage {
	readonly from: EpochMs;
	readonly to: EpochMs;
	/** Width of a point, milliseconds; 0 when everything stored is there. */
	readonly resolutionMs: number;
}

/** True when a view needs another query: it leaves the coverage, or would show coarser points than it has pixels for. */
export function needsQuery(
	view: { readonly from: EpochMs; readonly to: EpochMs },
	coverage: Coverage | undefined,
	width: number
): boolean {
	if (!coverage || width <= 0) return true;
	if (view.from < coverage.from || view.to > coverage.to) return true;
	const wanted = (view.to - view.from) / width;
	return wanted < coverage.resolutionMs * 0.6 || (view.to - view.from) * 4 < coverage.to - coverage.from;
}

/** What to ask for a view: half a span more on both sides, so that panning has something to show at once. */
export function coverageFor(
	view: { readonly from: EpochMs; readonly to: EpochMs },
	width: number
): { from: EpochMs; to: EpochMs; maxPoints: number } {
	const span = view.to - view.from;
	return { from: view.from - span / 2, to: view.to + span / 2, maxPoints: Math.max(200, Math.round(width * 2)) };
}
