/**
 * Storage: joining, cutting and rolling up series tables. Pure functions on columns in time order.
 *
 * Levels: 0 raw (value, quality); 1-4 rollups per minute, ten minutes, hour and day (count, min, max, mean, last, quality). Rollups are
 * additive: two rollup rows of one bucket are one row, so segments may overlap and late data needs no rewriting. NaN values are counted
 * by their quality only: count, min, max and mean are of numbers.
 */
import type { SeriesTable } from './codec/segment';

/** Bucket width of each level in milliseconds; 0 for raw. */
export const LEVEL_WIDTHS = [0, 60_000, 600_000, 3_600_000, 86_400_000] as const;
export const TOP_LEVEL = LEVEL_WIDTHS.length - 1;
export const RawColumn = { value: 0, quality: 1 } as const;
/** `above` is the mean less the minimum, so that float32 is precise however far from zero the values lie. */
export const RollupColumn = { count: 0, min: 1, max: 2, above: 3, last: 4, quality: 5 } as const;

/** Raw rows of one series as one table in time order. Times are unique: deduplication happened at append. */
export function joinRaw(parts: readonly SeriesTable[]): SeriesTable {
	if (parts.length === 1) return parts[0]!;
	const ordered = [...parts].filter((part) => part.times.length > 0).sort((a, b) => a.times[0]! - b.times[0]!);
	const total = ordered.reduce((sum, part) => sum + part.times.length, 0);
	const times = new Float64Array(total);
	const columns = [new Float64Array(total), new Float64Array(total)];
	let at = 0;
	for (const part of ordered) {
		times.set(part.times, at);
		for (let c = 0; c < 2; c++) columns[c]!.set(part.columns[c]!, at);
		at += part.times.length;
	}
	return inTimeOrder({ series: parts[0]!.series, times, columns });
}

/** The table itself where its rows are in time order already. */
export function inTimeOrder(table: SeriesTable): SeriesTable {
	let row = 1;
	while (row < table.times.length && table.times[row - 1]! <= table.times[row]!) row++;
	if (row >= table.times.length) return table;
	const order = Uint32Array.from(table.times, (_, i) => i).sort((a, b) => table.times[a]! - table.times[b]!);
	const pick = (column: Float64Array) => {
		const from = new BigUint64Array(column.buffer, column.byteOffset, column.length);
		const to = new BigUint64Array(column.length);
		for (let i = 0; i < order.length; i++) to[i] = from[order[i]!]!;
		return new Float64Array(to.buffer);
	};
	return { series: table.series, times: pick(table.times), columns: table.columns.map(pick) };
}

/** Adds up rows (raw when `level` is 0) into buckets of `width` ms; any number of tables, in any order. */
export class BucketSum {
	private readonly rows = new Map<number, number>();
	private starts: number[] = [];
	private count: number[] = [];
	private min: number[] = [];
	private max: number[] = [];
	private sum: number[] = [];
	private last: number[] = [];
	private lastAt: number[] = [];
	private quality: number[] = [];

	constructor(private readonly width: number) {}

	private row(start: number): number {
		const last = this.starts.length - 1;
		if (last >= 0 && this.starts[last] === start) return last;
		let row = this.rows.get(start);
		if (row === undefined) {
			row = this.starts.push(start) - 1;
			this.rows.set(start, row);
			this.count.push(0);
			this.min.push(NaN);
			this.max.push(NaN);
			this.sum.push(0);
			this.last.push(NaN);
			this.lastAt.push(-Infinity);
			this.quality.push(0);
		}
		return row;
	}

	add(level: number, table: SeriesTable, from = -Infinity, to = Infinity): void {
		const { times, columns } = table;
		const raw = level === 0;
		const counts = raw ? undefined : columns[RollupColumn.count]!;
		const mins = raw ? columns[RawColumn.value]! : columns[RollupColumn.min]!;
		const maxs = raw ? mins : columns[RollupColumn.max]!;
		const aboves = raw ? undefined : columns[RollupColumn.above]!;
		const lasts = raw ? mins : columns[RollupColumn.last]!;
		const qualities = columns[raw ? RawColumn.quality : RollupColumn.quality]!;
		for (let i = lowerBound(times, from); i < times.length; i++) {
			const time = times[i]!;
			if (time > to) break;
			const row = this.row(Math.floor(time / this.width) * this.width);
			if (qualities[i]! > this.quality[row]!) this.quality[row] = qualities[i]!;
			const count = counts ? counts[i]! : mins[i] === mins[i] ? 1 : 0;
			if (count === 0) continue;
			if (!(this.min[row]! <= mins[i]!)) this.min[row] = mins[i]!;
			if (!(this.max[row]! >= maxs[i]!)) this.max[row] = maxs[i]!;
			this.sum[row]! += (aboves ? mins[i]! + aboves[i]! : mins[i]!) * count;
			this.count[row]! += count;
			if (time >= this.lastAt[row]!) {
				this.lastAt[row] = time;
				this.last[row] = lasts[i]!;
			}
		}
	}

	/** The buckets in time order. */
	table(series: number): SeriesTable {
		const order = this.starts.map((_, i) => i);
		if (this.starts.some((start, i) => i > 0 && start < this.starts[i - 1]!))
			order.sort((a, b) => this.starts[a]! - this.starts[b]!);
		const pick = (column: readonly number[]) => Float64Array.from(order, (row) => column[row]!);
		const above = Float64Array.from(order, (row) => {
			const count = this.count[row]!;
			const lowest = this.min[row]!;
			if (count === 0) return NaN;
			return lowest === this.max[row] ? 0 : Math.fround(Math.max(0, this.sum[row]! / count - lowest));
		});
		return {
			series,
			times: pick(this.starts),
			columns: [pick(this.count), pick(this.min), pick(this.max), above, pick(this.last), pick(this.quality)]
		};
	}
}

/** Rolls tables of one level up (or, with the same level, joins them) to buckets of `toLevel`. */
export function rollUp(fromLevel: number, toLevel: number, parts: readonly SeriesTable[]): SeriesTable {
	const sum = new BucketSum(LEVEL_WIDTHS[toLevel]!);
	for (const part of parts) sum.add(fromLevel, part);
	return sum.table(parts[0]!.series);
}

/** First index whose time is at or after `time`. */
export function lowerBound(times: Float64Array, time: number): number {
	let low = 0;
	let high = times.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (times[middle]! < time) low = middle + 1;
		else high = middle;
	}
	return low;
}

export function sliceTable(table: SeriesTable, from: number, to: number): SeriesTable {
	if (from === 0 && to === table.times.length) return table;
	return {
		series: table.series,
		times: table.times.slice(from, to),
		columns: table.columns.map((column) => column.slice(from, to))
	};
}
