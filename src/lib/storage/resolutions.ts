/**
 * Storage: declared resolutions of sensors, looked up for every batch, so kept in memory: learnt from what this context writes to
 * the registry, read once for other sensors, and read anew now and then for what other contexts wrote.
 */
import { splitSensorId, type EpochMs, type MachineId, type SensorId, type SensorRecord } from '../contracts';
import type { Database } from './database';

/** Everything is read anew in about this time, a slice at a time, and no faster than the slices below. */
const REFRESH_MS = 10_000;
const SLICE = 32;
const SLICE_EVERY_MS = 200;

export class Resolutions {
	private readonly known = new Map<SensorId, number | undefined>();
	/** Machines in the order in which they are read anew. */
	private readonly turn: MachineId[] = [];
	private readonly machines = new Set<MachineId>();
	private next = 0;
	private slicedAt: EpochMs;

	constructor(
		private readonly database: Database,
		private readonly now: () => EpochMs
	) {
		this.slicedAt = now();
	}

	/** What this context has just written; a resolution that is known already is not blanked by a record without one. */
	learn(sensors: readonly SensorRecord[]): void {
		for (const { id, resolution } of sensors) this.note(id, resolution ?? this.known.get(id));
	}

	async of(sensorIds: readonly SensorId[]): Promise<(sensorId: SensorId) => number | undefined> {
		const unknown = sensorIds.filter((id) => !this.known.has(id));
		const wanted = new Set(unknown.map((id) => splitSensorId(id).machineId));
		const everyMs = Math.max(SLICE_EVERY_MS, (REFRESH_MS * SLICE) / Math.max(SLICE, this.turn.length));
		if (Math.abs(this.now() - this.slicedAt) >= everyMs) {
			this.slicedAt = this.now();
			for (let i = Math.min(SLICE, this.turn.length); i > 0; i--) {
				wanted.add(this.turn[this.next]!);
				this.next = (this.next + 1) % this.turn.length;
			}
		}
		if (wanted.size > 0) {
			const rows = await this.database.registry.bulkGet([...wanted]);
			for (const row of rows) for (const { id, resolution } of row?.sensors ?? []) this.note(id, resolution);
			for (const id of unknown) if (!this.known.has(id)) this.note(id, undefined);
		}
		return (sensorId) => this.known.get(sensorId);
	}

	private note(id: SensorId, resolution: number | undefined): void {
		if (!this.known.has(id)) {
			const { machineId } = splitSensorId(id);
			if (!this.machines.has(machineId)) this.turn.push(machineId);
			this.machines.add(machineId);
		}
		this.known.set(id, resolution);
	}
}
