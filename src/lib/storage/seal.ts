/**
 * Storage: the journal's older part turned into segments, and small segments joined and rolled up.
 *
 * In: journal records. Out: new segments, removed ones, new tails: one transaction together with the journal's deletion. As in a log-structured
 * merge tree, new rows take in the small open segments next to them once there are a few of like size, so that each reading is
 * rewritten only a few times; a segment that has reached its full size is closed and its rows rolled up into the next level.
 */
import { encodeSegment, type SeriesTable } from './codec/segment';
import { Key, type Database, type SegmentKey, type TailRow } from './database';
import type { JournalRecord } from './journal';
import { JournalIndex } from './journal-index';
import type { Breathe } from './pace';
import { spanClassOf, type SegmentCache } from './segments';
import { joinRaw, LEVEL_WIDTHS, lowerBound, RawColumn, rollUp, RollupColumn, sliceTable, TOP_LEVEL } from './tables';

/** Rows of the longest series at which a segment of each level is full. */
const FULL_ROWS = [7200, 1440, 1440, 720, 2048];
/** So many open segments of like size are joined at once. */
const FAN_OUT = 4;
/** Rows further apart than this, and than what surrounds them is long, go to segments of their own. */
const GAP_MS = 6 * 3_600_000;

export interface SealPlan {
	put: [SegmentKey, Uint8Array<ArrayBuffer>][];
	readonly remove: SegmentKey[];
	readonly tails: TailRow[];
	readonly serial: number;
}

interface Piece {
	from: number;
	to: number;
	tables: SeriesTable[];
	rows: number;
}

export async function planSeal(
	database: Database,
	cache: SegmentCache,
	records: readonly JournalRecord[],
	machineOf: (series: number) => number,
	firstSerial: number,
	breathe: Breathe
): Promise<SealPlan> {
	const index = new JournalIndex(records);
	const byMachine = new Map<number, number[]>();
	for (const series of index.series) {
		const machine = machineOf(series);
		const own = byMachine.get(machine);
		if (own) own.push(series);
		else byMachine.set(machine, [series]);
	}
	await breathe();
	const machines = [...byMachine.keys()];
	const tails = await database.tails.bulkGet(machines);
	const plan = { put: [] as SealPlan['put'], remove: [] as SegmentKey[], tails: [] as TailRow[], serial: firstSerial };
	for (let m = 0; m < machines.length; m++) {
		const machine = machines[m]!;
		const fresh = byMachine.get(machine)!.map((series) => index.table(series));
		const tail = noteTail(tails[m] ?? newTail(machine), fresh);
		await sealMachine(database, cache, plan, tail, fresh, breathe);
		plan.tails.push(tail);
		await breathe();
	}
	return plan;
}

export function newTail(machine: number): TailRow {
	return {
		machine,
		series: [],
		times: [],
		values: [],
		qualities: [],
		from: Infinity,
		to: -Infinity,
		readings: 0,
		open: []
	};
}

function noteTail(old: TailRow, fresh: readonly SeriesTable[]): TailRow {
	const tail: TailRow = {
		...old,
		series: [...old.series],
		times: [...old.times],
		values: [...old.values],
		qualities: [...old.qualities],
		open: [...old.open]
	};
	const at = new Map(tail.series.map((series, i) => [series, i]));
	for (const table of fresh) {
		const last = table.times.length - 1;
		let i = at.get(table.series);
		if (i === undefined) {
			i = tail.series.push(table.series) - 1;
			tail.times[i] = -Infinity;
		}
		if (table.times[last]! >= tail.times[i]!) {
			tail.times[i] = table.times[last]!;
			tail.values[i] = table.columns[RawColumn.value]![last]!;
			tail.qualities[i] = table.columns[RawColumn.quality]![last]!;
		}
		tail.from = Math.min(tail.from, table.times[0]!);
		tail.to = Math.max(tail.to, table.times[last]!);
		tail.readings += table.times.length;
	}
	return tail;
}

