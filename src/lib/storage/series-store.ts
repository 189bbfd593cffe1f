/**
 * Storage: telemetry. Appends go to the journal, one durable record each; sealing turns them into segments; queries read all as one.
 */
import {
	lockName,
	MillwrightError,
	type EpochMs,
	type MachineId,
	type ReadingBatch,
	type SensorId,
	type SeriesQuery,
	type SeriesSlice,
	type WorkspaceName
} from '../contracts';
import {
	inTransaction,
	journalState,
	Key,
	type Database,
	type JournalRow,
	type SegmentKey,
	type SeriesTables
} from './database';
import { Directory } from './directory';
import { checkBatch, sortBatch } from './intake';
import { encodeJournal, journalTables, openJournal } from './journal';
import { isLockWanted, withLock } from './lock';
import { pace } from './pace';
import { querySeries } from './query';
import { planSeal } from './seal';
import { allSegments, findSegments, SegmentCache } from './segments';
import { storageTiers, type CommitReceipt, type SeriesStore, type StorageTier } from './store';
import { storedReader } from './stored-rows';
import { Tail, tablesOf } from './tail';

/** Readings in the journal (32 MB) that are sealed at once: the more rows a seal brings each series, the less often they are coded again. */
const SEAL_READINGS = 2_000_000;
/** With more in the journal sealing does not keep up: it is pressing then. */
const PRESSING_READINGS = 2 * SEAL_READINGS;
/** Times that one write may let old data go before it gives up. */
const ROOM_ROUNDS = 6;
/** Age of the oldest journal record that makes it worth while, given a few rows for each series, and in any case. */
const SEAL_AGE_MS = 120_000;
const SEAL_ROWS = 8;
const LONGEST_AGE_MS = 30 * 60_000;

const ALL = ['state', 'journal', 'tails', 'segments'] as const;
const OPEN_TAIL = ['state', 'journal', 'tails'] as const;

export interface SeriesContext {
	readonly database: Database;
	readonly workspace: WorkspaceName;
	/** Runs storage work, reopening a dropped connection and naming errors. */
	readonly run: <T>(work: () => PromiseLike<T>) => Promise<T>;
	readonly now: () => EpochMs;
	readonly autoSeal: boolean;
	readonly resolutionOf: (sensorIds: readonly SensorId[]) => Promise<(sensorId: SensorId) => number | undefined>;
	readonly cacheBytes: number;
	/** After a seal that came by itself: the moment for other upkeep. */
	readonly afterSeal?: () => Promise<void>;
}

export class DexieSeriesStore implements SeriesStore {
	readonly directory: Directory;
	readonly cache: SegmentCache;
	private readonly tail = new Tail();
	private appending: Promise<unknown> = Promise.resolve();
	private sealing: Promise<unknown> | undefined;

	constructor(private readonly context: SeriesContext) {
		this.directory = new Directory(context.database);
		this.cache = new SegmentCache(context.cacheBytes);
	}

	append(batch: ReadingBatch): Promise<CommitReceipt> {
		const turn = this.appending.then(() => this.appendNow(batch));
		this.appending = turn.catch(() => undefined);
		return turn;
	}

	private async appendNow(batch: ReadingBatch): Promise<CommitReceipt> {
		checkBatch(batch);
		if (batch.times.length === 0) return { stored: 0, duplicates: 0, conflicts: 0, outOfOrder: 0 };
		const receipt = await this.withRoom(false, () => this.context.run(() => this.commit(batch)));
		this.considerSealing();
		return receipt;
	}

