/**
 * `npm run train:models`: trains the shipped predictor of every machine class on simulated healthy machines, measures it on
 * machines and seeds it has not seen, and writes `models/<class>/<version>/` and `models/index.json`.
 *
 * The training, resampling and scoring code is the product's own, on the engine's WASM backend in Node. The same seed gives
 * the same weights. Options: --class <id>, --epochs <n>, --units <a-b>, --version <name>, --quick (small, for a look; not for shipping),
 * --measure-only (evaluates what is there), --recalibrate (keeps the weights), --modes (keeps all but the operating modes),
 * --turbofan --data DIR (only the remaining-life model of turbofans, from C-MAPSS files in DIR), --failures (only records and calibrates the libraries of failures),
 * --out DIR (works on a copy there and leaves what is shipped as it is), --fresh-seed <n> (only counts false alarms on healthy machines of that seed and writes nothing).
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { machineClasses, sensorFaultModes, type MachineClass, type ScenarioFault } from '../simulator';
import type { ModelPackage, ModelVersion } from '../src/lib/contracts';
import { startEngine, type Engine } from '../src/lib/neural';
import { recalibrate, trainPredictor, withModes } from '../src/lib/training';
import { evaluateRuns, type RunOutcome } from './evaluate-class';
import { simulate, stepMs, type SimulatedRun } from './simulated-rows';
import { learnFailures } from './learn-failures';
import { trainTurbofan } from './turbofan';
import { writeCard, writeReadme, type ClassMetrics } from './cards';

const { values: options } = parseArgs({
	options: {
		class: { type: 'string' },
		epochs: { type: 'string', default: '12' },
		version: { type: 'string', default: 'v9' },
		units: { type: 'string', default: '32-16' },
		quick: { type: 'boolean', default: false },
		'fresh-seed': { type: 'string' },
		failures: { type: 'boolean', default: false },
		turbofan: { type: 'boolean', default: false },
		data: { type: 'string' },
		out: { type: 'string' },
		recalibrate: { type: 'boolean', default: false },
		modes: { type: 'boolean', default: false },
		'measure-only': { type: 'boolean', default: false }
	}
});

const here = new URL('./', import.meta.url);
const root = options.out === undefined ? here : pathToFileURL(`${resolve(options.out)}/`);
/** Monday, 5 January 2026, 06:00: the plant's own clock, so that a run can be repeated to the bit. */
const startTime = Date.UTC(2026, 0, 5, 6);
const hour = 3_600_000;
const seed = 20260105;

/** Machines come in plants of `machines`; each plant its own seed and time of day, so that ambient temperature varies. */
function runs(
	machineClass: MachineClass,
	plants: readonly { seed: number; machines: number; hours: number; at: number }[],
	faults?: readonly ScenarioFault[]
): SimulatedRun[] {
	return plants.flatMap((plant) =>
		simulate({
			machineClass: machineClass.id,
			machines: plant.machines,
			seed: plant.seed,
			hours: plant.hours,
			startTime: startTime + plant.at * hour,
			faults,
			sensorNames: machineClass.sensors.map(({ name }) => name)
		})
	);
}

const scale = options.quick ? 0.4 : 1;
const plantsOf = (count: number, firstSeed: number, machines: number, hours: number, from: number) =>
	Array.from({ length: Math.ceil(count * scale) }, (_, i) => ({
		seed: firstSeed + i,
		machines,
		hours,
		at: (from + (i * 24) / count) % 24
	}));
const trainingPlants = plantsOf(12, 101, 4, 0.5, 0);
/** Many individuals for an hour, since they differ, and some for long, since each wanders. */
const calibrationPlants = [...plantsOf(24, 201, 5, 1, 1), ...plantsOf(3, 251, 4, 24, 1)];
const healthyPlants = plantsOf(5, 301, 8, 2, 2);
const faultPlants = [{ seed: 401, machines: 4, hours: 1, at: 8 }];
const faultOnset = 15;
const faultGrowth = 40;

