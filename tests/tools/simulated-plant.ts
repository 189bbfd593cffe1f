/**
 * Tests: a simulated plant written into a store, as acquisition would.
 *
 * In: a store, a plant. Out: registry records and batches of readings.
 */
import { createPlant, type PlantConfig, type SimulatedPlant } from '../../simulator';
import { sensorIdOf, type MachineRecord, type ReadingBatch, type SensorRecord } from '../../src/lib/contracts';
import type { Store } from '../../src/lib/storage/store';

export function plantOf(config: Partial<PlantConfig> & Pick<PlantConfig, 'scenario' | 'startTime'>): SimulatedPlant {
	return createPlant({ machines: 1, seed: 11, stepMs: 1000, ...config });
}

/** Makes the plant's machines and sensors known. */
export async function registerPlant(
	store: Store,
	plant: SimulatedPlant,
	origin: MachineRecord['origin'] = 'demo'
): Promise<void> {
	const machines = plant.machines.map((machine): MachineRecord => ({
		id: machine.machineId,
		path: { machine: machine.machineId.split('/').pop()! },
		machineClass: machine.machineClass.id,
		origin,
		firstSeen: plant.time
	}));
	await store.registry.upsert(machines, plantSensors(plant));
}

export function plantSensors(plant: SimulatedPlant): SensorRecord[] {
	return plant.machines.flatMap((machine) =>
		machine.machineClass.sensors.map((sensor): SensorRecord => ({
			id: sensorIdOf(machine.machineId, sensor.name),
			machineId: machine.machineId,
			name: sensor.name,
			unit: sensor.unit,
			kind: sensor.kind,
			resolution: sensor.resolution,
			firstSeen: plant.time
		}))
	);
}

/** Advances the plant and gives what it sent as one batch. */
export function readingsOf(plant: SimulatedPlant, steps: number): ReadingBatch {
	const sensorIds: string[] = [];
	const indexOf = new Map<string, number>();
	const series: number[] = [];
	const times: number[] = [];
	const values: number[] = [];
	for (let step = 0; step < steps; step++)
		for (const { topic, payload } of plant.step())
			for (const [name, value] of Object.entries(payload)) {
				if (name === 'ts' || typeof value !== 'number') continue;
				const id = sensorIdOf(topic, name);
				let index = indexOf.get(id);
				if (index === undefined) {
					index = sensorIds.length;
					indexOf.set(id, index);
					sensorIds.push(id);
				}
				series.push(index);
				times.push(payload['ts'] as number);
				values.push(value);
			}
	return {
		sensorIds,
		series: Uint32Array.from(series),
		times: Float64Array.from(times),
		values: Float64Array.from(values),
		qualities: new Uint8Array(values.length),
		receivedAt: Date.now()
	};
}
