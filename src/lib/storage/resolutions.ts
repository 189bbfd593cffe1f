/**
 * Storage: declared resolutions of sensors, looked up for every batch, so kept in memory: learnt from what this context writes to
 * the registry, read once for other sensors, and read anew now and then for what other contexts wrote.
 */
import type { EpochMs, SensorId, SensorRecord } from '../contracts';
import type { Database } from './database';

/** Everything is read anew in about this time, a slice at a time, and no faster than the slices below. */
const REFRESH_MS = 10_000;
const SLICE = 64;
const SLICE_EVERY_MS = 200;

export class Resolutions {
	private readonly known = new Map<SensorId, number | undefined>();
	/** In the order in which they are read anew. */
	private readonly turn: SensorId[] = [];
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
		const wanted = sensorIds.filter((id) => !this.known.has(id));
		const everyMs = Math.max(SLICE_EVERY_MS, (REFRESH_MS * SLICE) / Math.max(SLICE, this.turn.length));
		if (Math.abs(this.now() - this.slicedAt) >= everyMs) {
			this.slicedAt = this.now();
			for (let i = Math.min(SLICE, this.turn.length); i > 0; i--) {
				wanted.push(this.turn[this.next]!);
				this.next = (this.next + 1) % this.turn.length;
			}
		}
		if (wanted.length > 0) {
			const records = await this.database.sensors.bulkGet(wanted);
			wanted.forEach((id, i) => this.note(id, records[i]?.resolution));
		}
		return (sensorId) => this.known.get(sensorId);
	}

	private note(id: SensorId, resolution: number | undefined): void {
		if (!this.known.has(id)) this.turn.push(id);
		this.known.set(id, resolution);
	}
}