async function train(engine: Engine, machineClass: MachineClass): Promise<ModelPackage> {
	const training = runs(machineClass, trainingPlants);
	const heldBack = runs(machineClass, calibrationPlants);
	let epoch = 0;
	const trained = await trainPredictor(
		engine,
		{
			sensorNames: machineClass.sensors.map(({ name }) => name),
			kinds: machineClass.sensors.map(({ kind }) => kind),
			stepMs,
			recordings: training.map(({ rows }) => rows),
			heldBack: heldBack.map(({ rows }) => rows)
		},
		{
			id: `${machineClass.id}-${options.version}`,
			target: { machineClass: machineClass.id },
			origin: 'shipped',
			createdAt: Date.UTC(2026, 10, 27),
			description: `${training.length} simulated healthy machines over all modes, ${heldBack.length} others for calibration`,
			seed,
			maxEpochs: Number(options.epochs),
			plan: { units: options.units.split('-').map(Number) },
			onProgress: ({ lossCurve, windowsPerSecond }) => {
				const last = lossCurve[lossCurve.length - 1];
				if (!last || last.epoch === epoch) return;
				epoch = last.epoch;
				console.error(
					`${machineClass.id} epoch ${last.epoch}: ${last.train.toFixed(5)} / ${last.validation.toFixed(5)}, ${Math.round(windowsPerSecond ?? 0)} windows/s`
				);
			}
		}
	);
	return learnModesOf(machineClass, trained, training);
}

function learnModesOf(machineClass: MachineClass, pkg: ModelPackage, training: readonly SimulatedRun[]): ModelPackage {
	return withModes(
		pkg,
		training.map(({ rows }) => rows),
		machineClass.sensors.map(({ kind }) => kind)
	);
}

function readPackage(machineClass: MachineClass): ModelPackage {
	const folder = new URL(`${machineClass.id}/${options.version}/`, root);
	const version = JSON.parse(readFileSync(new URL('model.json', folder), 'utf8')) as ModelVersion;
	return { version, weights: new Uint8Array(readFileSync(new URL('weights.bin', folder))).buffer };
}

function measure(engine: Engine, machineClass: MachineClass, pkg: ModelPackage): ClassMetrics {
	const healthy = evaluateRuns(engine, pkg, runs(machineClass, healthyPlants));
	const hours = healthy.reduce((sum, run) => sum + (run.rows * stepMs) / hour, 0);
	const falseAlarms = healthy.reduce((sum, run) => sum + run.raisedAt.length, 0);
	const faults = [...machineClass.faults.map(({ id }) => id), ...sensorFaultModes.map(({ id }) => id)]
		.filter((id) => id !== 'link-dropout')
		.map((fault) => {
			const lines = Array.from({ length: 4 }, (_, machine) => ({
				machine,
				fault,
				onset: faultOnset,
				growth: faultGrowth
			}));
			return faultFigures(fault, evaluateRuns(engine, pkg, runs(machineClass, faultPlants, lines)));
		});
	return {
		machineClass: machineClass.id,
		healthyHours: hours,
		healthyMachines: healthy.length,
		falseAlarms,
		scoredShare:
			healthy.reduce((sum, run) => sum + run.scoredRows, 0) / healthy.reduce((sum, run) => sum + run.rows, 0),
		peakHealthyScore: Math.max(...healthy.map((run) => run.peakNormalScore)),
		medianHealthyScore: healthy.map((run) => run.medianScore).sort((a, b) => a - b)[healthy.length >> 1]!,
		faults,
		falseReasons: healthy.filter((run) => run.raisedAt.length > 0).map((run) => run.reason ?? '')
	};
}

function faultFigures(fault: string, outcomes: readonly RunOutcome[]): ClassMetrics['faults'][number] {
	const found = outcomes.flatMap((run) => {
		const { truth } = run;
		const raised = truth && run.raisedAt.find((at) => at >= truth.onset && at <= truth.timeOfEvent);
		return truth && raised !== undefined ? [{ run, truth, raised }] : [];
	});
	const middle = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN;
	return {
		fault,
		runs: outcomes.length,
		detected: found.length,
		falseBefore: outcomes.reduce(
			(sum, run) => sum + run.raisedAt.filter((at) => at < (run.truth?.onset ?? 0)).length,
			0
		),
		medianShareOfLife: middle(
			found.map(({ truth, raised }) => (raised - truth.onset) / (truth.timeOfEvent - truth.onset))
		),
		medianDelaySeconds: middle(found.map(({ truth, raised }) => (raised - truth.detectableFrom) / 1000)),
		affectedInTopTwo: found.filter(({ run, truth }) => run.leading.some((name) => truth.affectedSensors.includes(name)))
			.length,
		example: found[0]?.run.reason
	};
}

if (options.turbofan) {
	await trainTurbofan(options.data);
	process.exit(0);
}
const engine = await startEngine({ backends: ['wasm', 'cpu'], purpose: 'training' });
const chosen = machineClasses.filter(({ id }) => options.class === undefined || id === options.class);
if (chosen.length === 0) throw new Error(`There is no machine class "${options.class}"`);
if (root !== here)
	for (const { id } of chosen) cpSync(new URL(`${id}/`, here), new URL(`${id}/`, root), { recursive: true });
