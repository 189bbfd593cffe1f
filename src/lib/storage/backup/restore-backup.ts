/**
 * Storage, backup: a backup put in place of everything a workspace holds, or not at all.
 *
 * In: a file. Out: the workspace as it was when the backup was made. All of it happens in one transaction that reads and checks the file as it
 * goes: a file that proves bad at its last byte, a cancel, a full disk or a closed tab leaves what was there before.
 */
import Dexie from 'dexie';
import { lockName, MillwrightError, type BackupAbout, type WorkspaceName } from '../../contracts';
import {
	databaseName,
	EVICTING_VERSION,
	journalState,
	openDatabase,
	storageError,
	type Database,
	type JournalState
} from '../database';
import { withLock } from '../lock';
import { gatherRows, spreadTables, type SpreadRows } from '../machine-rows';
import { readBackup, type BackupPart } from './read-backup';
import { ownRows, withOwnSecrets, type SettingRow } from './secrets';
import type { FileJob } from './write-backup';

/** Parts are taken from the file in loads of about so many bytes, one wait of the transaction each. */
const LOAD_BYTES = 2 * 1024 * 1024;
/** How long other tabs may take to let go of the database. */
const LET_GO_MS = 10_000;

/**
 * Reads the whole file and says what is in it; changes nothing.
 * @throws MillwrightError `invalid-file` with the reason, `aborted`
 */
export async function checkBackup(file: Blob, { signal, onProgress }: FileJob = {}): Promise<BackupAbout> {
	let about: BackupAbout | undefined;
	const onBytes = (done: number, total: number) => onProgress?.({ done, total, of: 'bytes' });
	for await (const part of readBackup(file, { signal, onBytes })) if (part.kind === 'about') about = part.about;
	return about!;
}

/**
 * Replaces everything of `workspace` by the backup. Every other context that has it open loses it; open stores of this context must be closed.
 * @throws MillwrightError `invalid-file`, `aborted`, `storage-quota`, `storage-unavailable`; nothing is changed then
 */
export async function restoreBackup(
	workspace: WorkspaceName,
	file: Blob,
	{ signal, onProgress }: FileJob = {}
): Promise<BackupAbout> {
	// What is plainly no backup is refused before anything is touched.
	for await (const _about of readBackup(file, signal ? { signal } : {})) break;
	const name = databaseName(workspace);
	(await openDatabase(name)).close({ disableAutoOpen: true }); // made where there is none, or refused with words
	await makeOthersLetGo(name);
	const database = await openDatabase(name);
	try {
		const work = () => replaceAll(database, file, { signal, onProgress });
		return (await withLock(lockName('seal', workspace), false, work))!;
	} catch (error) {
		throw storageError(error);
	} finally {
		database.close({ disableAutoOpen: true });
	}
}

async function replaceAll(database: Database, file: Blob, { signal, onProgress }: FileJob): Promise<BackupAbout> {
	const onBytes = (done: number, total: number) => onProgress?.({ done, total, of: 'bytes' });
	const parts = readBackup(file, { signal, onBytes });
	const takeLoad = async (): Promise<BackupPart[]> => {
		const load: BackupPart[] = [];
		for (let bytes = 0; bytes < LOAD_BYTES;) {
			const next = await parts.next();
			if (next.done) break;
			load.push(next.value);
			bytes += weightOf(next.value);
		}
		return load;
	};
	let load = await takeLoad();
	const about = load.find((part) => part.kind === 'about')!.about;
	let failure: unknown;
	try {
		await database.transaction('rw', database.tables, async () => {
			const before = await journalState(database);
			const settings = (await database.settings.toArray()) as SettingRow[];
			for (const table of database.tables) await table.clear();
			const spread: SpreadRows = { assets: [], series: [], machines: [], sensors: [] };
			while (load.length > 0) {
				await putParts(database, load, settings, spread);
				const reading = Dexie.ignoreTransaction(() =>
					takeLoad().catch((error: unknown) => {
						failure = error;
						return undefined;
					})
				);
				const next = await Dexie.waitFor(reading);
				if (!next) throw failure;
				load = next;
			}
			const { directory, registry } = gatherRows(spread);
			await database.directory.bulkPut(directory);
			await database.registry.bulkPut(registry);
			await database.settings.bulkPut(ownRows(settings));
			const restored = await journalState(database);
			// A higher epoch than any context has seen voids what they remember.
			const state: JournalState = { ...restored, epoch: Math.max(before.epoch, restored.epoch) + 1 };
			await database.state.put(state);
			if (signal?.aborted) throw (failure = new MillwrightError('aborted', 'Restore cancelled'));
		});
	} catch (error) {
		throw failure ?? error;
	} finally {
		await parts.return();
	}
	return about;
}

function weightOf(part: BackupPart): number {
	if (part.kind === 'rows') return 500 * part.rows.length;
	if (part.kind === 'segment') return part.bytes.length;
	if (part.kind === 'journal') return part.row.data.byteLength;
	return part.kind === 'weights' ? part.weights.byteLength : 0;
}

/** Rows that are stored in another form than they are written in are added to `spread`. */
async function putParts(
	database: Database,
	parts: readonly BackupPart[],
	settings: readonly SettingRow[],
	spread: SpreadRows
): Promise<void> {
	const segments = parts.filter((part) => part.kind === 'segment');
	if (segments.length > 0)
		await database.segments.bulkPut(
			segments.map((part) => part.bytes),
			segments.map((part) => part.key) as never
		);
	for (const part of parts)
		if (part.kind === 'weights') await database.modelWeights.put({ id: part.id, weights: part.weights });
		else if (part.kind === 'journal') await database.journal.put(part.row);
		else if (part.kind === 'rows') {
			const gathered = spreadTables.find((name) => name === part.table);
			if (gathered) {
				for (const row of part.rows) spread[gathered].push(row as never);
				continue;
			}
			const rows =
				part.table === 'settings'
					? (part.rows as unknown as SettingRow[]).map((row) => withOwnSecrets(row, settings))
					: part.rows;
			await database.table(part.table).bulkPut(rows as never[]);
		}
}

/**
 * Closes every connection to the database, in all tabs: asks for a higher version, and gives it up as soon as nobody is in the way.
 * Whoever opens it again starts from what is then there.
 */
function makeOthersLetGo(name: string): Promise<void> {
	return new Promise((resolve, reject) => {
		const request = indexedDB.open(name, EVICTING_VERSION);
		const late = setTimeout(
			() =>
				reject(
					new MillwrightError(
						'storage-unavailable',
						'Another tab holds this data open. Close the other tabs, then try again.'
					)
				),
			LET_GO_MS
		);
		request.onupgradeneeded = () => request.transaction!.abort();
		request.onsuccess = () => request.result.close();
		request.onerror = (event) => {
			event.preventDefault();
			clearTimeout(late);
			if (request.error?.name === 'AbortError') resolve();
			else reject(storageError(request.error));
		};
	});
}
