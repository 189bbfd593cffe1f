/**
 * Data Acquisition, quality: watches the data of one workspace for the tab that owns its source.
 *
 * In: committed batches, the registry as it changes, the link. Out: a `DataHealthReport` every few seconds. Knows from storage when
 * each sensor was heard last, so that silence across a reload is noticed.
 */
import type {
	DataHealthReport,
	EpochMs,
	LinkStatus,
	MachineId,
	MachineRecord,
	ReadingBatch,
	SensorId,
	SensorRecord
} from '../../contracts';
import { findFaultsInSteps } from './find-faults';
import { SensorHabits } from './sensor-habits';

/** Of more sensors the last values are not looked up at the start: they are judged from their first reading on. */
const MAX_REMEMBERED = 50_000;
/** A look at the data in one go; then others have their turn. */
const SLICE_MS = 8;

export class DataWatch {
	readonly #habits = new SensorHabits();
	#machines: readonly MachineRecord[] = [];
	#sensorsOf = new Map<MachineId, SensorRecord[]>();
	#known = new Set<SensorId>();
	#newest: DataHealthReport | undefined;

	/** `latest`: newest stored sample of sensors. */
	constructor(private readonly latest: (sensorIds: readonly SensorId[]) => Promise<Map<SensorId, { time: EpochMs }>>) {}

	get newest(): DataHealthReport | undefined {
		return this.#newest;
	}

	observe(batch: ReadingBatch): void {
		this.#habits.observe(batch);
	}

	takeRegistry(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		this.#machines = machines;
		this.#sensorsOf = new Map();
		const isFirst = this.#known.size === 0;
		for (const sensor of sensors) {
			this.#known.add(sensor.id);
			const own = this.#sensorsOf.get(sensor.machineId);
			if (own) own.push(sensor);
			else this.#sensorsOf.set(sensor.machineId, [sensor]);
		}
		// Seldom: one was removed.
		if (this.#known.size > sensors.length) {
			const known = new Set(sensors.map(({ id }) => id));
			for (const id of this.#known) if (!known.has(id)) this.#habits.forget(id);
			this.#known = known;
		}
		if (isFirst && sensors.length > 0 && sensors.length <= MAX_REMEMBERED)
			void this.latest(sensors.map(({ id }) => id))
				.then((latest) => {
					for (const [id, { time }] of latest) if (this.#known.has(id)) this.#habits.remember(id, time);
				})
				.catch(() => undefined);
	}

	/** Looks at all sensors; resolves with what is the matter and how long the looking took, in milliseconds of work. */
	async report(
		now: EpochMs,
		link: LinkStatus,
		corrections: ReadonlyMap<MachineId, number>
	): Promise<{ report: DataHealthReport; tookMs: number }> {
		const isLinked = link.state === 'connected' && (link.trouble === undefined || link.trouble === 'not-understood');
		const steps = findFaultsInSteps({
			now,
			machines: this.#machines,
			sensorsOf: this.#sensorsOf,
			habit: (sensorId) => this.#habits.of(sensorId),
			linkedSince: isLinked ? (link.connectedAt ?? 0) : undefined,
			corrections
		});
		let tookMs = 0;
		for (;;) {
			const began = performance.now();
			let step = steps.next();
			while (!step.done && performance.now() - began < SLICE_MS) step = steps.next();
			tookMs += performance.now() - began;
			if (step.done) {
				this.#newest = step.value;
				return { report: step.value, tookMs };
			}
			await new Promise<void>((resolve) => setTimeout(resolve));
		}
	}
}