	/**
	 * Quota: lets the oldest raw data go (a twentieth, what it says stays in the rollups), then the oldest minutes, and tries again, so that
	 * new readings are never the ones that are lost. Throws the 'storage-quota' error when nothing is left to let go, or when letting go
	 * `ROOM_ROUNDS` times has not helped: then something else fills the disk, and emptying the store would not mend it.
	 */
	private async withRoom<T>(locked: boolean, work: () => Promise<T>): Promise<T> {
		for (let round = 0; ; round++) {
			try {
				return await work();
			} catch (error) {
				if (!(error instanceof MillwrightError) || error.code !== 'storage-quota') throw error;
				if (round >= ROOM_ROUNDS || !(await this.makeRoom(locked))) throw error;
				// The browser counts what was deleted as free only after a while.
				if (round > 0) await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** round));
			}
		}
	}

	private async makeRoom(locked: boolean): Promise<boolean> {
		const { bytesByTier } = await this.statistics();
		for (const tier of ['raw', 'minute'] as const) {
			if (bytesByTier[tier] === 0) continue;
			const enough = Math.max(bytesByTier[tier] / 20, 1_000_000);
			const options = { tier, before: Infinity, atMost: Infinity, enoughBytes: enough };
			const { removed } = locked ? await this.trimLocked(options) : await this.trim(options);
			if (removed > 0) return true;
		}
		return false;
	}

	private async commit(batch: ReadingBatch): Promise<CommitReceipt> {
		const { database } = this.context;
		const rows = await this.directory.ensure(batch.sensorIds);
		const resolutionOf = await this.context.resolutionOf(batch.sensorIds);
		/** Undefined: somebody else appended meanwhile, look again before deciding what is new. `locked`: tables of a transaction that keeps others out. */
		const attempt = async (
			locked?: SeriesTables
		): Promise<{ receipt: CommitReceipt; row?: JournalRow } | undefined> => {
			const { seq, epoch } = this.tail;
			const readStored = storedReader(database, this.cache, this.tail.known, locked);
			const { data, receipt } = await sortBatch(this.tail, readStored, batch, rows, resolutionOf);
			const row = data && { seq: seq + 1, at: this.context.now(), data };
			const write = async (tables: Pick<SeriesTables, 'state' | 'journal'>) => {
				const state = await journalState(tables);
				if (state.seq !== seq || state.epoch !== epoch) return false;
				if (!row) return true;
				await tables.journal.add(row);
				await tables.state.put({ ...state, seq: row.seq });
				return true;
			};
			const written = locked
				? await write(locked)
				: await inTransaction(database, 'rw', ['state', 'journal'] as const, write);
			return written ? { receipt, ...(row ? { row } : {}) } : undefined;
		};
		const finish = ({ receipt, row }: { receipt: CommitReceipt; row?: JournalRow }) => {
			if (row) this.tail.add(openJournal(row));
			return receipt;
		};
		for (let tries = 0; tries < 3; tries++) {
			if (tries > 0 || this.tail.seq < 0) await this.look();
			const done = await attempt();
			if (done) return finish(done);
		}
		// Others are quick: look, sort and write in one transaction that keeps them out.
		const done = await inTransaction(database, 'rw', ALL, async (tables) => {
			await this.tail.snapshot(tables);
			return (await attempt(tables))!;
		});
		return finish(done);
	}

	/** Brings this context's tail up to date. */
	private look() {
		return inTransaction(this.context.database, 'r', OPEN_TAIL, (tables) => this.tail.snapshot(tables));
	}

	private considerSealing(): void {
		if (!this.context.autoSeal || this.sealing) return;
		if (!this.isDue()) return;
		this.sealing = this.seal()
			.then(() => this.context.afterSeal?.())
			.catch(() => undefined) // the journal keeps everything; the next append tries again
			.finally(() => (this.sealing = undefined));
	}

	/** Whether the journal, as last seen, is old or large enough to be sealed. */
	private isDue(): boolean {
		const { readings, series, oldest } = this.tail.pending;
		if (readings === 0) return false;
		if (readings >= SEAL_READINGS) return true;
		// A clock that was set back makes records of the future: as old as any.
		const age = Math.abs(this.context.now() - oldest);
		return age >= LONGEST_AGE_MS || (age >= SEAL_AGE_MS && readings >= SEAL_ROWS * series);
	}

	query(query: SeriesQuery): Promise<SeriesSlice[]> {
		return this.context.run(async () => {
			const rows = await this.directory.find(query.sensorIds);
			return querySeries(this.context.database, this.tail, this.cache, rows, query);
		});
	}

	latest(sensorIds: readonly SensorId[]) {
		return this.context.run(async () => {
			const rows = await this.directory.find(sensorIds);
			await this.look();
			const found = new Map<SensorId, { time: EpochMs; value: number; quality: number }>();
			rows.forEach((row, i) => {
				const newest = row && this.tail.newest(row.key);
				if (newest) found.set(sensorIds[i]!, newest);
			});
			return found;
		});
	}

	extent(machineId: MachineId) {
		return this.context.run(async () => {
			const { database } = this.context;
			const own = await this.directory.machine(machineId);
			if (own === undefined) return undefined;
			return inTransaction(database, 'r', OPEN_TAIL, async (tables) => {
				const { records } = await this.tail.snapshot(tables);
				const tail = await tables.tails.get(own.key);
				let from = tail?.from ?? Infinity;
				let to = tail?.to ?? -Infinity;
				let readings = tail?.readings ?? 0;
				for (const key of own.series)
					for (const { times } of journalTables(records, key)) {
						from = Math.min(from, times[0]!);
						to = Math.max(to, times[times.length - 1]!);
						readings += times.length;
					}
				return readings > 0 ? { from, to, readings } : undefined;
			});
		});
	}

	seal(options: { readonly all?: boolean } = {}): Promise<{ chunks: number }> {
		const name = lockName('seal', this.context.workspace);
		return withLock(name, !options.all, async () => {
			let chunks = 0;
			let goal = Infinity;
			// In portions, so that a large journal is never in one transaction; no further than what there is now.
			for (;;) {
				const portion = await this.withRoom(true, () => this.context.run(() => this.sealPortion(options.all ?? false)));
				chunks += portion.chunks;
				goal = Math.min(goal, portion.last);
				if (portion.sealed >= goal) return { chunks };
			}
		}).then((result) => result ?? { chunks: 0 });
	}

	private async sealPortion(all: boolean): Promise<{ chunks: number; sealed: number; last: number }> {
		const { database } = this.context;
		const { state, records } = await this.look();
		if (records.length === 0 || !(all || this.isDue())) return { chunks: 0, sealed: Infinity, last: state.seq };
		const portion: (typeof records)[number][] = [];
		let readings = 0;
		for (const record of records) {
			if (readings >= SEAL_READINGS) break;
			portion.push(record);
			readings += record.readings;
		}
		const unknown = new Set<number>();
		for (const record of portion)
			for (const series of record.series) if (!this.directory.row(series)) unknown.add(series);
		if (unknown.size > 0) await this.directory.loadAll();
		const machineOf = (series: number) => this.directory.row(series)!.machine;
		const lock = lockName('seal', this.context.workspace);
		const breathe = pace(() => all || this.tail.pending.readings > PRESSING_READINGS || isLockWanted(lock));
		const plan = await planSeal(database, this.cache, portion, machineOf, state.serial, breathe);
		const sealed = portion[portion.length - 1]!.seq;
		await inTransaction(database, 'rw', ALL, async (tables) => {
			const now = await journalState(tables);
			if (now.epoch !== state.epoch || now.sealed !== state.sealed)
				throw new Error('The journal changed while it was being sealed');
			await tables.segments.bulkPut(
				plan.put.map(([, bytes]) => bytes),
				plan.put.map(([key]) => key) as never
			);
			await tables.segments.bulkDelete(plan.remove as never);
			await tables.tails.bulkPut(plan.tails);
			await tables.journal.where('seq').belowOrEqual(sealed).delete();
			await tables.state.put({ ...now, sealed, serial: plan.serial });
		});
		this.cache.forget(plan.remove);
		await this.look();
		return { chunks: plan.put.length, sealed, last: state.seq };
	}

	async deleteMachine(machineId: MachineId): Promise<void> {
		const { database, run, workspace } = this.context;
		await withLock(lockName('seal', workspace), false, () =>
			run(async () => {
				const own = await this.directory.machine(machineId);
				if (own === undefined) return;
				const series = new Set(own.series);
				await inTransaction(database, 'rw', ALL, async (tables) => {
					const state = await journalState(tables);
					await tables.segments
						.where(':id')
						.between([own.key], [own.key + 1], true, false)
						.delete();
					await tables.tails.delete(own.key);
					for (const row of await tables.journal.toArray()) {
						const record = openJournal(row);
						if (!record.series.some((key) => series.has(key))) continue;
						const kept = tablesOf(record).filter((table) => !series.has(table.series));
						let end = 0;
						const joined = (column: (table: (typeof kept)[number]) => Float64Array) =>
							Float64Array.from(kept.flatMap((table) => [...column(table)]));
						const data = encodeJournal(
							Uint32Array.from(kept, (table) => table.series),
							Uint32Array.from(kept, (table) => (end += table.times.length)),
							joined((table) => table.times),
							joined((table) => table.columns[0]!),
							Uint8Array.from(joined((table) => table.columns[1]!))
						);
						await tables.journal.put({ ...row, data });
					}
					await tables.state.put({ ...state, epoch: state.epoch + 1 });
				});
			})
		);
	}

	async trim(options: TrimOptions): Promise<{ removed: number; bytes: number }> {
		const done = await withLock(lockName('seal', this.context.workspace), false, () => this.trimLocked(options));
		return done!;
	}

	private trimLocked({
		tier,
		before,
		atMost,
		enoughBytes = Infinity
	}: TrimOptions): Promise<{ removed: number; bytes: number }> {
		const { database, run } = this.context;
		const level = storageTiers.indexOf(tier);
		return run(async () => {
			// Open segments are not rolled up yet: what they hold is nowhere else.
			const closed = (await allSegments(database, level)).filter(
				(key) => key[Key.rolled] === 1 && key[Key.to] < before
			);
			closed.sort((a, b) => a[Key.to] - b[Key.to]);
			let bytes = 0;
			const going: SegmentKey[] = [];
			for (const key of closed) {
				if (going.length >= atMost || bytes >= enoughBytes) break;
				going.push(key);
				bytes += key[Key.bytes];
			}
			if (going.length === 0) return { removed: 0, bytes: 0 };
			await inTransaction(database, 'rw', ['tails', 'segments'] as const, async (tables) => {
				await tables.segments.bulkDelete(going as never);
				const machines = [...new Set(going.map((key) => key[Key.machine]))];
				for (const tail of await tables.tails.bulkGet(machines)) {
					if (!tail) continue;
					const dropped = tail.dropped ?? storageTiers.map(() => -Infinity);
					for (const key of going)
						if (key[Key.machine] === tail.machine) {
							dropped[level] = Math.max(dropped[level]!, key[Key.to]);
							if (level === 0) tail.readings -= key[Key.readings];
						}
					if (level === 0) {
						const left = await findSegments(tables, tail.machine, 0, -Number.MAX_VALUE, Number.MAX_VALUE);
						tail.from = left.reduce((first, key) => Math.min(first, key[Key.from]), Infinity);
						tail.to = left.reduce((last, key) => Math.max(last, key[Key.to]), -Infinity);
					}
					await tables.tails.put({ ...tail, dropped });
				}
			});
			return { removed: going.length, bytes };
		});
	}

	statistics() {
		return this.context.run(async () => {
			return inTransaction(this.context.database, 'r', ALL, async (tables) => {
				const { records } = await this.tail.snapshot(tables);
				const keys = await allSegments(tables);
				const bytesByTier = { raw: 0, minute: 0, 'ten-minutes': 0, hour: 0, day: 0 };
				let readings = 0;
				let bytes = 0;
				let oldest = Infinity;
				let newest = -Infinity;
				for (const key of keys) {
					bytes += key[Key.bytes];
					bytesByTier[storageTiers[key[Key.level]]!] += key[Key.bytes];
					if (key[Key.level] === 0) readings += key[Key.readings];
					oldest = Math.min(oldest, key[Key.from]);
					newest = Math.max(newest, key[Key.to]);
				}
				for (const record of records) {
					readings += record.readings;
					bytes += 16 * record.readings + 8 * record.series.length;
					for (const { times } of tablesOf(record)) {
						oldest = Math.min(oldest, times[0]!);
						newest = Math.max(newest, times[times.length - 1]!);
					}
				}
				return {
					readings,
					bytes,
					chunks: keys.length,
					journalEntries: records.length,
					...(oldest === Infinity ? {} : { oldest, newest }),
					bytesByTier,
					unreadable: this.cache.unreadable.size
				};
			});
		});
	}
}

interface TrimOptions {
	readonly tier: StorageTier;
	readonly before: EpochMs;
	readonly atMost: number;
	/** Stops once so many bytes are let go. */
	readonly enoughBytes?: number;
}
