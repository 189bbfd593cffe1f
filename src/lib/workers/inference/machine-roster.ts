/**
 * Inference: the machines of the workspace and whose a reading is.
 *
 * In: registry records. Out: one `MachineEntry` each, kept while the machine is known, and the entry of a sensor.
 */
import {
	isDerivedSeries,
	splitSensorId,
	type MachineId,
	type MachineRecord,
	type SensorId,
	type SensorRecord
} from '../../contracts';
import type { MachineEntry } from './machine-entry';

export class MachineRoster {
	private readonly machines = new Map<MachineId, MachineEntry>();
	private readonly ownerOf = new Map<SensorId, { entry: MachineEntry; sensorName: string } | null>();

	get(machineId: MachineId): MachineEntry | undefined {
		return this.machines.get(machineId);
	}

	[Symbol.iterator](): Iterator<MachineEntry> & Iterable<MachineEntry> {
		return this.machines.values();
	}

	/** Takes the registry over; gives the entries of machines that are gone. */
	adopt(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): MachineEntry[] {
		const byMachine = new Map<MachineId, SensorRecord[]>();
		for (const sensor of sensors) {
			if (isDerivedSeries(sensor.name)) continue;
			const list = byMachine.get(sensor.machineId);
			if (list) list.push(sensor);
			else byMachine.set(sensor.machineId, [sensor]);
		}
		const known = new Set(machines.map(({ id }) => id));
		const gone = [...this.machines.values()].filter(({ record }) => !known.has(record.id));
		for (const { record } of gone) this.machines.delete(record.id);
		if (gone.length > 0) this.ownerOf.clear();
		for (const record of machines) {
			const entry = this.machines.get(record.id);
			const own = byMachine.get(record.id) ?? [];
			if (!entry) {
				this.machines.set(record.id, { record, sensors: own, phase: 'waiting', buffered: [] });
			} else {
				entry.record = record;
				entry.sensors = own;
			}
		}
		return gone;
	}

	/** Whose reading it is; undefined for derived series and for machines that the registry has not told of yet. */
	ownerFor(sensorId: SensorId): { entry: MachineEntry; sensorName: string } | undefined {
		const known = this.ownerOf.get(sensorId);
		if (known !== undefined) return known ?? undefined;
		const { machineId, sensorName } = splitSensorId(sensorId);
		const entry = this.machines.get(machineId);
		// A machine the registry has not told of yet is looked up again with its next reading.
		if (!entry) return undefined;
		const owner = isDerivedSeries(sensorName) ? null : { entry, sensorName };
		this.ownerOf.set(sensorId, owner);
		return owner ?? undefined;
	}
}
