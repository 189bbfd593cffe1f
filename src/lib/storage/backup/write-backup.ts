/**
 * Storage, backup: a whole workspace as one stream of bytes.
 *
 * In: a workspace. Out: frames (frames.ts): what it is, every row of every table, the journal, the segments as they are, and the end. One read
 * transaction gives a consistent view of all but the segments' bytes; these never change under their keys, and the seal lock keeps them there.
 */
import {
	lockName,
	MillwrightError,
	type BackupAbout,
	type EpochMs,
	type FileProgress,
	type WorkspaceName
} from '../../contracts';
import { Segment } from '../codec/segment';
import { databaseName, Key, openDatabase, run, type Database, type SegmentKey } from '../database';
import { openJournal } from '../journal';
import { withLock } from '../lock';
import { spreadRows, spreadTables } from '../machine-rows';
import { allSegments } from '../segments';
import { FrameType, FrameWriter } from './frames';
import { withoutSecrets } from './secrets';
import { stringify } from './tagged-json';

/**
 * The form that rows have in a backup: that of schema 3, whatever form they are stored in, so that backups can be read across
 * versions. A change that older versions must not read raises it.
 */
export const ROWS_VERSION = 3;

/** Tables that are stored as they are written. */
const storedTables = [
	'state',
	'tails',
	'modelVersions',
	'assignments',
	'alarms',
	'spans',
	'verdicts',
	'settings',
	'intakeLog'
] as const;

/** All that is written row by row; those of machines first, which are stored in another form. */
export const rowTables = [...spreadTables, ...storedTables] as const;
export type RowTable = (typeof rowTables)[number];

const ROWS_PER_FRAME = 200;
const SEGMENTS_AT_ONCE = 16;

export interface FileJob {
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: FileProgress) => void;
}

/**
 * Writes the workspace through `write`, which may hold the stream back by its promise. Segments that are damaged on disk are left out.
 * @throws MillwrightError `aborted`, `storage-unavailable`, and what `write` throws
 */
export async function writeBackup(
	workspace: WorkspaceName,
	write: (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>,
	{ signal, onProgress, now = Date.now }: FileJob & { readonly now?: () => EpochMs } = {}
): Promise<{ about: BackupAbout; bytes: number; leftOut: number }> {
	const database = await openDatabase(databaseName(workspace));
	try {
		const work = () =>
			run(
				database,
				() => false,
				() => writeLocked(database, workspace, write, { signal, onProgress }, now())
			);
		return (await withLock(lockName('seal', workspace), false, work))!;
	} finally {
		database.close({ disableAutoOpen: true });
	}
}

async function writeLocked(
	database: Database,
	workspace: WorkspaceName,
	write: (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>,
	{ signal, onProgress }: FileJob,
	createdAt: EpochMs
): Promise<{ about: BackupAbout; bytes: number; leftOut: number }> {
	const { rows, journal, weights, keys } = await takeStock(database);
	const about = describe(workspace, createdAt, rows, journal, keys);
	const total =
		keys.reduce((sum, key) => sum + key[Key.bytes], 0) +
		journal.reduce((sum, { data }) => sum + data.byteLength, 0) +
		weights.reduce((sum, row) => sum + row.weights.byteLength, 0);
	const frames = new FrameWriter(async (bytes) => {
		if (signal?.aborted) throw new MillwrightError('aborted', 'Backup cancelled');
		await write(bytes);
	});
	const text = (value: unknown) => new TextEncoder().encode(stringify(value));
	const step = () => onProgress?.({ done: frames.bytes, total: Math.max(total, frames.bytes), of: 'bytes' });

	await frames.begin();
	await frames.frame(FrameType.about, text({ kind: 'millwright-backup', schema: ROWS_VERSION, ...about }));
	const counts: Record<string, number> = {};
	for (const table of rowTables) {
		counts[table] = rows[table].length;
		for (let at = 0; at < rows[table].length; at += ROWS_PER_FRAME)
			await frames.frame(FrameType.rows, text({ table, rows: rows[table].slice(at, at + ROWS_PER_FRAME) }));
	}
	for (const { id, weights: bytes } of weights)
		await frames.frame(FrameType.weights, ...named(text(id), new Uint8Array(bytes)));
	for (const { seq, at, data } of journal)
		await frames.frame(FrameType.journal, ...named(text({ seq, at }), new Uint8Array(data)));
	let segments = 0;
	let leftOut = 0;
	step();
	for (let at = 0; at < keys.length; at += SEGMENTS_AT_ONCE) {
		const some = keys.slice(at, at + SEGMENTS_AT_ONCE);
		const blocks = await database.segments.bulkGet(some);
		for (let i = 0; i < some.length; i++) {
			const block = blocks[i];
			if (!block || !isReadable(block)) {
				leftOut++;
				continue;
			}
			await frames.frame(FrameType.segment, ...named(text(some[i]), block));
			segments++;
		}
		step();
	}
	await frames.end({ rows: counts, weights: weights.length, journal: journal.length, segments, leftOut });
	onProgress?.({ done: frames.bytes, total: frames.bytes, of: 'bytes' });
	return { about, bytes: frames.bytes, leftOut };
}

/** A payload of two parts: what it is (with its length before it), and its bytes. */
function named(name: Uint8Array, bytes: Uint8Array): Uint8Array[] {
	const length = new Uint8Array(4);
	new DataView(length.buffer).setUint32(0, name.length, true);
	return [length, name, bytes];
}

function takeStock(database: Database) {
	return database.transaction('r', database.tables, async () => {
		const rows = {} as Record<RowTable, unknown[]>;
		Object.assign(
			rows,
			spreadRows({ directory: await database.directory.toArray(), registry: await database.registry.toArray() })
		);
		for (const table of storedTables) rows[table] = await database[table].toArray();
		rows.settings = (rows.settings as { key: string; value: unknown }[]).flatMap((row) => withoutSecrets(row) ?? []);
		return {
			rows,
			journal: await database.journal.toArray(),
			weights: await database.modelWeights.toArray(),
			keys: await allSegments(database)
		};
	});
}

function describe(
	workspace: WorkspaceName,
	createdAt: EpochMs,
	rows: Record<RowTable, unknown[]>,
	journal: readonly { seq: number; at: number; data: ArrayBuffer }[],
	keys: readonly SegmentKey[]
): BackupAbout {
	let readings = 0;
	let from = Infinity;
	let to = -Infinity;
	for (const key of keys) {
		if (key[Key.level] === 0) readings += key[Key.readings];
		from = Math.min(from, key[Key.from]);
		to = Math.max(to, key[Key.to]);
	}
	for (const row of journal) {
		const record = openJournal(row);
		readings += record.readings;
		for (const time of record.times) {
			from = Math.min(from, time);
			to = Math.max(to, time);
		}
	}
	return {
		workspace,
		createdAt,
		machines: rows.machines.length,
		sensors: rows.sensors.length,
		readings,
		models: rows.modelVersions.length,
		alarms: rows.alarms.length,
		...(readings > 0 || from < to ? { from, to } : {})
	};
}

function isReadable(block: Uint8Array): boolean {
	try {
		return new Segment(block) instanceof Segment;
	} catch {
		return false;
	}
}
