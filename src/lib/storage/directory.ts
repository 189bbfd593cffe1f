/**
 * Storage: machines and sensors by name to the small integers that segments and journal carry. Numbers are never reused, so a
 * context may keep what it has once read.
 */
import { splitSensorId, type MachineId, type SensorId } from '../contracts';
import type { AssetRow, Database, NumberState, SeriesRow } from './database';

/** Looked up one by one up to here; for more, everything new is read at once. */
const MANY = 24;

export class Directory {
	private readonly bySensor = new Map<SensorId, SeriesRow>();
	private readonly byKey = new Map<number, SeriesRow>();
	private readonly byMachine = new Map<MachineId, number>();
	/** Every series up to this number is known here. */
	private upTo = 0;

	constructor(private readonly database: Database) {}

	private learn(row: SeriesRow): void {
		this.bySensor.set(row.id, row);
		this.byKey.set(row.key, row);
		this.byMachine.set(splitSensorId(row.id).machineId, row.machine);
	}

	row(key: number): SeriesRow | undefined {
		return this.byKey.get(key);
	}

	/** Reads what this context has not seen yet; unknown sensors stay out of the answer. */
	async find(sensorIds: readonly SensorId[]): Promise<(SeriesRow | undefined)[]> {
		let missing = sensorIds.filter((id) => !this.bySensor.has(id));
		if (missing.length > MANY) {
			await this.database.transaction('r', this.database.series, this.database.state, async () => {
				const numbers = (await this.database.state.get('numbers')) as NumberState | undefined;
				const last = numbers?.series ?? 0;
				if (last > this.upTo)
					for (const row of await this.database.series.where('key').above(this.upTo).toArray()) this.learn(row);
				this.upTo = Math.max(this.upTo, last);
			});
			missing = [];
		}
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
		if (sensorIds.some((id) => !this.bySensor.has(id))) {
			const { database } = this;
			const { rows, last } = await database.transaction(
				'rw',
				database.assets,
				database.series,
				database.state,
				async () => {
					const stored = (await database.state.get('numbers')) as NumberState | undefined;
					const numbers: NumberState = stored ?? { key: 'numbers', assets: 0, series: 0 };
					// Whatever others have added since this context last looked; then all series are known and the rest is new.
					const rows = numbers.series > this.upTo ? await database.series.where('key').above(this.upTo).toArray() : [];
					const known = new Map(rows.map((row) => [row.id, row]));
					const machines = new Map(rows.map((row) => [splitSensorId(row.id).machineId, row.machine]));
					const assets: AssetRow[] = [];
					const added: SeriesRow[] = [];
					for (const id of sensorIds) {
						if (this.bySensor.has(id) || known.has(id)) continue;
						const { machineId } = splitSensorId(id);
						let machine = this.byMachine.get(machineId) ?? machines.get(machineId);
						if (machine === undefined) {
							machine = ++numbers.assets;
							machines.set(machineId, machine);
							assets.push({ id: machineId, key: machine });
						}
						const row = { id, key: ++numbers.series, machine };
						known.set(id, row);
						added.push(row);
					}
					if (added.length > 0) {
						await database.assets.bulkAdd(assets);
						await database.series.bulkAdd(added);
						await database.state.put(numbers);
					}
					return { rows: [...rows, ...added], last: numbers.series };
				}
			);
			for (const row of rows) this.learn(row);
			this.upTo = Math.max(this.upTo, last);
		}
		return sensorIds.map((id) => this.bySensor.get(id)!);
	}
}