if (options['fresh-seed'] !== undefined) {
	const first = Number(options['fresh-seed']);
	for (const machineClass of chosen) {
		const outcomes = evaluateRuns(engine, readPackage(machineClass), runs(machineClass, plantsOf(3, first, 10, 2, 21)));
		const reasons = outcomes.flatMap(({ raisedAt, reason }) => (raisedAt.length > 0 ? [reason] : []));
		console.log(`${machineClass.id}: ${reasons.length} false alarms in 60 h ${reasons.join('; ')}`);
	}
	process.exit(0);
}
for (const machineClass of options.failures ? chosen : []) {
	const folder = new URL(`${machineClass.id}/${options.version}/`, root);
	learnFailures(engine, readPackage(machineClass), machineClass.id, folder, options.quick);
}
for (const machineClass of options.failures ? [] : chosen) {
	const folder = new URL(`${machineClass.id}/${options.version}/`, root);
	let pkg: ModelPackage;
	if (options['measure-only'] || options.recalibrate || options.modes) {
		pkg = readPackage(machineClass);
		if (options.recalibrate)
			pkg = recalibrate(
				engine,
				pkg,
				runs(machineClass, calibrationPlants).map(({ rows }) => rows),
				machineClass.sensors.map(({ kind }) => kind)
			);
		if (options.modes) pkg = learnModesOf(machineClass, pkg, runs(machineClass, trainingPlants));
	} else {
		pkg = await train(engine, machineClass);
	}
	const metrics = measure(engine, machineClass, pkg);
	if (!options['measure-only']) {
		rmSync(new URL(`${machineClass.id}/`, root), { recursive: true, force: true });
		mkdirSync(folder, { recursive: true });
		writeFileSync(new URL('model.json', folder), JSON.stringify(pkg.version, rounded, '\t') + '\n');
		writeFileSync(new URL('weights.bin', folder), new Uint8Array(pkg.weights));
	}
	if (!options['measure-only']) learnFailures(engine, pkg, machineClass.id, folder, options.quick);
	writeFileSync(new URL('metrics.json', folder), JSON.stringify(metrics, rounded, '\t') + '\n');
	writeFileSync(new URL('CARD.md', folder), writeCard(machineClass, pkg.version, metrics));
	console.error(
		`${machineClass.id}: ${metrics.falseAlarms} false alarms in ${metrics.healthyHours.toFixed(0)} h (peak ${metrics.peakHealthyScore.toFixed(2)}), detected ${metrics.faults.map(({ fault, detected, runs: n, medianShareOfLife }) => `${fault} ${detected}/${n}@${medianShareOfLife.toFixed(2)}`).join(', ')}`
	);
}
await engine.dispose();

const shipped = machineClasses.flatMap(({ id }) => {
	const folder = new URL(`${id}/`, root);
	const versions = existsSync(folder) ? readdirSync(folder).sort() : [];
	const version = versions.filter((name) => existsSync(new URL(`${name}/model.json`, folder))).pop();
	if (!version) return [];
	const library = new URL(`${version}/failures.json`, folder);
	const failures = existsSync(library)
		? {
				failures: 'failures.json',
				failuresSha256: createHash('sha256').update(readFileSync(library)).digest('hex')
			}
		: {};
	return [{ machineClass: id, path: `${id}/${version}/`, id: `${id}-${version}`, ...failures }];
});
writeFileSync(new URL('index.json', root), JSON.stringify(shipped, null, '\t') + '\n');
// Sections that follow were written by hand, on other measurements: they stay.
const readme = new URL('README.md', root);
const before = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
const byHand = before.includes('\n## ') ? before.slice(before.indexOf('\n## ')) : '';
writeFileSync(
	readme,
	writeReadme(
		shipped.map(({ path }) => ({
			version: JSON.parse(readFileSync(new URL(`${path}model.json`, root), 'utf8')) as ModelVersion,
			metrics: JSON.parse(readFileSync(new URL(`${path}metrics.json`, root), 'utf8')) as ClassMetrics
		}))
	) + byHand
);

/** Seven digits are more than float32 keeps; times and seconds of training differ from run to run and are left out. */
function rounded(key: string, value: unknown): unknown {
	if (key === 'seconds') return 0;
	return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(8)) : value;
}
