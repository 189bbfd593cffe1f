/**
 * Storage: the registry of machines and sensors, one row for a machine and all its sensors. What is written merges into what is there.
 */
import Dexie from 'dexie';
import { splitSensorId, type MachineId, type MachineRecord, type SensorId, type SensorRecord } from '../contracts';
import { inTransaction, type Database, type RegistryRow } from './database';
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

/** What is said of one machine and its sensors. */
interface Said {
	machine?: MachineRecord;
	readonly sensors: Map<SensorId, SensorRecord>;
}

function byMachine(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): Map<MachineId, Said> {
	const said = new Map<MachineId, Said>();
	const of = (id: MachineId) => {
		let one = said.get(id);
		if (!one) said.set(id, (one = { sensors: new Map() }));
		return one;
	};
	for (const machine of machines) {
		const one = of(machine.id);
		one.machine = merge(one.machine, machine);
	}
	for (const sensor of sensors) {
		const one = of(sensor.machineId);
		one.sensors.set(sensor.id, merge(one.sensors.get(sensor.id), sensor));
	}
	return said;
}

/** News that grow as rows are written. */
type OpenNews = { -readonly [K in keyof RegistryNews]: RegistryNews[K][number][] };

/** The row after what was said; undefined if that changes nothing. What is new in it is added to `news`. */
function mergeRow(id: MachineId, old: RegistryRow | undefined, said: Said, news: OpenNews): RegistryRow | undefined {
	const before = news.machines.length + news.sensors.length + news.machineIds.length + news.sensorIds.length;
	const machine = said.machine ? merge(old?.machine, said.machine) : old?.machine;
	if (machine && !old?.machine) news.machines.push(machine);
	else if (machine && !sameRecord(machine, old?.machine)) news.machineIds.push(id);
	const sensors = new Map(old?.sensors.map((sensor) => [sensor.id, sensor]));
	for (const sensor of said.sensors.values()) {
		const known = sensors.get(sensor.id);
		const merged = merge(known, sensor);
		if (!known) news.sensors.push(merged);
		else if (!sameRecord(merged, known)) news.sensorIds.push(sensor.id);
		sensors.set(sensor.id, merged);
	}
	const after = news.machines.length + news.sensors.length + news.machineIds.length + news.sensorIds.length;
	if (after === before) return undefined;
	return { id, ...(machine && { machine }), sensors: [...sensors.values()].sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

/**
 * Merges what is said into what is stored of it, in a transaction over the table. Machines that `known` does not name are added without a
 * look, as a large plant's report for the first time by the thousand; what then turns out to be there is merged like the rest.
 */
async function mergeInto(
	{ registry }: Pick<Database, 'registry'>,
	known: Set<MachineId>,
	said: ReadonlyMap<MachineId, Said>
): Promise<RegistryNews> {
	const news: OpenNews = { machines: [], sensors: [], machineIds: [], sensorIds: [] };
	const there = [...said.keys()].filter((id) => known.has(id));
	const fresh = [...said.keys()].filter((id) => !known.has(id));
	let failed = new Set<number>();
	if (fresh.length > 0) {
		const newsOf: OpenNews[] = [];
		const rows = fresh.map((id) => {
			const own: OpenNews = { machines: [], sensors: [], machineIds: [], sensorIds: [] };
			newsOf.push(own);
			return mergeRow(id, undefined, said.get(id)!, own)!;
		});
		try {
			await registry.bulkAdd(rows);
		} catch (error) {
			if (!(error instanceof Dexie.BulkError)) throw error;
			failed = new Set(Object.keys(error.failuresByPos).map(Number));
		}
		fresh.forEach((id, position) => {
			known.add(id);
			if (failed.has(position)) return void there.push(id);
			news.machines.push(...newsOf[position]!.machines);
			news.sensors.push(...newsOf[position]!.sensors);
		});
	}
	if (there.length === 0) return news;
	const old = await registry.bulkGet(there);
	const rows = there.flatMap((id, i) => mergeRow(id, old[i], said.get(id)!, news) ?? []);
	if (rows.length > 0) await registry.bulkPut(rows);
	return news;
}

/** `close` ends what the registry has open beside the database. */
export function registryStore({ database, run, isClosed }: DocumentContext): RegistryStore & { close(): void } {
	/** Machines that this context has written: they are looked up before they are written again. */
	const known = new Set<MachineId>();
	const rows = () => run(() => database.registry.toArray());
	const machinesOf = (found: readonly RegistryRow[]) => found.flatMap(({ machine }) => machine ?? []);
	const sensorsOf = (found: readonly (RegistryRow | undefined)[]) => found.flatMap((row) => row?.sensors ?? []);
	const watch = new RegistryWatch(
		database.name,
		{
			all: async () => {
				const found = await rows();
				return { machines: machinesOf(found), sensors: sensorsOf(found) };
			},
			some: async (machineIds, sensorIds) => {
				const ids = [...new Set([...machineIds, ...sensorIds.map((id) => splitSensorId(id).machineId)])];
				const found = await run(() => database.registry.bulkGet(ids));
				const machines = new Map(found.map((row, i) => [ids[i]!, row?.machine]));
				const sensors = new Map(sensorsOf(found).map((sensor) => [sensor.id, sensor]));
				return {
					machines: machineIds.map((id) => machines.get(id)),
					sensors: sensorIds.map((id) => sensors.get(id))
				};
			}
		},
		isClosed
	);
	return {
		machines: async () => machinesOf(await rows()),
		machine: async (machineId) => (await run(() => database.registry.get(machineId)))?.machine,
		sensors: async (machineId) =>
			sensorsOf(machineId === undefined ? await rows() : [await run(() => database.registry.get(machineId))]),
		upsert: async (machines, sensors) => {
			const said = byMachine(machines, sensors);
			const news = await run(() =>
				inTransaction(database, 'rw', ['registry'] as const, (tables) => mergeInto(tables, known, said))
			);
			watch.tell(news);
		},
		remove: async (machineId) => {
			const row = await run(() =>
				inTransaction(database, 'rw', ['registry'] as const, async ({ registry }) => {
					const found = await registry.get(machineId);
					await registry.delete(machineId);
					return found;
				})
			);
			known.delete(machineId);
			watch.tell({
				machines: [],
				sensors: [],
				machineIds: [machineId],
				sensorIds: sensorsOf([row]).map(({ id }) => id)
			});
		},
		watch: (onChange) => watch.add(onChange),
		close: () => watch.close()
	};
}
