/**
 * Storage, backup: frames back into what the tables hold, each row checked before anybody gets it.
 *
 * In: a file. Out: its description, then rows, weights, journal records and segments. Checksums prove that the file is as it was written; the
 * checks of form here keep a file made by something else from leaving a database that cannot be read.
 */
import { MillwrightError, workspaceNames, type BackupAbout } from '../../contracts';
import { Segment } from '../codec/segment';
import { type JournalRow, type SegmentKey } from '../database';
import { FrameType, readFrames, type ReadOptions } from './frames';
import { parse } from './tagged-json';
import { ROWS_VERSION, rowTables, type RowTable } from './write-backup';

export type BackupPart =
	| { readonly kind: 'about'; readonly about: BackupAbout }
	| { readonly kind: 'rows'; readonly table: RowTable; readonly rows: readonly Record<string, unknown>[] }
	| { readonly kind: 'weights'; readonly id: string; readonly weights: ArrayBuffer }
	| { readonly kind: 'journal'; readonly row: JournalRow }
	| { readonly kind: 'segment'; readonly key: SegmentKey; readonly bytes: Uint8Array<ArrayBuffer> };

/** Forms from here on only gained tables: a backup in one of them restores as one in which those are empty. */
const OLDEST_READ = 2;

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string';
const filled: Check = (value) => typeof value === 'string' && value !== '';
const number: Check = (value) => typeof value === 'number';
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const numbers: Check = (value) => Array.isArray(value) && value.every(number);
const isKey: Check = (value) => Array.isArray(value) && value.length === 10 && value.every(Number.isFinite);
const keys: Check = (value) => Array.isArray(value) && value.every(isKey);

const shapes: Record<RowTable, Record<string, Check>> = {
	assets: { id: filled, key: whole },
	series: { id: filled, key: whole, machine: whole },
	state: { key: (value) => value === 'journal' || value === 'numbers' },
	tails: {
		machine: whole,
		series: numbers,
		times: numbers,
		values: numbers,
		qualities: numbers,
		from: number,
		to: number,
		readings: whole,
		open: keys
	},
	machines: { id: filled, path: object, origin: text, firstSeen: number },
	sensors: { id: filled, machineId: filled, name: text, kind: text, firstSeen: number },
	modelVersions: { id: filled, spec: object, createdAt: number },
	assignments: { machineId: filled, versionId: filled },
	alarms: { id: filled, machineId: filled, state: text, raisedAt: number },
	spans: { id: filled, machineId: filled, start: number },
	verdicts: { id: filled, machineId: filled, start: number, entries: Array.isArray },
	settings: { key: filled },
	intakeLog: { reason: filled, count: whole }
};

const foreign = (what: string) =>
	new MillwrightError('invalid-file', `The backup holds ${what}: it was not written by Millwright.`);

/** @throws MillwrightError `invalid-file`, `aborted` */
export async function* readBackup(file: Blob, options: ReadOptions = {}): AsyncGenerator<BackupPart, void> {
	const frames = readFrames(file, options);
	const counts: Record<string, number> = { weights: 0, journal: 0, segments: 0 };
	const rowCounts: Record<string, number> = Object.fromEntries(rowTables.map((table) => [table, 0]));
	let about: BackupAbout | undefined;
	for (;;) {
		const next = await frames.next();
		if (next.done) {
			const end = next.value;
			const stated = (end['rows'] ?? {}) as Record<string, number>;
			if (!about) throw foreign('no description');
			for (const table of rowTables)
				if ((stated[table] ?? 0) !== rowCounts[table]) throw foreign(`another number of ${table} than it states`);
			for (const [what, count] of Object.entries(counts))
				if (end[what] !== count) throw foreign(`another number of ${what} than it states`);
			return;
		}
		const { type, payload } = next.value;
		if (!about) {
			if (type !== FrameType.about) throw foreign('no description');
			about = readAbout(payload);
			yield { kind: 'about', about };
		} else if (type === FrameType.rows) {
			const { table, rows } = asObject(parse(decode(payload)));
			if (!rowTables.includes(table as RowTable) || !Array.isArray(rows)) throw foreign('a table that is not known');
			for (const row of rows) checkRow(table as RowTable, row);
			rowCounts[table as string]! += rows.length;
			yield { kind: 'rows', table: table as RowTable, rows };
		} else if (type === FrameType.weights) {
			const { name, bytes } = split(payload);
			if (!filled(name)) throw foreign('weights without a name');
			counts['weights']!++;
			yield { kind: 'weights', id: name as string, weights: bytes.buffer };
		} else if (type === FrameType.journal) {
			const { name, bytes } = split(payload);
			const { seq, at } = asObject(name);
			if (!whole(seq) || !number(at) || !isJournal(bytes)) throw foreign('a journal record that makes no sense');
			counts['journal']!++;
			yield { kind: 'journal', row: { seq: seq as number, at: at as number, data: bytes.buffer } };
		} else if (type === FrameType.segment) {
			const { name, bytes } = split(payload);
			if (!isKey(name)) throw foreign('a segment without a key');
			new Segment(bytes); // throws if it is none
			counts['segments']!++;
			yield { kind: 'segment', key: name as SegmentKey, bytes };
		} else throw foreign('a record of an unknown kind');
	}
}

