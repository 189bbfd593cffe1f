/**
 * A machine's stored history as rows on its own clock, for training and for level watches. In: a machine, its sensors, a span. Out: aligned
 * rows.
 */
import {
	MillwrightError,
	sensorIdOf,
	type EpochMs,
	type MachineId,
	type MachineRecord,
	type SensorRecord
} from '../contracts';
import { alignColumns, learnStep, medianOf, type AlignedRow } from '../manipulation';
import type { Store } from '../storage/store';
import { minimumTrainingRows } from '../training';
import { measuredSensors } from './measured-sensors';

/** More rows than this are not read into one training. */
const mostRows = 100_000;

export interface SpanOfRows {
	readonly sensors: readonly SensorRecord[];
	readonly stepMs: number;
	readonly rows: AlignedRow[];
}

export class MachineHistory {
	constructor(private readonly store: Store) {}

	/** The rows that a person chose. Throws `invalid-input` for sensors that are not there and spans that are empty or too long. */
	async readSpan(
		machineId: MachineId,
		sensorNames: readonly string[],
		from: EpochMs,
		to: EpochMs
	): Promise<SpanOfRows> {
		const { sensors: known } = await this.describe(machineId);
		const chosen = sensorNames.map((name) => known.find((sensor) => sensor.name === name));
		const unknown = sensorNames.filter((_, i) => chosen[i] === undefined);
		if (unknown.length > 0 || chosen.length === 0)
			throw new MillwrightError(
				'invalid-input',
				chosen.length === 0 ? 'Choose at least one sensor' : `${machineId} has no sensor ${unknown.join(', ')}`
			);
		if (!(to > from)) throw new MillwrightError('invalid-input', 'The span is empty: its end is not after its start');
		const sensors = chosen as SensorRecord[];
		const stepMs = await this.stepOf(sensors, to);
		if ((to - from) / stepMs > mostRows)
			throw new MillwrightError('invalid-input', `This span has more than ${mostRows} rows: choose a shorter one`);
		return { sensors, stepMs, rows: await this.readRows(machineId, sensorNames, stepMs, from, to) };
	}

	async describe(machineId: MachineId): Promise<{ machine: MachineRecord; sensors: SensorRecord[] }> {
		const { store } = this;
		const machine = await store.registry.machine(machineId);
		if (!machine) throw new MillwrightError('not-found', `There is no machine ${machineId}`);
		return { machine, sensors: await measuredSensors(store, machineId) };
	}

	/** The machine's own clock, from the newest samples of its sensors before `to`. */
	async stepOf(sensors: readonly SensorRecord[], to: EpochMs): Promise<number> {
		// Widen the look back until there are enough samples to tell.
		for (const lookBackMs of [120_000, 1_800_000, 12 * 3_600_000, 30 * 24 * 3_600_000]) {
			const slices = await this.store.series.query({
				sensorIds: sensors.map(({ id }) => id),
				from: to - lookBackMs,
				to
			});
			const steps = slices.flatMap(({ times }) => (times.length >= 20 ? [learnStep(times) ?? []] : [])).flat();
			if (steps.length > 0) return medianOf(steps);
		}
		throw new MillwrightError('not-enough-data', 'Fewer than 20 samples of each sensor are stored', {
			minimumRows: minimumTrainingRows
		});
	}

	async readRows(
		machineId: MachineId,
		sensorNames: readonly string[],
		stepMs: number,
		from: EpochMs,
		to: EpochMs
	): Promise<AlignedRow[]> {
		const slices = await this.store.series.query({
			sensorIds: sensorNames.map((name) => sensorIdOf(machineId, name)),
			from,
			to
		});
		const bySensor = new Map(slices.map((slice) => [slice.sensorId, slice]));
		return alignColumns(
			{ sensorNames, stepMs },
			sensorNames.map((name) => bySensor.get(sensorIdOf(machineId, name)))
		);
	}
}
