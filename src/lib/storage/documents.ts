/**
 * Storage: what is neither telemetry nor the registry - models, alarms, spans, settings, intake log. Rows as they cross the contracts.
 */
import * as v from 'valibot';
import {
	MillwrightError,
	SourceSettingsSchema,
	type Alarm,
	type AnomalySpan,
	type IntakeReason,
	type MachineId,
	type ModelPackage,
	type ModelVersion,
	type SourceSettings
} from '../contracts';
import type { Database, IntakeRow } from './database';
import type { AlarmStore, IntakeLogStore, ModelStore, SettingsStore, SpanStore } from './store';
import { watchQuery } from './watch';

export interface DocumentContext {
	readonly database: Database;
	readonly run: <T>(work: () => PromiseLike<T>) => Promise<T>;
	readonly isClosed: () => boolean;
	readonly now: () => number;
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
		setAll: (values) =>
			run(async () => {
				const rows = [...values].map(([key, value]) => ({ key: own(key), value }));
				await database.transaction('rw', database.settings, () => database.settings.bulkPut(rows));
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