function readAbout(payload: Uint8Array): BackupAbout {
	const stated = asObject(parse(decode(payload)));
	if (stated['kind'] !== 'millwright-backup') throw foreign('no description');
	if (!whole(stated['schema']) || !workspaceNames.includes(stated['workspace'] as never))
		throw foreign('a description that makes no sense');
	if ((stated['schema'] as number) > ROWS_VERSION)
		throw new MillwrightError(
			'invalid-file',
			'The backup was written by a newer version of Millwright. Update Millwright first.'
		);
	if ((stated['schema'] as number) < OLDEST_READ)
		throw new MillwrightError(
			'invalid-file',
			'The backup was written by an older version of Millwright, whose form is no longer read.'
		);
	for (const name of ['createdAt', 'machines', 'sensors', 'readings', 'models', 'alarms'])
		if (!number(stated[name])) throw foreign('a description that makes no sense');
	const { kind: _kind, schema: _schema, ...about } = stated;
	return about as unknown as BackupAbout;
}

function checkRow(table: RowTable, row: unknown): void {
	const fields = asObject(row);
	for (const [name, check] of Object.entries(shapes[table]))
		if (!check(fields[name])) throw foreign(`a row of ${table} whose "${name}" makes no sense`);
	if (table === 'tails') {
		const lengths = ['series', 'times', 'values', 'qualities'].map((name) => (fields[name] as unknown[]).length);
		if (new Set(lengths).size > 1) throw foreign('a row of tails whose columns differ in length');
	}
	if (table === 'state') {
		const wanted = fields['key'] === 'journal' ? ['seq', 'sealed', 'epoch', 'serial'] : ['assets', 'series'];
		if (!wanted.every((name) => whole(fields[name]))) throw foreign('a state that makes no sense');
	}
}

/** Lengths and order of a journal record; layout in journal.ts. */
function isJournal({ buffer, byteLength }: Uint8Array<ArrayBuffer>): boolean {
	if (byteLength < 16) return false;
	const [readings, groups, flags] = new Uint32Array(buffer, 0, 3) as unknown as [number, number, number];
	if (byteLength !== 16 + 16 * readings + 8 * groups + (flags & 1 ? readings : 0)) return false;
	const ends = new Uint32Array(buffer, 16 + 16 * readings + 4 * groups, groups);
	return ends.every((end, i) => end > (i === 0 ? 0 : ends[i - 1]!)) && (ends[groups - 1] ?? 0) === readings;
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function asObject(value: unknown): Record<string, unknown> {
	if (!object(value)) throw foreign('a record that makes no sense');
	return value as Record<string, unknown>;
}

function split(payload: Uint8Array<ArrayBuffer>): { name: unknown; bytes: Uint8Array<ArrayBuffer> } {
	const length = payload.length < 4 ? Infinity : new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
	if (4 + length > payload.length) throw foreign('a record that makes no sense');
	return { name: parse(decode(payload.subarray(4, 4 + length))), bytes: payload.slice(4 + length) };
}
