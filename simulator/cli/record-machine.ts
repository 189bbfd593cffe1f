/**
 * Command line: a simulated machine's telemetry as CSV text, in the form of a recording.
 *
 * In: a plant configuration. Out: header and one line per second for the plant's first machine, with `anomaly` 0/1 (severity
 * at or above 0.1) as last column - what `npm run replay` and the file import read.
 */
import { createPlant, type PlantConfig } from '../index';

/** `steps` rows; comma separated, times in ISO 8601 with zone. Rows of a machine in dropout are absent. */
export function recordMachine(config: PlantConfig, steps: number): string {
	const plant = createPlant(config);
	const machine = plant.machines[0]!;
	const names = machine.machineClass.sensors.map((sensor) => sensor.name);
	const lines = [['datetime', ...names, 'anomaly'].join(',')];
	for (let i = 0; i < steps; i++) {
		const message = plant.step().find(({ topic }) => topic === machine.topic);
		if (!message) continue;
		const anomalous = machine.truth().some((truth) => plant.time >= truth.detectableFrom);
		const values = names.map((name) => message.payload[name] ?? '');
		lines.push([new Date(plant.time).toISOString(), ...values, anomalous ? 1 : 0].join(','));
	}
	return lines.join('\n') + '\n';
}
