/**
 * Training of shipped models: simulated machines to aligned rows, through the product's own resampler.
 *
 * In: a class, seeds, a scenario. Out: per machine its rows and the truth about its faults.
 */
import { createPlant, type ScenarioFault } from '../simulator';
import type { EpochMs, FaultTruth, MachineClassId } from '../src/lib/contracts';
import { Resampler, type AlignedRow } from '../src/lib/manipulation';

export const stepMs = 1000;

export interface SimulatedRun {
	readonly machine: string;
	readonly rows: readonly AlignedRow[];
	readonly truth?: FaultTruth;
}

export interface SimulatedRunOptions {
	readonly machineClass: MachineClassId;
	readonly machines: number;
	readonly seed: number;
	readonly hours: number;
	readonly startTime: EpochMs;
	readonly faults?: readonly ScenarioFault[];
	readonly sensorNames: readonly string[];
}

export function simulate(options: SimulatedRunOptions): SimulatedRun[] {
	const { machineClass, machines, seed, hours, startTime, sensorNames } = options;
	const plant = createPlant({
		machines,
		seed,
		scenario: options.faults ?? 'healthy',
		startTime,
		stepMs,
		classes: [machineClass]
	});
	const resamplers = plant.machines.map(() => new Resampler({ sensorNames, stepMs }));
	const byTopic = new Map(plant.machines.map((machine, index) => [machine.topic, index]));
	const steps = Math.round((hours * 3_600_000) / stepMs);
	for (let step = 0; step < steps; step++)
		for (const { topic, payload } of plant.step()) {
			const resampler = resamplers[byTopic.get(topic)!]!;
			const time = payload['ts'] as number;
			sensorNames.forEach((name, column) => {
				const value = payload[name];
				if (typeof value === 'number') resampler.push(column, time, value, 0);
			});
		}
	const truths = plant.groundTruth();
	return plant.machines.map((machine, index) => {
		const resampler = resamplers[index]!;
		resampler.flush();
		const rows = resampler.take();
		return {
			machine: machine.topic,
			rows,
			truth: truths.find(({ machineId }) => machineId === machine.machineId)
		};
	});
}