/** Brings new rows of a level into segments; full ones go on to the next level. Changes `plan` and `tail.open`. */
async function sealMachine(
	database: Database,
	cache: SegmentCache,
	plan: { put: SealPlan['put']; remove: SegmentKey[]; serial: number },
	tail: TailRow,
	fresh: readonly SeriesTable[],
	breathe: Breathe
): Promise<void> {
	const written = new Map<SegmentKey, readonly SeriesTable[]>();
	let rising: SeriesTable[] = [...fresh];
	for (let level = 0; level <= TOP_LEVEL && rising.length > 0; level++) {
		const full: Piece[] = [];
		for (const run of splitAtGaps(rising)) {
			let piece = run;
			for (;;) {
				const neighbours = tail.open.filter((key) => key[Key.level] === level && joins(key, piece, level));
				const rows = neighbours.reduce((sum, key) => sum + key[Key.rows], piece.rows);
				// Few and not enough for a full segment: leave them until there are more, so that rows are rewritten seldom.
				if (neighbours.length === 0 || (neighbours.length < FAN_OUT - 1 && rows < FULL_ROWS[level]!)) break;
				tail.open = tail.open.filter((key) => !neighbours.includes(key));
				const tables = [...piece.tables];
				const stored: SegmentKey[] = [];
				for (const key of neighbours) {
					const before = written.get(key);
					if (!before) {
						stored.push(key);
						continue;
					}
					written.delete(key);
					plan.put = plan.put.filter(([put]) => put !== key);
					tables.push(...before);
				}
				const segments = await cache.peek(database, stored);
				for (const [i, segment] of segments.entries()) {
					// An unreadable segment stays where it is, out of the open ones, counted by the cache.
					if (!segment) continue;
					tables.push(...segment.tables());
					plan.remove.push(stored[i]!);
				}
				await breathe();
				piece = pieceOf(joinTables(level, tables));
			}
			for (const part of cutFull(piece, level)) {
				const closed = part.rows >= FULL_ROWS[level]!;
				await breathe();
				const bytes = encodeSegment(part.tables);
				const key: SegmentKey = [
					tail.machine,
					level,
					spanClassOf(part.from, part.to),
					part.from,
					part.to,
					closed ? 1 : 0,
					part.rows,
					readingsOf(level, part.tables),
					bytes.length,
					++plan.serial
				];
				plan.put.push([key, bytes]);
				if (closed) full.push(part);
				else {
					tail.open.push(key);
					written.set(key, part.tables);
				}
			}
		}
		if (level === TOP_LEVEL) break;
		const parts = new Map<number, SeriesTable[]>();
		for (const piece of full)
			for (const table of piece.tables) {
				const known = parts.get(table.series);
				if (known) known.push(table);
				else parts.set(table.series, [table]);
			}
		rising = [...parts.values()].map((tables) => rollUp(level, level + 1, tables));
	}
}

function joins(key: SegmentKey, piece: Piece, level: number): boolean {
	if (key[Key.rows] > 2 * piece.rows || key[Key.rows] + piece.rows > 2 * FULL_ROWS[level]!) return false;
	const apart = Math.max(key[Key.from] - piece.to, piece.from - key[Key.to]);
	return (
		apart <= Math.max(GAP_MS, 64 * LEVEL_WIDTHS[level]!, Math.max(piece.to - piece.from, key[Key.to] - key[Key.from]))
	);
}

function joinTables(level: number, tables: readonly SeriesTable[]): SeriesTable[] {
	const bySeries = new Map<number, SeriesTable[]>();
	for (const table of tables) {
		const known = bySeries.get(table.series);
		if (known) known.push(table);
		else bySeries.set(table.series, [table]);
	}
	return [...bySeries.values()].map((parts) =>
		parts.length === 1 ? parts[0]! : level === 0 ? joinRaw(parts) : rollUp(level, level, parts)
	);
}

function pieceOf(tables: SeriesTable[]): Piece {
	let from = Infinity;
	let to = -Infinity;
	let rows = 0;
	for (const { times } of tables) {
		from = Math.min(from, times[0]!);
		to = Math.max(to, times[times.length - 1]!);
		rows = Math.max(rows, times.length);
	}
	return { from, to, rows, tables };
}

/** Runs of rows that belong together in time, over all series of a machine. */
function splitAtGaps(tables: readonly SeriesTable[]): Piece[] {
	const whole = pieceOf([...tables]);
	if (whole.to - whole.from <= GAP_MS) return [whole];
	const all = Float64Array.from(new Set(tables.flatMap((table) => [...table.times]))).sort();
	const step = (whole.to - whole.from) / Math.max(1, all.length - 1);
	const gap = Math.max(GAP_MS, 64 * step);
	const edges: number[] = [];
	for (let i = 1; i < all.length; i++) if (all[i]! - all[i - 1]! > gap) edges.push(all[i]!);
	return cutAt(whole, edges);
}

function cutAt(piece: Piece, edges: readonly number[]): Piece[] {
	if (edges.length === 0) return [piece];
	const pieces: Piece[] = [];
	const bounds = [-Infinity, ...edges, Infinity];
	for (let e = 0; e + 1 < bounds.length; e++) {
		const tables: SeriesTable[] = [];
		for (const table of piece.tables) {
			const first = lowerBound(table.times, bounds[e]!);
			const end = lowerBound(table.times, bounds[e + 1]!);
			if (end > first) tables.push(sliceTable(table, first, end));
		}
		if (tables.length > 0) pieces.push(pieceOf(tables));
	}
	return pieces;
}

/** Cuts off full segments from the old end; the rest, if any, is last and not full. */
function cutFull(piece: Piece, level: number): Piece[] {
	const full = FULL_ROWS[level]!;
	if (piece.rows < full) return [piece];
	const longest = piece.tables.reduce((a, b) => (b.times.length > a.times.length ? b : a)).times;
	const edges: number[] = [];
	for (let row = full; row < longest.length; row += full) edges.push(longest[row]!);
	return cutAt(piece, edges);
}

function readingsOf(level: number, tables: readonly SeriesTable[]): number {
	let readings = 0;
	for (const table of tables)
		if (level === 0) readings += table.times.length;
		else for (const count of table.columns[RollupColumn.count]!) readings += count;
	return readings;
}
