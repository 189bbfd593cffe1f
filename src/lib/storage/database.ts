/**
 * Storage: the Dexie schema, its versions and what to do when the browser refuses or drops the database.
 *
 * In: a workspace. Out: an open database with strict durability (a commit is on disk before it resolves), and `run`, which reopens
 * once when the browser has closed the connection under us (WebKit does after backgrounding) and turns errors into MillwrightErrors.
 */
import Dexie, { type Table } from 'dexie';
import {
	MillwrightError,
	type Alarm,
	type AnomalySpan,
	type AnomalyVerdict,
	type EdgeNodeBirth,
	type EdgeNodeCount,
	type MachineRecord,
	type ModelVersion,
	type SensorRecord,
	type UnfinishedModelTraining,
	type UnfinishedTraining
} from '../contracts';
import { gatherMachines } from './machine-rows';
import { migrateBlocks } from './migrate-v1';

/** [machine, level, spanClass, from, to, rolled, rows, readings, bytes, serial]: all that is asked of a segment without reading it. */
export type SegmentKey = [number, number, number, number, number, number, number, number, number, number];
export const Key = {
	machine: 0,
	level: 1,
	spanClass: 2,
	from: 3,
	to: 4,
	rolled: 5,
	rows: 6,
	readings: 7,
	bytes: 8,
	serial: 9
} as const;

/** A machine's number and those of its series, by the names of its sensors. */
export interface DirectoryRow {
	id: string;
	key: number;
	names: string[];
	series: number[];
}
/** What is known of a machine and its sensors; the machine itself may be unknown yet. */
export interface RegistryRow {
	id: string;
	machine?: MachineRecord;
	/** In the order of their ids. */
	sensors: SensorRecord[];
}
export interface JournalRow {
	seq: number;
	/** Wall clock of the append. */
	at: number;
	data: ArrayBuffer;
}
/** What the sealed part of a machine ends with. */
export interface TailRow {
	machine: number;
	series: number[];
	times: number[];
	values: number[];
	qualities: number[];
	/** Raw data on disk in segments. */
	from: number;
	to: number;
	readings: number;
	/** By level: the end of what retention let go; nothing of that level is left before it. */
	dropped?: number[];
	/** Segments not yet rolled up into the next level, which later data may still join. */
	open: SegmentKey[];
}
export interface JournalState {
	key: 'journal';
	/** Last journal entry written. */
	seq: number;
	/** Last journal entry sealed into segments. */
	sealed: number;
	/** Raised when stored data went away (machine deleted, retention): caches are void. */
	epoch: number;
	/** Last segment serial given out. */
	serial: number;
}
/** Last numbers given to machines and series; never given again. */
export interface NumberState {
	key: 'numbers';
	assets: number;
	series: number;
}
export interface IntakeRow {
	reason: string;
	count: number;
	last?: { topic: string; payload: string; at: number; message: string };
}

/** How far one of a job's networks has got; `fit` names the network and its data. */
export interface CheckpointRow {
	jobId: string;
	fit: string;
	checkpoint: unknown;
}

export const SCHEMA_VERSION = 5;
/** Asked for and given up at once, to make every other context let go of a database whose content is about to be replaced. */
export const EVICTING_VERSION = SCHEMA_VERSION * 10 + 1;

/** Names of the tables. */
export type TableName = {
	[K in keyof Database]: Database[K] extends Table ? K & string : never;
}[keyof Database];

export class Database extends Dexie {
	declare readonly directory: Table<DirectoryRow, string>;
	declare readonly registry: Table<RegistryRow, string>;
	declare readonly journal: Table<JournalRow, number>;
	declare readonly segments: Table<Uint8Array, SegmentKey>;
	declare readonly tails: Table<TailRow, number>;
	declare readonly state: Table<JournalState | NumberState, string>;
	declare readonly modelVersions: Table<ModelVersion, string>;
	declare readonly modelWeights: Table<{ id: string; weights: ArrayBuffer }, string>;
	declare readonly assignments: Table<{ machineId: string; versionId: string }, string>;
	declare readonly alarms: Table<Alarm, string>;
	declare readonly spans: Table<AnomalySpan, string>;
	declare readonly verdicts: Table<AnomalyVerdict, string>;
	declare readonly settings: Table<{ key: string; value: unknown }, string>;
	declare readonly intakeLog: Table<IntakeRow, string>;
	declare readonly trainings: Table<UnfinishedTraining | UnfinishedModelTraining, string>;
	declare readonly checkpoints: Table<CheckpointRow, [string, string]>;
	declare readonly edgeNodes: Table<EdgeNodeBirth, string>;
	declare readonly edgeCounts: Table<EdgeNodeCount, string>;

	constructor(name: string) {
		// No cache of live queries' results: it hands out frozen objects, which Svelte's state cannot hold.
		super(name, { chromeTransactionDurability: 'strict', cache: 'disabled' });
		// Version 1: uncompressed blocks of one sensor each.
		this.version(1).stores({
			machines: 'id',
			sensors: 'id, machineId',
			blocks: '++id, sensorId',
			alarms: 'id, machineId, raisedAt',
			settings: 'key'
		});
		this.version(2)
			.stores({
				assets: 'id, &key',
				series: 'id, &key, machine',
				journal: 'seq',
				segments: '',
				tails: 'machine',
				state: 'key',
				machines: 'id',
				sensors: 'id, machineId',
				modelVersions: 'id',
				modelWeights: 'id',
				assignments: 'machineId',
				alarms: 'id, machineId, raisedAt, state',
				spans: 'id, machineId, start, [machineId+start]',
				settings: 'key',
				intakeLog: 'reason',
				blocks: null
			})
			.upgrade(migrateBlocks);
		// Version 3: what people said of anomalies; trainings that have not ended.
		this.version(3).stores({
			verdicts: 'id, machineId, start',
			trainings: 'jobId',
			checkpoints: '[jobId+fit], jobId'
		});
		// Version 4: one row for a machine and all its sensors, without an index: a large plant's machines report for the first time by the thousand.
		this.version(4)
			.stores({
				directory: 'id',
				registry: 'id',
				assets: null,
				series: null,
				machines: null,
				sensors: null
			})
			.upgrade(gatherMachines);
		// Version 5: what Sparkplug's edge nodes said at their births.
		this.version(SCHEMA_VERSION).stores({ edgeNodes: 'node', edgeCounts: 'node' });
	}
}

