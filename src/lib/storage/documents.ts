/**
 * Storage: everything that is not telemetry - registry, models, alarms, spans, settings, intake log. Rows as they cross the contracts.
 */
import Dexie from 'dexie';
import * as v from 'valibot';
import {
	MillwrightError,
	SourceSettingsSchema,
	type Alarm,
	type AnomalySpan,
	type IntakeReason,
	type MachineId,
	type MachineRecord,
	type ModelPackage,
	type ModelVersion,
	type SensorRecord,
	type SourceSettings
} from '../contracts';
import type { Database, IntakeRow } from './database';
import type { AlarmStore, IntakeLogStore, ModelStore, RegistryStore, SettingsStore, SpanStore } from './store';
import { watchQuery, watchTables } from './watch';

export interface DocumentContext {
	readonly database: Database;
	readonly run: <T>(work: () => PromiseLike<T>) => Promise<T>;
	readonly isClosed: () => boolean;
	readonly now: () => number;
}

/** What is known better wins; what is not stated never blanks what was. The first sight stays the earliest. */
function merge<T extends { firstSeen: number }>(old: T | undefined, now: T): T {
	if (!old) return now;
	const merged = { ...old };
	for (const [name, value] of Object.entries(now) as [keyof T, T[keyof T]][]) {
		if (value === undefined || value === '') continue;
		if (name === 'firstSeen') merged.firstSeen = Math.min(old.firstSeen, now.firstSeen);
		else if (name === ('kind' as keyof T) && value === 'other' && old[name] !== undefined) continue;
		else merged[name] = value;
	}
	return merged;
}

function sameRecord(a: unknown, b: unknown): boolean {
	return JSON.stringify(a) === JSON.stringify(b);
}

interface RegistryTable<T> {
	bulkAdd(rows: readonly T[]): PromiseLike<unknown>;
	bulkGet(ids: string[]): PromiseLike<(T | undefined)[]>;
	bulkPut(rows: T[]): PromiseLike<unknown>;
}

/**
 * Merges records into what is stored of them, in the transaction of the caller. What `known` does not name is added without a look,
 * as a large plant's machines report for the first time by the thousand; what then turns out to be there is merged like the rest.
 */
async function mergeInto<T extends { id: string; firstSeen: number }>(
	table: RegistryTable<T>,
	known: Set<string>,
	records: readonly T[]
): Promise<void> {
	const current = new Map<string, T>();
	for (const record of records) current.set(record.id, merge(current.get(record.id), record));
	const there: T[] = [];
	const fresh: T[] = [];
	for (const record of current.values()) (known.has(record.id) ? there : fresh).push(record);
	if (fresh.length > 0) {
		try {
			await table.bulkAdd(fresh);
		} catch (error) {
			if (!(error instanceof Dexie.BulkError)) throw error;
			for (const position of Object.keys(error.failuresByPos)) there.push(fresh[Number(position)]!);
		}
		for (const { id } of fresh) known.add(id);
	}
	if (there.length === 0) return;
	const old = await table.bulkGet(there.map(({ id }) => id));
	const rows = there.map((record, i) => merge(old[i], record)).filter((row, i) => !sameRecord(row, old[i]));
	if (rows.length > 0) await table.bulkPut(rows);
}

export function registryStore({ database, run, isClosed }: DocumentContext): RegistryStore {
	/** Ids that this context has written: they are looked up before they are written again. */
	const knownMachines = new Set<string>();
	const knownSensors = new Set<string>();
	const machines = () => database.machines.toArray();
	const sensors = (machineId?: MachineId) =>
		machineId === undefined
			? database.sensors.toArray()
			: database.sensors.where('machineId').equals(machineId).toArray();
	return {
		machines: () => run(machines),
		sensors: (machineId) => run(() => sensors(machineId)),
		upsert: (newMachines, newSensors) =>
			run(() =>
				database.transaction('rw', database.machines, database.sensors, async () => {
					await mergeInto<MachineRecord>(database.machines as never, knownMachines, newMachines);
					await mergeInto<SensorRecord>(database.sensors as never, knownSensors, newSensors);
				})
			),
		remove: (machineId) =>
			run(() =>
				database.transaction('rw', database.machines, database.sensors, async () => {
					await database.machines.delete(machineId);
					await database.sensors.where('machineId').equals(machineId).delete();
				})
			),
		watch: (onChange) =>
			watchTables(
				database,
				['machines', 'sensors'],
				() =>
					run(() =>
						database.transaction('r', database.machines, database.sensors, async () => ({
							machines: await machines(),
							sensors: await sensors()
						}))
					),
				(found) => onChange(found.machines, found.sensors),
				isClosed
			)
	};
}

export function modelStore({ database, run, isClosed }: DocumentContext): ModelStore {
	const versions = async () => (await database.modelVersions.toArray()).sort((a, b) => a.createdAt - b.createdAt);
	return {
		versions: () => run(versions),
		save: (pkg) =>
			run(() =>
				database.transaction('rw', database.modelVersions, database.modelWeights, async () => {
					await database.modelWeights.put({ id: pkg.version.id, weights: pkg.weights });
					await database.modelVersions.put(pkg.version);
				})
			).then(() => undefined),
		load: (id) =>
			run(() =>
				database.transaction('r', database.modelVersions, database.modelWeights, async (): Promise<ModelPackage> => {
					const version = await database.modelVersions.get(id);
					const weights = await database.modelWeights.get(id);
					if (!version || !weights)
						throw new MillwrightError('not-found', `There is no model version "${id}" here`, { id });
					return { version, weights: weights.weights };
				})
			),
		remove: (id) =>
			run(() =>
				database.transaction('rw', database.modelVersions, database.modelWeights, database.assignments, async () => {
					await database.modelVersions.delete(id);
					await database.modelWeights.delete(id);
					await database.assignments.filter((row) => row.versionId === id).delete();
				})
			),
		assignment: (machineId) => run(async () => (await database.assignments.get(machineId))?.versionId),
		assign: (machineId, versionId) =>
			run(async () => {
				if (versionId === undefined) await database.assignments.delete(machineId);
				else await database.assignments.put({ machineId, versionId });
			}),
		watch: (onChange) =>
			watchQuery(
				() =>
					database.transaction('r', database.modelVersions, database.assignments, async () => ({
						versions: await versions(),
						assignments: await database.assignments.toArray()
					})),
				(found: { versions: ModelVersion[]; assignments: { machineId: string; versionId: string }[] }) =>
					onChange(found.versions, new Map(found.assignments.map((row) => [row.machineId, row.versionId]))),
				isClosed
			)
	};
}

