/**
 * Storage, export: the raw readings of one machine in windows of time, each small enough to hold.
 *
 * In: a store, sensors, a span. Out: slices per window, in time order, without gap or double at the seams. The width follows the density: a
 * window that brings few readings is followed by a wider one.
 */
import type { EpochMs, SensorRecord, SeriesSlice } from '../../contracts';
import type { Store } from '../store';

export type ReadableStore = Pick<Store, 'series' | 'registry'>;

const WINDOW_READINGS = 60_000;
const FIRST_WINDOW_MS = 600_000;

export async function* seriesWindows(
	store: ReadableStore,
	sensors: readonly SensorRecord[],
	from: EpochMs,
	to: EpochMs
): AsyncGenerator<{ slices: readonly SeriesSlice[]; readings: number }> {
	const sensorIds = sensors.map(({ id }) => id);
	let width = FIRST_WINDOW_MS;
	for (let start = from; start <= to;) {
		const end = Math.min(start + width, to);
		const found = await store.series.query({ sensorIds, from: start, to: end });
		// Both ends count in a query; the end of a window belongs to the next one.
		const slices = end < to ? found.map((slice) => before(slice, end)) : found;
		const readings = slices.reduce((sum, { times }) => sum + times.length, 0);
		if (readings > 0) yield { slices, readings };
		if (end === to) return;
		start = end;
		if (readings < WINDOW_READINGS / 2) width *= 2;
		else if (readings > WINDOW_READINGS) width = Math.max(1, width / 2);
	}
}

function before(slice: SeriesSlice, end: EpochMs): SeriesSlice {
	let count = slice.times.length;
	while (count > 0 && slice.times[count - 1]! >= end) count--;
	if (count === slice.times.length) return slice;
	return {
		...slice,
		times: slice.times.subarray(0, count),
		mean: slice.mean.subarray(0, count),
		qualities: slice.qualities.subarray(0, count)
	};
}

/** Rows of a table with a column per series: every time once, and for each series the index of its value there, or -1. */
export function joinByTime(slices: readonly SeriesSlice[]): { times: Float64Array; at: Int32Array[] } {
	const total = slices.reduce((sum, { times }) => sum + times.length, 0);
	const all = new Float64Array(total);
	let filled = 0;
	for (const { times } of slices) {
		all.set(times, filled);
		filled += times.length;
	}
	all.sort();
	let rows = 0;
	for (let i = 0; i < total; i++) if (i === 0 || all[i] !== all[i - 1]) all[rows++] = all[i]!;
	const times = all.subarray(0, rows);
	const at = slices.map((slice) => {
		const places = new Int32Array(rows).fill(-1);
		let row = 0;
		for (let i = 0; i < slice.times.length; i++) {
			while (times[row]! < slice.times[i]!) row++;
			places[row] = i;
		}
		return places;
	});
	return { times, at };
}