/** Telemetry's tables, of the database or of a transaction. */
export type SeriesTables = Pick<Database, 'journal' | 'segments' | 'tails' | 'state'>;

/**
 * Runs `work` in one transaction over the tables named. The tables it gets are bound to that transaction: what is asked of them belongs to it
 * whatever was awaited before. (Asked of the database itself, Dexie guesses the transaction, and guesses wrong where several
 * run at once and asynchronous functions call each other: it then ends too early.)
 */
export function inTransaction<N extends TableName, T>(
	database: Database,
	mode: 'r' | 'rw',
	names: readonly N[],
	work: (tables: Pick<Database, N>) => Promise<T>
): Promise<T> {
	return database.transaction(mode, names as readonly string[], async (transaction) =>
		work(transaction as unknown as Pick<Database, N>)
	) as unknown as Promise<T>;
}

/** The journal's state as the present transaction sees it. */
export async function journalState(tables: Pick<Database, 'state'>): Promise<JournalState> {
	const state = (await tables.state.get('journal')) as JournalState | undefined;
	return state ?? { key: 'journal', seq: 0, sealed: 0, epoch: 0, serial: 0 };
}

export function databaseName(workspace: string): string {
	return `millwright-${workspace}`;
}

/** Opens the database; MillwrightError 'storage-unavailable' with words a person can act on when it cannot. */
export async function openDatabase(name: string): Promise<Database> {
	if (typeof indexedDB === 'undefined')
		throw new MillwrightError(
			'storage-unavailable',
			'This browser keeps no data here (no IndexedDB). Leave private browsing, or allow this site to store data.'
		);
	const database = new Database(name);
	database.on('versionchange', () => {
		// Another tab brings a newer version or deletes the workspace: let it, and fail here with words.
		database.close({ disableAutoOpen: true });
		return false; // and skip Dexie's own answer, which would open it again
	});
	const blocked = new Promise<never>((_, reject) => {
		database.on('blocked', () => {
			reject(
				new MillwrightError(
					'storage-unavailable',
					'Another tab holds an older version of this app open. Close or reload the other tabs, then try again.'
				)
			);
			return false; // instead of Dexie's own words on the console
		});
	});
	blocked.catch(() => undefined);
	try {
		await Promise.race([database.open(), blocked]);
		// Dexie opens databases of later versions too; what they mean is not known here.
		if ((database.backendDB()?.version ?? 0) > SCHEMA_VERSION * 10)
			throw new DOMException('Newer schema', 'VersionError');
	} catch (error) {
		database.close();
		throw storageError(error);
	}
	return database;
}

/** Anything IndexedDB or Dexie throws, as a MillwrightError. */
export function storageError(error: unknown): MillwrightError {
	if (error instanceof MillwrightError) return error;
	const named = error as { name?: string; message?: string; inner?: { name?: string; message?: string } };
	const names = [named?.name, named?.inner?.name];
	const options = { cause: error };
	const detail = { cause: named?.message ?? String(error) };
	if (names.includes('QuotaExceededError'))
		return new MillwrightError(
			'storage-quota',
			'The browser gives this app no more room to store data.',
			detail,
			options
		);
	if (names.includes('VersionError'))
		return new MillwrightError(
			'storage-unavailable',
			'The stored data was written by a newer version of this app. Reload to get that version.',
			detail,
			options
		);
	if (
		[
			'MissingAPIError',
			'SecurityError',
			'InvalidStateError',
			'UnknownError',
			'OpenFailedError',
			'DatabaseClosedError'
		].some((name) => names.includes(name))
	)
		return new MillwrightError(
			'storage-unavailable',
			`The browser does not let this app store data (${named.inner?.message ?? named.message}). Private browsing, blocked site data or a full disk can be the reason.`,
			detail,
			options
		);
	return new MillwrightError('internal', `Storage failed: ${detail.cause}`, detail, options);
}

/** True when the connection went away without our doing: worth one new attempt. */
function connectionLost(error: unknown): boolean {
	const named = error as { name?: string; message?: string; inner?: { name?: string; message?: string } };
	return [named, named?.inner].some(
		(e) =>
			e?.name === 'DatabaseClosedError' ||
			(e?.name === 'InvalidStateError' && /clos/i.test(e.message ?? '')) ||
			(e?.name === 'UnknownError' && /connection|lost|server/i.test(e.message ?? '')) ||
			(e?.name === 'AbortError' && /connection|clos/i.test(e.message ?? ''))
	);
}

/** Does storage work; reopens and tries once more when the browser dropped the connection. Unless `closed()`, which is final. */
export async function run<T>(database: Database, closed: () => boolean, work: () => PromiseLike<T>): Promise<T> {
	if (closed()) throw new MillwrightError('storage-unavailable', 'This data store has been closed.');
	try {
		return await work();
	} catch (error) {
		if (!connectionLost(error) || closed()) throw storageError(error);
		try {
			if (!database.isOpen()) await database.open();
			return await work();
		} catch (again) {
			throw storageError(again);
		}
	}
}
