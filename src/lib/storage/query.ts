/**
 * Storage: a span of some series at a wanted number of points, from journal, raw segments and rollups as one.
 *
 * In: SeriesQuery. Out: SeriesSlices. One read transaction gives a consistent view; a rollup level is read from its own segments plus
 * those of finer levels that are not rolled up yet plus the journal, so nothing is missing or double at the seams.
 */
import { MillwrightError, type SensorId, type SeriesQuery, type SeriesSlice } from '../contracts';
import type { Segment, SeriesTable } from './codec/segment';
import { inTransaction, Key, type Database, type SegmentKey, type SeriesTables } from './database';
import type { SeriesRow } from './directory';
import { journalTables } from './journal';
import { findSegments, type SegmentCache } from './segments';
import { joinRaw, LEVEL_WIDTHS, lowerBound, RawColumn, RollupColumn, TOP_LEVEL } from './tables';
import type { Tail } from './tail';

/** The coarsest level with at least `maxPoints` buckets over the span; 0 is raw. */
export function chooseLevel(from: number, to: number, maxPoints: number | undefined): number {
	if (maxPoints === undefined) return 0;
	for (let level = TOP_LEVEL; level > 0; level--) if ((to - from) / LEVEL_WIDTHS[level]! >= maxPoints) return level;
	return 0;
}

/** Width of the bins that a chart of `maxPoints` gets at this level: whole buckets, at most `maxPoints` + 1 of them. */
function binWidth(level: number, from: number, to: number, maxPoints: number): number {
	const wanted = Math.max((to - from) / maxPoints, 1e-3);
	if (level === 0) return wanted >= 1 ? Math.ceil(wanted) : wanted;
	return Math.ceil(wanted / LEVEL_WIDTHS[level]!) * LEVEL_WIDTHS[level]!;
}

/** Part of an answer: a level's rows, of which those with from <= time < until count. */
interface Part {
	readonly level: number;
	readonly key: SegmentKey;
	readonly from: number;
	readonly until: number;
	segment?: Segment;
}

export async function querySeries(
	database: Database,
	tail: Tail,
	cache: SegmentCache,
	rows: readonly (SeriesRow | undefined)[],
	query: SeriesQuery
): Promise<SeriesSlice[]> {
	const { from, to, maxPoints } = query;
	if (maxPoints !== undefined && !(Number.isFinite(to - from) && maxPoints > 0))
		throw new MillwrightError('invalid-input', 'A query for a number of points needs a span with two ends', {
			from,
			to,
			maxPoints
		});
	if (!(from <= to)) return rows.map((_, i) => emptySlice(query.sensorIds[i]!, 0));
	const level = chooseLevel(from, to, maxPoints);
	const machines = [...new Set(rows.flatMap((row) => (row ? [row.machine] : [])))];
	const views = new Map<number, Part[]>();
	const names = ['state', 'journal', 'tails', 'segments'] as const;
	const { records } = await inTransaction(database, 'r', names, async (tables) => {
		const seen = await tail.snapshot(tables);
		for (const machine of machines) {
			const parts = await findParts(tables, machine, level, from, to, maxPoints !== undefined);
			const opened = await cache.open(
				tables,
				parts.map((part) => part.key)
			);
			parts.forEach((part, i) => (part.segment = opened[i]));
			views.set(machine, parts);
		}
		return seen;
	});
	const slices = rows.map((row, i) => {
		const sensorId = query.sensorIds[i]!;
		if (!row) return emptySlice(sensorId, level);
		const parts: BinPart[] = [];
		for (const { level: partLevel, from: start, until, segment } of views.get(row.machine)!)
			if (segment?.has(row.key))
				parts.push({ level: partLevel, table: lazyTable(segment, row.key), from: start, until });
		for (const table of journalTables(records, row.key))
			parts.push({ level: 0, table, from: -Infinity, until: Infinity });
		if (level === 0 && parts.every((part) => part.level === 0)) {
			const raw = rawSlice(
				sensorId,
				parts.map((part) => part.table),
				from,
				to
			);
			if (maxPoints === undefined || raw.times.length <= maxPoints) return raw;
			const table = { series: row.key, times: raw.times, columns: [raw.mean, Float64Array.from(raw.qualities)] };
			return binnedSlice(sensorId, [{ level: 0, table, from: -Infinity, until: Infinity }], level, from, to, maxPoints);
		}
		return binnedSlice(sensorId, parts, level, from, to, maxPoints!);
	});
	cache.trim(machines.flatMap((machine) => views.get(machine)!.map((part) => part.key.join())));
	return slices;
}

/** What answers a span at a level: its own segments, finer ones not rolled up yet, coarser ones where retention let its own go. */
async function findParts(
	tables: Pick<SeriesTables, 'tails' | 'segments'>,
	machine: number,
	level: number,
	from: number,
	to: number,
	coarserToo: boolean
): Promise<Part[]> {
	const tail = await tables.tails.get(machine);
	// Nothing of it was ever sealed: a plant of a hundred thousand machines that has just come is all in the journal.
	if (!tail) return [];
	const parts: Part[] = [];
	let until = Infinity;
	for (let now = level; now <= TOP_LEVEL; now++) {
		const width = LEVEL_WIDTHS[now]!;
		const start = now === 0 ? from : Math.floor(from / width) * width;
		const end = Math.min(to, until);
		const lost = coarserToo ? (tail.dropped?.[now] ?? -Infinity) : -Infinity;
		// What is left of this level counts from the first coarser bucket that begins after the loss.
		const next = LEVEL_WIDTHS[now + 1] ?? 1;
		const begin = lost >= start ? (Math.floor(lost / next) + 1) * next : -Infinity;
		for (const key of await findSegments(tables, machine, now, start, end))
			parts.push({ level: now, key, from: begin, until });
		for (const key of tail.open)
			if (key[Key.level] < now && key[Key.to] >= start && key[Key.from] <= end)
				parts.push({ level: key[Key.level], key, from: begin, until });
		if (begin === -Infinity) break;
		until = begin;
	}
	return parts;
}

