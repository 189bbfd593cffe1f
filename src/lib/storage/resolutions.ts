/**
 * Storage: declared resolutions of sensors, looked up for every batch, so kept in memory: learnt from what this context writes to
 * the registry, read once for other sensors, and read anew now and then for what other contexts wrote.
 */
import type { EpochMs, SensorId, SensorRecord } from '../contracts';
import type { Database } from './database';

const REFRESH_MS = 10_000;
/** Reading everything anew takes at most this share of the time. */
const REFRESH_SHARE = 0.01;

export class Resolutions {
	private readonly known = new Map<SensorId, number | undefined>();
	private nextRefresh = Infinity;

	constructor(
		private readonly database: Database,
		private readonly now: () => EpochMs
	) {}

	learn(sensors: readonly SensorRecord[]): void {
		for (const { id, resolution } of sensors) if (resolution !== undefined) this.known.set(id, resolution);
	}

	async of(sensorIds: readonly SensorId[]): Promise<(sensorId: SensorId) => number | undefined> {
		if (this.now() >= this.nextRefresh) await this.read([...this.known.keys()]);
		const missing = sensorIds.filter((id) => !this.known.has(id));
		if (missing.length > 0) await this.read(missing);
		return (sensorId) => this.known.get(sensorId);
	}

	private async read(ids: readonly SensorId[]): Promise<void> {
		const begin = performance.now();
		const records = await this.database.sensors.bulkGet([...ids]);
		ids.forEach((id, i) => this.known.set(id, records[i]?.resolution));
		const took = performance.now() - begin;
		this.nextRefresh = this.now() + Math.max(REFRESH_MS, took / REFRESH_SHARE);
	}
}
