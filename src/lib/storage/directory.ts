/**
 * Storage: machines and sensors by name to the small integers that segments and journal carry. Numbers are never reused, so a
 * context may keep what it has once read.
 */
import { splitSensorId, type MachineId, type SensorId } from '../contracts';
import type { Database, NumberState, SeriesRow } from './database';

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
			const rows = await this.database.series.bulkGet(missing);
			for (const row of rows) if (row) this.learn(row);
		}
		return sensorIds.map((id) => this.bySensor.get(id));
	}

	/** Reads series by number, for journal records that another context wrote. */
	async load(keys: readonly number[]): Promise<void> {
		for (const row of await this.database.series.where('key').anyOf(keys).toArray()) this.learn(row);
	}

	async machine(machineId: MachineId): Promise<number | undefined> {
		let key = this.byMachine.get(machineId);
		if (key === undefined) {
			key = (await this.database.assets.get(machineId))?.key;
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
			const rows = await database.transaction('rw', database.assets, database.series, database.state, async () => {
				const numbers = ((await database.state.get('numbers')) as NumberState | undefined) ?? {
					key: 'numbers',
					assets: 0,
					series: 0
				};
				const there = await database.series.bulkGet(missing);
				const wanted = missing.filter((_, i) => !there[i]);
				const names = [...new Set(wanted.map((id) => splitSensorId(id).machineId))];
				const assets = await database.assets.bulkGet(names);
				const newAssets = names.filter((_, i) => !assets[i]).map((id) => ({ id, key: ++numbers.assets }));
				const machines = new Map(
					[...assets, ...newAssets].flatMap((asset) => (asset ? [[asset.id, asset.key] as const] : []))
				);
				const added = wanted.map((id) => ({
					id,
					key: ++numbers.series,
					machine: machines.get(splitSensorId(id).machineId)!
				}));
				await database.assets.bulkPut(newAssets);
				await database.series.bulkPut(added);
				await database.state.put(numbers);
				return [...there.flatMap((row) => (row ? [row] : [])), ...added];
			});
			for (const row of rows) this.learn(row);
		}
		return sensorIds.map((id) => this.bySensor.get(id)!);
	}
}