const OPEN_STATES = [
	'unacknowledged',
	'acknowledged',
	'returned-unacknowledged',
	'shelved',
	'suppressed',
	'out-of-service'
];

export function alarmStore({ database, run, isClosed, now }: DocumentContext): AlarmStore {
	const newestFirst = (alarms: Alarm[]) => alarms.sort((a, b) => b.raisedAt - a.raisedAt);
	const open = async () => newestFirst(await database.alarms.where('state').anyOf(OPEN_STATES).toArray());
	return {
		open: () => run(open),
		list: ({ machineId, from = -Infinity, to = Infinity, limit }) =>
			run(async () => {
				const within = (alarm: Alarm) => alarm.raisedAt >= from && alarm.raisedAt <= to;
				const found =
					machineId !== undefined
						? await database.alarms.where('machineId').equals(machineId).filter(within).toArray()
						: await database.alarms.where('raisedAt').between(from, to, true, true).toArray();
				return newestFirst(found).slice(0, limit);
			}),
		update: (id, change) =>
			run(() =>
				database.transaction('rw', database.alarms, async () => {
					const next = change(await database.alarms.get(id));
					if (next) await database.alarms.put(next);
					else await database.alarms.delete(id);
					return next;
				})
			),
		watch: (onChange) =>
			watchQuery(
				async () => {
					const midnight = new Date(now()).setHours(0, 0, 0, 0);
					const today = await database.alarms.where('raisedAt').aboveOrEqual(midnight).toArray();
					const older = (await open()).filter((alarm) => alarm.raisedAt < midnight);
					return newestFirst([...today, ...older]);
				},
				onChange,
				isClosed
			)
	};
}

export function spanStore({ database, run, isClosed }: DocumentContext): SpanStore {
	const list = async ({ machineId, from, to }: { machineId?: MachineId; from: number; to: number }) => {
		const begun =
			machineId === undefined
				? database.spans.where('start').belowOrEqual(to)
				: database.spans.where('[machineId+start]').between([machineId, -Infinity], [machineId, to], true, true);
		const found = await begun.filter((span) => (span.end ?? Infinity) >= from).toArray();
		return found.sort((a, b) => a.start - b.start);
	};
	return {
		put: (span: AnomalySpan) => run(() => database.spans.put(span)).then(() => undefined),
		list: (query) => run(() => list(query)),
		watch: (query, onChange) => watchQuery(() => list(query), onChange, isClosed)
	};
}

const SOURCE_KEY = 'source';

export function settingsStore({ database, run, isClosed }: DocumentContext): SettingsStore {
	const source = async (): Promise<SourceSettings> => {
		const parsed = v.safeParse(SourceSettingsSchema, (await database.settings.get(SOURCE_KEY))?.value);
		return parsed.success ? parsed.output : { kind: 'none' };
	};
	// A person's keys never meet the source's own.
	const own = (key: string) => `value:${key}`;
	const get = async <T>(key: string) => (await database.settings.get(own(key)))?.value as T | undefined;
	return {
		source: () => run(source),
		setSource: async (settings) => {
			const parsed = v.safeParse(SourceSettingsSchema, settings);
			if (!parsed.success)
				throw new MillwrightError('invalid-input', `The source settings are not valid: ${parsed.issues[0].message}`, {
					issues: parsed.issues.map((issue) => `${v.getDotPath(issue) ?? ''}: ${issue.message}`)
				});
			await run(() => database.settings.put({ key: SOURCE_KEY, value: parsed.output }));
		},
		watchSource: (onChange) => watchQuery(source, onChange, isClosed),
		get: (key) => run(() => get(key)),
		set: (key, value) =>
			run(async () => {
				if (value === undefined) await database.settings.delete(own(key));
				else await database.settings.put({ key: own(key), value });
			}),
		watch: <T>(key: string, onChange: (value: T | undefined) => void) =>
			watchQuery(() => get<T>(key), onChange, isClosed)
	};
}

export function intakeLogStore({ database, run }: DocumentContext): IntakeLogStore {
	return {
		record: (reason, count, last) =>
			run(() =>
				database.transaction('rw', database.intakeLog, async () => {
					const old = await database.intakeLog.get(reason);
					const kept = last ?? old?.last;
					const row: IntakeRow = { reason, count: (old?.count ?? 0) + count, ...(kept ? { last: kept } : {}) };
					await database.intakeLog.put(row);
				})
			),
		all: () =>
			run(async () => {
				const rows = await database.intakeLog.toArray();
				return Object.fromEntries(
					rows.map(({ reason, count, last }) => [reason as IntakeReason, { count, ...(last ? { last } : {}) }])
				);
			}),
		clear: () => run(() => database.intakeLog.clear())
	};
}