/** Columns decode when first touched, so `last` of a rollup is never decoded for a chart. */
function lazyTable(segment: Segment, series: number): SeriesTable {
	const columns = new Proxy([] as Float64Array[], {
		get: (_, name) => segment.column(series, Number(name))
	});
	return { series, times: segment.times(series), columns };
}

function rawSlice(sensorId: SensorId, tables: readonly SeriesTable[], from: number, to: number): SeriesSlice {
	const cut: SeriesTable[] = [];
	for (const table of tables) {
		const first = lowerBound(table.times, from);
		let end = lowerBound(table.times, to);
		while (end < table.times.length && table.times[end] === to) end++;
		if (end > first)
			cut.push({
				series: table.series,
				times: table.times.subarray(first, end),
				columns: [
					table.columns[RawColumn.value]!.subarray(first, end),
					table.columns[RawColumn.quality]!.subarray(first, end)
				]
			});
	}
	if (cut.length === 0) return emptySlice(sensorId, 0);
	const joined = joinRaw(cut);
	// A caller may transfer or change what it gets: never hand out the cache's own arrays.
	const values = cut.length === 1 ? joined.columns[RawColumn.value]!.slice() : joined.columns[RawColumn.value]!;
	return {
		sensorId,
		tier: 'raw',
		times: cut.length === 1 ? joined.times.slice() : joined.times,
		min: values,
		max: values,
		mean: values,
		counts: new Uint32Array(values.length).fill(1),
		qualities: Uint8Array.from(joined.columns[RawColumn.quality]!)
	};
}

interface BinPart {
	readonly level: number;
	readonly table: SeriesTable;
	readonly from: number;
	readonly until: number;
}

function binnedSlice(
	sensorId: SensorId,
	parts: readonly BinPart[],
	level: number,
	from: number,
	to: number,
	maxPoints: number
): SeriesSlice {
	const width = binWidth(level, from, to, maxPoints);
	const firstBin = Math.floor(from / width);
	const bins = Math.floor(to / width) - firstBin + 1;
	const min = new Float64Array(bins).fill(NaN);
	const max = new Float64Array(bins).fill(NaN);
	const sum = new Float64Array(bins);
	const counts = new Uint32Array(bins);
	const qualities = new Uint8Array(bins);
	const touched = new Uint8Array(bins);
	for (const { level: partLevel, table, from: start, until } of parts) {
		const raw = partLevel === 0;
		const times = table.times;
		const first = lowerBound(times, Math.max(firstBin * width, start));
		const end = lowerBound(times, Math.min((firstBin + bins) * width, until));
		if (first >= end) continue;
		const lows = table.columns[raw ? RawColumn.value : RollupColumn.min]!;
		const highs = raw ? lows : table.columns[RollupColumn.max]!;
		const aboves = raw ? undefined : table.columns[RollupColumn.above]!;
		const numbers = raw ? undefined : table.columns[RollupColumn.count]!;
		const marks = table.columns[raw ? RawColumn.quality : RollupColumn.quality]!;
		for (let i = first; i < end; i++) {
			const bin = Math.min(Math.max(Math.floor(times[i]! / width) - firstBin, 0), bins - 1);
			touched[bin] = 1;
			if (marks[i]! > qualities[bin]!) qualities[bin] = marks[i]!;
			const count = numbers ? numbers[i]! : lows[i] === lows[i] ? 1 : 0;
			if (count === 0) continue;
			if (!(min[bin]! <= lows[i]!)) min[bin] = lows[i]!;
			if (!(max[bin]! >= highs[i]!)) max[bin] = highs[i]!;
			sum[bin]! += (aboves ? lows[i]! + aboves[i]! : lows[i]!) * count;
			counts[bin]! += count;
		}
	}
	const filled: number[] = [];
	for (let bin = 0; bin < bins; bin++) if (touched[bin]) filled.push(bin);
	const tier = width === LEVEL_WIDTHS[1] ? 'minute' : width === LEVEL_WIDTHS[3] ? 'hour' : 'binned';
	return {
		sensorId,
		tier,
		times: Float64Array.from(filled, (bin) => (firstBin + bin) * width),
		min: Float64Array.from(filled, (bin) => min[bin]!),
		max: Float64Array.from(filled, (bin) => max[bin]!),
		mean: Float64Array.from(filled, (bin) => (counts[bin] ? sum[bin]! / counts[bin]! : NaN)),
		counts: Uint32Array.from(filled, (bin) => counts[bin]!),
		qualities: Uint8Array.from(filled, (bin) => qualities[bin]!)
	};
}

function emptySlice(sensorId: SensorId, level: number): SeriesSlice {
	const none = new Float64Array(0);
	return {
		sensorId,
		tier: level === 0 ? 'raw' : 'binned',
		times: none,
		min: none,
		max: none,
		mean: none,
		counts: new Uint32Array(0),
		qualities: new Uint8Array(0)
	};
}
