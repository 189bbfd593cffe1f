/**
 * Storage: finding and opening segments. Keys say all that is needed to choose; contents never change under a key, so opened
 * segments are kept in a bounded cache without any need to be told of other tabs' work.
 */
import Dexie from 'dexie';
import { Segment } from './codec/segment';
import { Key, type Database, type SegmentKey } from './database';

/** Longest span of a segment by class: a range scan looks that far before the wanted start, and no further. */
const CLASS_SPANS = [4 * 3_600_000, 2 * 86_400_000, 32 * 86_400_000, 366 * 86_400_000, Infinity];

export function spanClassOf(from: number, to: number): number {
	return CLASS_SPANS.findIndex((span) => to - from <= span);
}

/** Opened segments that nobody has asked for this long are let go: most of them have been joined into others since, perhaps in another tab. */
const KEPT_UNUSED_MS = 10 * 60_000;

/** Keys of the segments of one machine and level that overlap [from, to]. In a transaction or not. */
export async function findSegments(
	tables: Pick<Database, 'segments'>,
	machine: number,
	level: number,
	from: number,
	to: number
): Promise<SegmentKey[]> {
	const lists = await Dexie.Promise.all(
		CLASS_SPANS.map((span, spanClass) => {
			const low = [machine, level, spanClass, Math.max(from - span, -Number.MAX_VALUE)];
			const high = [machine, level, spanClass, to, Dexie.maxKey];
			return tables.segments.where(':id').between(low, high, true, true).primaryKeys();
		})
	);
	return lists
		.flat()
		.filter((key) => key[Key.to] >= from)
		.sort((a, b) => a[Key.from] - b[Key.from]);
}

/** All keys of one level over all machines, or of every level. */
export async function allSegments(tables: Pick<Database, 'segments'>, level?: number): Promise<SegmentKey[]> {
	const keys = await tables.segments.toCollection().primaryKeys();
	return level === undefined ? keys : keys.filter((key) => key[Key.level] === level);
}

export class SegmentCache {
	/** Least recently used first. */
	private readonly held = new Map<string, { segment: Segment | undefined; weight: number; usedAt: number }>();
	private weight = 0;
	/** Segments that could not be read, by key, and why: counted, skipped, shown. */
	readonly unreadable = new Map<string, string>();

	/** `now`: milliseconds of a clock that nobody sets. */
	constructor(
		private readonly limitBytes: number,
		private readonly now: () => number = () => performance.now()
	) {}

	/** Opens segments in the order of the keys; undefined where one is gone or unreadable. */
	async open(tables: Pick<Database, 'segments'>, keys: readonly SegmentKey[]): Promise<(Segment | undefined)[]> {
		const names = keys.map((key) => key.join());
		const missing = keys.filter((_, i) => !this.held.has(names[i]!));
		const fetched = new Map<string, Segment | undefined>();
		if (missing.length > 0) {
			const blocks = await tables.segments.bulkGet(missing as SegmentKey[]);
			missing.forEach((key, i) => {
				const block = blocks[i];
				const name = key.join();
				if (!block) return;
				const segment = this.openBlock(key, block);
				fetched.set(name, segment);
				this.held.set(name, { segment, weight: 0, usedAt: this.now() });
			});
		}
		const opened = names.map((name) => {
			const entry = this.held.get(name);
			if (!entry) return fetched.get(name);
			this.held.delete(name);
			entry.usedAt = this.now();
			this.held.set(name, entry);
			return entry.segment;
		});
		this.trim(names);
		return opened;
	}

	/** As `open`, for what is read once and then replaced: nothing more is held afterwards. */
	async peek(tables: Pick<Database, 'segments'>, keys: readonly SegmentKey[]): Promise<(Segment | undefined)[]> {
		const missing = keys.filter((key) => !this.held.has(key.join()));
		const blocks = missing.length > 0 ? await tables.segments.bulkGet(missing as SegmentKey[]) : [];
		const read = new Map(missing.map((key, i) => [key, this.openBlock(key, blocks[i])]));
		return keys.map((key) => (read.has(key) ? read.get(key) : this.held.get(key.join())?.segment));
	}

	/** They are stored no longer. */
	forget(keys: readonly SegmentKey[]): void {
		for (const key of keys) {
			const name = key.join();
			this.weight -= this.held.get(name)?.weight ?? 0;
			this.held.delete(name);
		}
	}

	private openBlock(key: SegmentKey, block: Uint8Array | undefined): Segment | undefined {
		if (!block) return undefined;
		try {
			return new Segment(block);
		} catch (error) {
			this.unreadable.set(key.join(), (error as Error).message);
			return undefined;
		}
	}

	/** Counts what was decoded since, and lets the least recently used go: beyond the limit, or unused for long. */
	trim(touched: readonly string[] = []): void {
		for (const name of touched) {
			const entry = this.held.get(name);
			if (!entry) continue;
			const now = entry.segment?.weight ?? 100;
			this.weight += now - entry.weight;
			entry.weight = now;
		}
		const unused = this.now() - KEPT_UNUSED_MS;
		for (const [name, entry] of this.held) {
			if (this.weight <= this.limitBytes && entry.usedAt > unused) break;
			this.held.delete(name);
			this.weight -= entry.weight;
		}
	}

	clear(): void {
		this.held.clear();
		this.weight = 0;
	}
}
