/**
 * Storage: the rows of machines as schemas 2 and 3 and backups have them (a row per machine and per sensor, numbers in tables of their own), and
 * as they are stored now (a row per machine), one into the other.
 */
import type { Transaction } from 'dexie';
import { splitSensorId, type MachineRecord, type SensorRecord } from '../contracts';
import type { DirectoryRow, RegistryRow } from './database';

/** Rows by table. */
export interface SpreadRows {
	/** Numbers of machines. */
	assets: { id: string; key: number }[];
	/** Numbers of sensors, and of the machine each belongs to. */
	series: { id: string; key: number; machine: number }[];
	machines: MachineRecord[];
	sensors: SensorRecord[];
}
export const spreadTables = ['assets', 'series', 'machines', 'sensors'] as const;

export interface GatheredRows {
	directory: DirectoryRow[];
	registry: RegistryRow[];
}

export function gatherRows({ assets, series, machines, sensors }: SpreadRows): GatheredRows {
	const directory = new Map<number, DirectoryRow>();
	for (const { id, key } of assets) directory.set(key, { id, key, names: [], series: [] });
	for (const { id, key, machine } of [...series].sort((a, b) => a.key - b.key)) {
		const row = directory.get(machine);
		row?.names.push(splitSensorId(id).sensorName);
		row?.series.push(key);
	}
	const registry = new Map<string, RegistryRow>();
	for (const machine of machines) registry.set(machine.id, { id: machine.id, machine, sensors: [] });
	for (const sensor of [...sensors].sort((a, b) => (a.id < b.id ? -1 : 1))) {
		const row = registry.get(sensor.machineId);
		if (row) row.sensors.push(sensor);
		else registry.set(sensor.machineId, { id: sensor.machineId, sensors: [sensor] });
	}
	return { directory: [...directory.values()], registry: [...registry.values()] };
}

export function spreadRows({ directory, registry }: GatheredRows): SpreadRows {
	return {
		assets: directory.map(({ id, key }) => ({ id, key })),
		series: directory.flatMap(({ id, key: machine, names, series }) =>
			series.map((key, i) => ({ id: `${id}:${names[i]!}`, key, machine }))
		),
		machines: registry.flatMap(({ machine }) => machine ?? []),
		sensors: registry.flatMap(({ sensors }) => sensors)
	};
}

/** From schema 3 to 4. */
export async function gatherMachines(transaction: Transaction): Promise<void> {
	const rows: Record<string, unknown[]> = {};
	for (const name of spreadTables) rows[name] = await transaction.table(name).toArray();
	const { directory, registry } = gatherRows(rows as unknown as SpreadRows);
	await transaction.table('directory').bulkPut(directory);
	await transaction.table('registry').bulkPut(registry);
}
