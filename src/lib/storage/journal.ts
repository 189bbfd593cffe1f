/**
 * Storage: the journal, the open tail of all series. One record per append, columns in one binary block.
 *
 * In: readings grouped by series, each group in time order. Out: an ArrayBuffer for IndexedDB, and views on it without copying. Layout, little-endian:
 * readings (u32), groups (u32), flags (u32), reserved (u32), times f64[readings], values f64[readings], series u32[groups],
 * ends u32[groups], and, with flag 1, qualities u8[readings] (all good otherwise).
 */
import type { SeriesTable } from './codec/segment';

export interface JournalRecord {
	readonly seq: number;
	readonly at: number;
	readonly readings: number;
	/** Ascending, one per group. */
	readonly series: Uint32Array;
	/** Row after the last of each group. */
	readonly ends: Uint32Array;
	readonly times: Float64Array;
	readonly values: Float64Array;
	/** Undefined: all good. */
	readonly qualities: Uint8Array | undefined;
}

export function encodeJournal(
	series: Uint32Array,
	ends: Uint32Array,
	times: Float64Array,
	values: Float64Array,
	qualities: Uint8Array
): ArrayBuffer {
	const readings = times.length;
	const marked = qualities.some((quality) => quality !== 0);
	const buffer = new ArrayBuffer(16 + 16 * readings + 8 * series.length + (marked ? readings : 0));
	new Uint32Array(buffer, 0, 4).set([readings, series.length, marked ? 1 : 0, 0]);
	new Float64Array(buffer, 16, readings).set(times);
	new Float64Array(buffer, 16 + 8 * readings, readings).set(values);
	new Uint32Array(buffer, 16 + 16 * readings, series.length).set(series);
	new Uint32Array(buffer, 16 + 16 * readings + 4 * series.length, series.length).set(ends);
	if (marked) new Uint8Array(buffer, 16 + 16 * readings + 8 * series.length, readings).set(qualities);
	return buffer;
}

export function openJournal(row: { seq: number; at: number; data: ArrayBuffer }): JournalRecord {
	const buffer = row.data;
	const [readings, groups, flags] = new Uint32Array(buffer, 0, 4) as unknown as [number, number, number];
	return {
		seq: row.seq,
		at: row.at,
		readings,
		times: new Float64Array(buffer, 16, readings),
		values: new Float64Array(buffer, 16 + 8 * readings, readings),
		series: new Uint32Array(buffer, 16 + 16 * readings, groups),
		ends: new Uint32Array(buffer, 16 + 16 * readings + 4 * groups, groups),
		qualities: flags & 1 ? new Uint8Array(buffer, 16 + 16 * readings + 8 * groups, readings) : undefined
	};
}

/** Rows [from, to) of a series in a record; undefined when it has none. */
export function rowsOf(record: JournalRecord, series: number): [number, number] | undefined {
	let low = 0;
	let high = record.series.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (record.series[middle]! < series) low = middle + 1;
		else high = middle;
	}
	if (record.series[low] !== series) return undefined;
	return [low === 0 ? 0 : record.ends[low - 1]!, record.ends[low]!];
}

export function journalTable(record: JournalRecord, group: number): SeriesTable {
	const from = group === 0 ? 0 : record.ends[group - 1]!;
	const to = record.ends[group]!;
	return {
		series: record.series[group]!,
		times: record.times.subarray(from, to),
		columns: [
			record.values.subarray(from, to),
			record.qualities ? Float64Array.from(record.qualities.subarray(from, to)) : new Float64Array(to - from)
		]
	};
}

/** A series' rows in the given records, a table per record. */
export function journalTables(records: readonly JournalRecord[], series: number): SeriesTable[] {
	const found: SeriesTable[] = [];
	for (const record of records) {
		let low = 0;
		let high = record.series.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (record.series[middle]! < series) low = middle + 1;
			else high = middle;
		}
		if (record.series[low] === series) found.push(journalTable(record, low));
	}
	return found;
}
