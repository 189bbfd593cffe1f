/**
 * Storage: machines and sensors by name to the small integers that segments and journal carry. Numbers are never reused, so a
 * context may keep what it has once read.
 */
import { splitSensorId, type MachineId, type SensorId } from '../contracts';
import type { Database, SeriesRow } from './database';

export class Directory {
	private readonly bySensor = new Map<SensorId, SeriesRow>();
	private readonly byKey = new Map<number, SeriesRow>();
	private readonly byMachine = new Map<MachineId, number>();

	constructor(private readonly database: Database) {}

	private learn(row: SeriesRow): void {
		this.bySensor.set(row.id, row);
		this.byKey.set(row.key, row);
	}

	/** Series that this context knows of. */
	get size(): number {
		return this.byKey.size;
	}

	row(key: number): SeriesRow | undefined {
		return this.byKey.get(key);
	}

	/** Reads what this context has not seen yet; unknown sensors stay out of the answer. */
	async find(sensorIds: readonly SensorId[]): Promise<(SeriesRow | undefined)[]> {
		const missing = sensorIds.filter((id) => !this.bySensor.has(id));
		if (missing.length > 0) {
			const rows =
				missing.length > 2000
					? await this.database.series.toArray()
					: await this.database.series.where('id').anyOf(missing).toArray();
			for (const row of rows) this.learn(row);
		}
		return sensorIds.map((id) => this.bySensor.get(id));
	}

	/** Reads series by number, for journal records that another context wrote. */
	async load(keys: readonly number[]): Promise<void> {
		for (const row of await this.database.series.bulkGet([...keys])) if (row) this.learn(row);
	}

	async machine(machineId: MachineId): Promise<number | undefined> {
		let key = this.byMachine.get(machineId);
		if (key === undefined) {
			key = (await this.database.assets.where('id').equals(machineId).first())?.key;
			if (key !== undefined) this.byMachine.set(machineId, key);
		}
		return key;
	}

	async seriesOf(machine: number): Promise<SeriesRow[]> {
		const rows = await this.database.series.where('machine').equals(machine).toArray();
		for (const row of rows) this.learn(row);
		return rows;
	}

	/** As `find`, giving numbers to sensors and machines that have none. */
	async ensure(sensorIds: readonly SensorId[]): Promise<SeriesRow[]> {
		const found = await this.find(sensorIds);
		const missing = [...new Set(sensorIds.filter((_, i) => !found[i]))];
		if (missing.length > 0) {
			const { database } = this;
			const rows = await database.transaction('rw', database.assets, database.series, async () => {
				const there = await database.series.where('id').anyOf(missing).toArray();
				const known = new Set(there.map((row) => row.id));
				const wanted = missing.filter((id) => !known.has(id));
				const names = [...new Set(wanted.map((id) => splitSensorId(id).machineId))];
				const machines = new Map<MachineId, number>();
				for (const asset of await database.assets.where('id').anyOf(names).toArray()) machines.set(asset.id, asset.key);
				const fresh = names.filter((name) => !machines.has(name));
				const assetKeys = await database.assets.bulkAdd(fresh.map((id) => ({ id })) as never[], { allKeys: true });
				fresh.forEach((name, i) => machines.set(name, assetKeys[i]!));
				const added = wanted.map((id) => ({ id, machine: machines.get(splitSensorId(id).machineId)! }));
				const keys = await database.series.bulkAdd(added as never[], { allKeys: true });
				return [...there, ...added.map((row, i) => ({ ...row, key: keys[i]! }))];
			});
			for (const row of rows) this.learn(row);
		}
		return sensorIds.map((id) => this.bySensor.get(id)!);
	}
}
