/**
 * Training of shipped models: what a person reads about them.
 *
 * In: versions and measured figures. Out: a model card per version and `models/README.md`. Every figure comes from the run.
 */
import type { MachineClass } from '../simulator';
import type { ModelVersion } from '../src/lib/contracts';

export interface ClassMetrics {
	readonly machineClass: string;
	readonly healthyHours: number;
	readonly healthyMachines: number;
	readonly falseAlarms: number;
	/** Share of rows that got a score (the rest: stopped, starting, warming up). */
	readonly scoredShare: number;
	readonly peakHealthyScore: number;
	readonly medianHealthyScore: number;
	readonly falseReasons: readonly string[];
	readonly faults: readonly {
		readonly fault: string;
		readonly runs: number;
		readonly detected: number;
		readonly falseBefore: number;
		/** Alarm raised at this share of the time from onset to failure. */
		readonly medianShareOfLife: number;
		/** Alarm raised this long after severity 0.1; negative: before. */
		readonly medianDelaySeconds: number;
		readonly affectedInTopTwo: number;
		readonly example?: string;
	}[];
}

const digits = (value: number | null, count: number) =>
	value === null || Number.isNaN(value) ? '-' : value.toFixed(count);

function faultTable(metrics: ClassMetrics): string {
	return [
		'| fault | found | at share of the way to failure | seconds after severity 0.1 | affected sensor in top two |',
		'| --- | ---: | ---: | ---: | ---: |',
		...metrics.faults.map(
			(row) =>
				`| ${row.fault} | ${row.detected} of ${row.runs} | ${digits(row.medianShareOfLife, 2)} | ${digits(row.medianDelaySeconds, 0)} | ${row.affectedInTopTwo} of ${row.detected} |`
		)
	].join('\n');
}

export function writeCard(machineClass: MachineClass, version: ModelVersion, metrics: ClassMetrics): string {
	const { metrics: training, spec } = version;
	return `# ${machineClass.title}: ${version.id}

An LSTM predictor (${spec.units.join('-')} units, ${spec.features} sensors, one row per ${version.stepMs / 1000} s) of the next row. What it expects is
compared with what comes; a lasting difference is an anomaly. So is a sensor that leaves
what the other sensors and the machine's own level say of it: the network sees the sensor itself and goes along with what creeps.

- Sensors: ${version.scaler.sensorNames.join(', ')}
- Trained on: ${version.dataSpan.description}; all data is simulated (\`simulator/\`), none is from a real machine
- Seed ${version.seed}, ${training.epochs} epochs, ${training.windows} windows of ${spec.windowSteps - 1} rows, some with invented sensor faults as input
- Loss on held-back machines ${training.validationLoss.toFixed(4)} (scaled units squared); "the next row equals this one": ${training.persistenceLoss.toFixed(4)}.
  It is taught to doubt a sensor that the others contradict, which costs accuracy one step ahead and is what finds slow drifts
- Weights: ${version.weights.reduce((sum, { shape }) => sum + shape.reduce((size, n) => size * n, 1), 0)} numbers, SHA-256 \`${version.weightsSha256}\`

## Measured on machines it has not seen

Healthy: ${metrics.falseAlarms} false alarms in ${metrics.healthyHours.toFixed(0)} h of ${metrics.healthyMachines} machines through all modes; highest score ${digits(metrics.peakHealthyScore, 2)} (1 is anomalous), median ${digits(metrics.medianHealthyScore, 2)}.

Faults (4 machines each, 40 min from onset to failure):

${faultTable(metrics)}

## Not for

A real machine of this class has other levels, noise and modes: train a version on its own normal running (Machine, Train).
`;
}

export function writeReadme(all: readonly { version: ModelVersion; metrics: ClassMetrics }[]): string {
	const total = (pick: (metrics: ClassMetrics) => number) => all.reduce((sum, { metrics }) => sum + pick(metrics), 0);
	const found = total(({ faults }) => faults.reduce((sum, { detected }) => sum + detected, 0));
	const runs = total(({ faults }) => faults.reduce((sum, row) => sum + row.runs, 0));
	const ranked = total(({ faults }) => faults.reduce((sum, row) => sum + row.affectedInTopTwo, 0));
	return `# Shipped models

One LSTM predictor per simulated machine class, used by machines of that class until a version is trained for them. Written by

\`\`\`
npm run train:models
\`\`\`

(all classes: a quarter of an hour to half an hour on two cores; \`-- --class centrifugal-pump\` for one; \`-- --measure-only\` measures what is here).
The run is deterministic: same code, same seed, same weights. Figures are from that run, on simulated machines and seeds not used in training.

| class | network | false alarms / machine hours | highest healthy score | faults found | median share of the way to failure |
| --- | --- | ---: | ---: | ---: | ---: |
${all
	.map(({ version, metrics }) => {
		const shares = metrics.faults
			.map(({ medianShareOfLife }) => medianShareOfLife)
			.filter((share) => share !== null && !Number.isNaN(share))
			.sort((a, b) => a - b);
		const detected = metrics.faults.reduce((sum, row) => sum + row.detected, 0);
		const count = metrics.faults.reduce((sum, row) => sum + row.runs, 0);
		return `| [${metrics.machineClass}](${metrics.machineClass}/${version.id.slice(metrics.machineClass.length + 1)}/CARD.md) | ${version.spec.units.join('-')} | ${metrics.falseAlarms} / ${metrics.healthyHours.toFixed(0)} | ${digits(metrics.peakHealthyScore, 2)} | ${detected} of ${count} | ${digits(shares[shares.length >> 1] ?? Number.NaN, 2)} |`;
	})
	.join('\n')}

All classes: ${total(({ falseAlarms }) => falseAlarms)} false alarms in ${total(({ healthyHours }) => healthyHours).toFixed(0)} machine hours; ${found} of ${runs} faults found before failure; a truly affected sensor among
the first two named in ${ranked} of ${found}. ${total(({ healthyHours }) => healthyHours).toFixed(0)} machine hours are too few to prove fewer than one false alarm in a machine month (730 h).
Count them on healthy machines of any other seed with \`npm run train:models -- --fresh-seed 901\` (prints them; at the time of the first release: 1 in 360 machine hours, a pump).

Files per version: \`model.json\` (a \`ModelVersion\`: network, scaler, calibration, data span, seed, metrics, checksum), \`weights.bin\` (float32, little-endian,
Keras order), \`metrics.json\`, \`CARD.md\`. \`index.json\` names the version that a class uses.
`;
}
