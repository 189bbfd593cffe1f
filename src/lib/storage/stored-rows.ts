/**
 * Storage: what is stored of some series over spans of time, for comparing what arrives late or once more.
 *
 * In: series with the span that matters. Out: value by exact time for each that has any. One transaction however many series: after a
 * reconnect the broker sends again what was under way, thousands of messages of thousands of machines in one batch.
 */
import Dexie from 'dexie';
import { inTransaction, Key, type Database, type SegmentKey, type SeriesTables } from './database';
import { rowsOf, type JournalRecord } from './journal';
import { findSegments, type SegmentCache } from './segments';
import { lowerBound, RawColumn } from './tables';

export interface WantedSpan {
	readonly series: number;
	readonly machine: number;
	readonly from: number;
	readonly to: number;
}

/** Value by time; of values with one time the one stored first. */
export type StoredValues = Map<number, Map<number, number>>;
export type StoredReader = (wanted: readonly WantedSpan[]) => Promise<StoredValues>;

/** `records`: the journal as this context knows it; segments are read beside it, in `tables` if a transaction is under way. */
export function storedReader(
	database: Database,
	cache: SegmentCache,
	records: readonly JournalRecord[],
	tables?: Pick<SeriesTables, 'tails' | 'segments'>
): StoredReader {
	return async (wanted) => {
		const found: StoredValues = new Map();
		fromJournal(found, records, wanted);
		const read = (of: Pick<SeriesTables, 'tails' | 'segments'>) => fromSegments(found, of, cache, wanted);
		await (tables ? read(tables) : inTransaction(database, 'r', ['tails', 'segments'] as const, read));
		return found;
	};
}

function fromJournal(found: StoredValues, records: readonly JournalRecord[], wanted: readonly WantedSpan[]): void {
	const spans = new Map(wanted.map((span) => [span.series, span]));
	for (const record of records) {
		const { series, ends, times, values } = record;
		if (spans.size * 8 < series.length) {
			for (const span of wanted) {
				const rows = rowsOf(record, span.series);
				if (rows) note(found, span, times, values, ...rows);
			}
			continue;
		}
		for (let group = 0; group < series.length; group++) {
			const span = spans.get(series[group]!);
			if (span) note(found, span, times, values, group === 0 ? 0 : ends[group - 1]!, ends[group]!);
		}
	}
}

async function fromSegments(
	found: StoredValues,
	tables: Pick<SeriesTables, 'tails' | 'segments'>,
	cache: SegmentCache,
	wanted: readonly WantedSpan[]
): Promise<void> {
	const byMachine = new Map<number, { from: number; to: number; spans: WantedSpan[] }>();
	for (const span of wanted) {
		const known = byMachine.get(span.machine);
		if (!known) {
			byMachine.set(span.machine, { from: span.from, to: span.to, spans: [span] });
			continue;
		}
		known.from = Math.min(known.from, span.from);
		known.to = Math.max(known.to, span.to);
		known.spans.push(span);
	}
	const machines = [...byMachine.keys()];
	const tails = await tables.tails.bulkGet(machines);
	// A sealed part that ends before the span, the usual case, needs no look; the others are looked for all at once.
	const looks = tails.flatMap((tail) => {
		const span = tail && byMachine.get(tail.machine)!;
		const isTouched = span && tail.to >= span.from && tail.from <= span.to;
		return isTouched ? [findSegments(tables, tail.machine, 0, span.from, span.to)] : [];
	});
	const keys: SegmentKey[] = (await Dexie.Promise.all(looks)).flat();
	if (keys.length === 0) return;
	const segments = await cache.open(tables, keys);
	segments.forEach((segment, i) => {
		for (const span of byMachine.get(keys[i]![Key.machine])!.spans) {
			if (!segment?.has(span.series)) continue;
			const times = segment.times(span.series);
			const first = lowerBound(times, span.from);
			if (first === times.length || times[first]! > span.to) continue;
			note(found, span, times, segment.column(span.series, RawColumn.value), first, times.length);
		}
	});
	cache.trim(keys.map((key) => key.join()));
}

/** Rows [row, end) as far as they lie in the span. */
function note(
	found: StoredValues,
	{ series, from, to }: WantedSpan,
	times: Float64Array,
	values: Float64Array,
	row: number,
	end: number
): void {
	if (times[row]! > to || times[end - 1]! < from) return;
	let byTime = found.get(series);
	if (!byTime) found.set(series, (byTime = new Map()));
	for (; row < end && times[row]! <= to; row++)
		if (times[row]! >= from && !byTime.has(times[row]!)) byTime.set(times[row]!, values[row]!);
}
