/**
 * Storage: machines and sensors by name to the small integers that segments and journal carry. Numbers are never reused, so a
 * context may keep what it has once read. A row holds a machine with all its series: a large plant's machines report for the first
 * time by the thousand, and each row written costs the browser as much as storing a hundred readings.
 */
import { splitSensorId, type MachineId, type SensorId } from '../contracts';
import { inTransaction, type Database, type DirectoryRow, type NumberState } from './database';

/** A sensor's number, and that of its machine. */
export interface SeriesRow {
	readonly key: number;
	readonly id: SensorId;
	readonly machine: number;
}

/** Reading all rows at once is quicker than looking up more than this share of them one by one. */
const SHARE = 1 / 8;

export class Directory {
	private readonly bySensor = new Map<SensorId, SeriesRow>();
	private readonly byKey = new Map<number, SeriesRow>();
	private readonly byMachine = new Map<MachineId, DirectoryRow>();
	/** Last number given to a series when all rows were read; everything up to it is known. */
	private readUpTo = 0;

	constructor(private readonly database: Database) {}

	private learn(row: DirectoryRow): void {
		const known = this.byMachine.get(row.id);
		this.byMachine.set(row.id, row);
		for (let i = known?.series.length ?? 0; i < row.series.length; i++) {
			const one = { key: row.series[i]!, id: `${row.id}:${row.names[i]!}`, machine: row.key };
			this.bySensor.set(one.id, one);
			this.byKey.set(one.key, one);
		}
	}

	row(key: number): SeriesRow | undefined {
		return this.byKey.get(key);
	}

	/** Reads what this context has not seen yet; unknown sensors stay out of the answer. */
	async find(sensorIds: readonly SensorId[]): Promise<(SeriesRow | undefined)[]> {
		const machines = this.machinesOf(sensorIds.filter((id) => !this.bySensor.has(id)));
		if (machines.length > 0) await this.load(machines);
		return sensorIds.map((id) => this.bySensor.get(id));
	}

	/** Reads every row. */
	loadAll(): Promise<void> {
		return this.load(undefined);
	}

	/** Reads the rows of some machines or of all, unless nothing was added since all were read. */
	private async load(machines: readonly MachineId[] | undefined): Promise<void> {
		const { rows, upTo } = await inTransaction(this.database, 'r', ['directory', 'state'] as const, async (tables) => {
			const numbers = (await tables.state.get('numbers')) as NumberState | undefined;
			if (!numbers || numbers.series === this.readUpTo) return { rows: [], upTo: this.readUpTo };
			if (machines && machines.length < SHARE * numbers.assets)
				return { rows: await tables.directory.bulkGet([...machines]), upTo: this.readUpTo };
			return { rows: await tables.directory.toArray(), upTo: numbers.series };
		});
		for (const row of rows) if (row) this.learn(row);
		this.readUpTo = Math.max(this.readUpTo, upTo);
	}

	/** The machine with all its series, as stored now. */
	async machine(machineId: MachineId): Promise<DirectoryRow | undefined> {
		const row = await this.database.directory.get(machineId);
		if (row) this.learn(row);
		return row;
	}

	/** As `find`, giving numbers to sensors and machines that have none. */
	async ensure(sensorIds: readonly SensorId[]): Promise<SeriesRow[]> {
		const unknown = sensorIds.filter((id) => !this.bySensor.has(id));
		if (unknown.length > 0) {
			if (this.readUpTo === 0) await this.load(this.machinesOf(unknown));
			const rows = await inTransaction(this.database, 'rw', ['directory', 'state'] as const, async (tables) => {
				const stored = (await tables.state.get('numbers')) as NumberState | undefined;
				const numbers: NumberState = stored ?? { key: 'numbers', assets: 0, series: 0 };
				const machineIds = this.machinesOf(unknown);
				// Nobody else has given numbers since all was read: what is not known here is new.
				const isCurrent = numbers.series === this.readUpTo;
				const found = isCurrent ? [] : await tables.directory.bulkGet(machineIds);
				const current = new Map<MachineId, DirectoryRow>();
				machineIds.forEach((id, i) => {
					const row = isCurrent ? this.byMachine.get(id) : found[i];
					current.set(id, row ? { ...row, names: [...row.names], series: [...row.series] } : this.newRow(id, numbers));
				});
				const changed = new Set<DirectoryRow>();
				for (const id of unknown) {
					const { machineId, sensorName } = splitSensorId(id);
					const row = current.get(machineId)!;
					if (row.names.includes(sensorName)) continue;
					row.names.push(sensorName);
					row.series.push(++numbers.series);
					changed.add(row);
				}
				if (changed.size > 0) {
					await tables.directory.bulkPut([...changed]);
					await tables.state.put(numbers);
				}
				return { rows: [...current.values()], last: isCurrent ? numbers.series : this.readUpTo };
			});
			for (const row of rows.rows) this.learn(row);
			this.readUpTo = Math.max(this.readUpTo, rows.last);
		}
		return sensorIds.map((id) => this.bySensor.get(id)!);
	}

	private newRow(id: MachineId, numbers: NumberState): DirectoryRow {
		return { id, key: ++numbers.assets, names: [], series: [] };
	}

	private machinesOf(sensorIds: readonly SensorId[]): MachineId[] {
		return [...new Set(sensorIds.map((id) => splitSensorId(id).machineId))];
	}
}
