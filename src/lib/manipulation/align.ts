/**
 * Data Manipulation: stored series to aligned rows.
 *
 * In: columns of times and values per sensor, as storage gives them. Out: the rows the same readings would have made live.
 */
import type { EpochMs, SeriesSlice } from '../contracts';
import { Resampler, type AlignedRow, type ResamplerOptions } from './resampler';

/** A sensor's samples in time order; `qualities` as in `Quality`. */
export type SampleColumn = Pick<SeriesSlice, 'times' | 'mean' | 'qualities'>;

/** Feeds columns (in `sensorNames` order; undefined where a sensor has nothing) through a resampler in order of time. */
export function feedColumns(resampler: Resampler, columns: readonly (SampleColumn | undefined)[]): void {
	const cursor = new Uint32Array(columns.length);
	for (;;) {
		let earliest = Number.POSITIVE_INFINITY;
		for (let c = 0; c < columns.length; c++) {
			const time = columns[c]?.times[cursor[c]!];
			if (time !== undefined && time < earliest) earliest = time;
		}
		if (earliest === Number.POSITIVE_INFINITY) return;
		for (let c = 0; c < columns.length; c++) {
			const column = columns[c];
			const at = cursor[c]!;
			if (column === undefined || column.times[at] !== earliest) continue;
			resampler.push(c, earliest, column.mean[at]!, column.qualities[at]!);
			cursor[c] = at + 1;
		}
	}
}

/** Rows of a stored span. */
export function alignColumns(options: ResamplerOptions, columns: readonly (SampleColumn | undefined)[]): AlignedRow[] {
	const resampler = new Resampler(options);
	feedColumns(resampler, columns);
	resampler.flush();
	return resampler.take();
}

/** Stretches without a break and without NaN: what windows may be cut from. At least `minimumRows` long. */
export function splitSegments(rows: readonly AlignedRow[], minimumRows: number): AlignedRow[][] {
	const segments: AlignedRow[][] = [];
	let current: AlignedRow[] = [];
	const close = () => {
		if (current.length >= minimumRows) segments.push(current);
		current = [];
	};
	for (const row of rows) {
		if (row.breakBefore) close();
		if (row.values.some(Number.isNaN)) close();
		else current.push(row);
	}
	close();
	return segments;
}

/** Time covered by rows, milliseconds; 0 for none. */
export function spanOf(rows: readonly AlignedRow[]): { from: EpochMs; to: EpochMs } | undefined {
	const first = rows[0];
	const last = rows[rows.length - 1];
	return first && last ? { from: first.time, to: last.time } : undefined;
}
