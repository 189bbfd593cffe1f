/**
 * Storage: a span of some series at a wanted number of points, from journal, raw segments and rollups as one.
 *
 * In: SeriesQuery. Out: SeriesSlices. One read transaction gives a consistent view; a rollup level is read from its own segments plus
 * those of finer levels that are not rolled up yet plus the journal, so nothing is missing or double at the seams.
 */
import type { SensorId, SeriesQuery, SeriesSlice } from '../contracts';
import type { Segment, SeriesTable } from './codec/segment';
import { Key, type Database, type SegmentKey, type SeriesRow } from './database';
import { journalTables } from './journal';
import { findSegments, type SegmentCache } from './segments';
import { joinRaw, LEVEL_WIDTHS, lowerBound, RawColumn, RollupColumn, TOP_LEVEL } from './tables';
import type { Tail, TailSnapshot } from './tail';

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

interface MachineView {
	readonly level: number;
	/** Segments with the level of what they hold. */
	readonly parts: readonly { key: SegmentKey; segment: Segment | undefined }[];
}

export async function querySeries(
	database: Database,
	tail: Tail,
	cache: SegmentCache,
	rows: readonly (SeriesRow | undefined)[],
	query: SeriesQuery
): Promise<SeriesSlice[]> {
	const { from, to, maxPoints } = query;
	const level = chooseLevel(from, to, maxPoints);
	const machines = [...new Set(rows.flatMap((row) => (row ? [row.machine] : [])))];
	const views = new Map<number, MachineView>();
	const snapshot: TailSnapshot = await database.transaction(
		'r',
		[database.state, database.journal, database.tails, database.segments],
		async () => {
			const seen = await tail.snapshot(database);
			for (const machine of machines) {
				let keys: SegmentKey[];
				const width = LEVEL_WIDTHS[level]!;
				const start = level === 0 ? from : Math.floor(from / width) * width;
				if (level === 0) keys = await findSegments(database, machine, 0, from, to);
				else {
					const own = await findSegments(database, machine, level, start, to);
					const open = (await database.tails.get(machine))?.open ?? [];
					const finer = open.filter((key) => key[Key.level] < level && key[Key.to] >= start && key[Key.from] <= to);
					keys = [...own, ...finer];
				}
				const opened = await cache.open(database, keys);
				views.set(machine, { level, parts: keys.map((key, i) => ({ key, segment: opened[i] })) });
			}
			return seen;
		}
	);
	const slices = rows.map((row, i) => {
		const sensorId = query.sensorIds[i]!;
		if (!row) return emptySlice(sensorId, level);
		const view = views.get(row.machine)!;
		const tables: { level: number; table: SeriesTable }[] = [];
		for (const { key, segment } of view.parts)
			if (segment?.has(row.key)) tables.push({ level: key[Key.level], table: lazyTable(segment, row.key) });
		for (const table of journalTables(snapshot.records, row.key)) tables.push({ level: 0, table });
		if (level === 0) {
			const raw = rawSlice(
				sensorId,
				tables.map((part) => part.table),
				from,
				to
			);
			if (maxPoints === undefined || raw.times.length <= maxPoints) return raw;
			const cut = { series: row.key, times: raw.times, columns: [raw.mean, Float64Array.from(raw.qualities)] };
			return binnedSlice(sensorId, [{ level: 0, table: cut }], level, from, to, maxPoints);
		}
		return binnedSlice(sensorId, tables, level, from, to, maxPoints!);
	});
	cache.trim(machines.flatMap((machine) => views.get(machine)!.parts.map((part) => part.key.join())));
	return slices;
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

function binnedSlice(
	sensorId: SensorId,
	parts: readonly { level: number; table: SeriesTable }[],
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
	for (const { level: partLevel, table } of parts) {
		const raw = partLevel === 0;
		const times = table.times;
		const first = lowerBound(times, firstBin * width);
		const end = lowerBound(times, (firstBin + bins) * width);
		if (first >= end) continue;
		const lows = table.columns[raw ? RawColumn.value : RollupColumn.min]!;
		const highs = raw ? lows : table.columns[RollupColumn.max]!;
		const means = raw ? lows : table.columns[RollupColumn.mean]!;
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
			sum[bin]! += means[i]! * count;
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
