/**
 * Storage: the registry of machines and sensors. Rows as they cross the contracts; what is written merges into what is there.
 */
import Dexie from 'dexie';
import type { MachineId, MachineRecord, SensorRecord } from '../contracts';
import type { DocumentContext } from './documents';
import { RegistryWatch, type RegistryNews } from './registry-watch';
import type { RegistryStore } from './store';

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
): Promise<{ added: readonly T[]; changed: readonly string[] }> {
	const current = new Map<string, T>();
	for (const record of records) current.set(record.id, merge(current.get(record.id), record));
	const there: T[] = [];
	let fresh: T[] = [];
	for (const record of current.values()) (known.has(record.id) ? there : fresh).push(record);
	if (fresh.length > 0) {
		try {
			await table.bulkAdd(fresh);
		} catch (error) {
			if (!(error instanceof Dexie.BulkError)) throw error;
			const failed = new Set(Object.keys(error.failuresByPos).map(Number));
			for (const position of failed) there.push(fresh[position]!);
			for (const { id } of fresh) known.add(id);
			fresh = fresh.filter((_, position) => !failed.has(position));
		}
		for (const { id } of fresh) known.add(id);
	}
	if (there.length === 0) return { added: fresh, changed: [] };
	const old = await table.bulkGet(there.map(({ id }) => id));
	const rows = there.map((record, i) => merge(old[i], record)).filter((row, i) => !sameRecord(row, old[i]));
	if (rows.length > 0) await table.bulkPut(rows);
	return { added: fresh, changed: rows.map(({ id }) => id) };
}

/** `close` ends what the registry has open beside the database. */
export function registryStore({ database, run, isClosed }: DocumentContext): RegistryStore & { close(): void } {
	/** Ids that this context has written: they are looked up before they are written again. */
	const knownMachines = new Set<string>();
	const knownSensors = new Set<string>();
	const machines = () => database.machines.toArray();
	const sensors = (machineId?: MachineId) =>
		machineId === undefined
			? database.sensors.toArray()
			: database.sensors.where('machineId').equals(machineId).toArray();
	const inOneView = <T>(read: () => Promise<T>) =>
		run(() => database.transaction('r', database.machines, database.sensors, read));
	const watch = new RegistryWatch(
		database.name,
		{
			all: () => inOneView(async () => ({ machines: await machines(), sensors: await sensors() })),
			some: (machineIds, sensorIds) =>
				inOneView(async () => ({
					machines: await database.machines.bulkGet([...machineIds]),
					sensors: await database.sensors.bulkGet([...sensorIds])
				}))
		},
		isClosed
	);
	return {
		machines: () => run(machines),
		sensors: (machineId) => run(() => sensors(machineId)),
		upsert: async (newMachines, newSensors) => {
			const news = await run(() =>
				database.transaction('rw', database.machines, database.sensors, async (): Promise<RegistryNews> => {
					const ofMachines = await mergeInto<MachineRecord>(database.machines as never, knownMachines, newMachines);
					const ofSensors = await mergeInto<SensorRecord>(database.sensors as never, knownSensors, newSensors);
					return {
						machines: ofMachines.added,
						sensors: ofSensors.added,
						machineIds: ofMachines.changed,
						sensorIds: ofSensors.changed
					};
				})
			);
			watch.tell(news);
		},
		remove: async (machineId) => {
			const sensorIds = await run(() =>
				database.transaction('rw', database.machines, database.sensors, async () => {
					const own = database.sensors.where('machineId').equals(machineId);
					const ids = await own.primaryKeys();
					await database.machines.delete(machineId);
					await database.sensors.bulkDelete(ids);
					return ids;
				})
			);
			knownMachines.delete(machineId);
			for (const id of sensorIds) knownSensors.delete(id);
			watch.tell({ machines: [], sensors: [], machineIds: [machineId], sensorIds });
		},
		watch: (onChange) => watch.add(onChange),
		close: () => watch.close()
	};
}
