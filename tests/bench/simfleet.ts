/**
 * `npm run bench:simfleet -- --seed n`: how well the shipped models find faults of simulated machines that they have never seen.
 *
 * Per class every fault mode (those of the machine and of its sensors) on machines of their own for an hour - onset after 15 minutes,
 * growing for 40 - and as many healthy ones beside them; then healthy machines for long, every fourth with link outages. All of them
 * change modes, stop and start by themselves. Scored in Chromium by the product's own resampler, predictor and pipeline, from windows
 * of a minute: positive from the moment at which a fault can be told (severity 0.1) to the event, negative before its onset and on
 * healthy machines; what lies between is left out, and so are windows without a score (stopped, starting, a new mode), which are counted.
 * `--watch levels`: the same machines without a model, watched by their levels, which they learn from their own running; judged after
 * --learn-hours 6 of it, and healthy ones from the moment on at which there is a watch.
 * `--watch own`: every machine has a model of its own, trained by the page's code on its first --learn-hours 3; that is judged from then on, and beside it, on
 * the same rows, a vote trained on the same hours, each of its members alone and the model of its class (faults begin after the training, `--epochs 15`).
 * `--chosen-per-week 1`: thresholds of the machines that are watched for long follow their normal running, as in the product, once a day.
 * `--drift-machines 2`: per class so many machines of which a sensor drifts for four hours after four calm ones, and as many healthy: what the drift
 * monitor says of them, beside the rest.
 * Seeds that differ by little share machines (by 4 or 8: half of the long-watched ones or all but 4 of 12): take ones far apart.
 * Options: --seed 9001, --fault-machines 2, --healthy-machines (as many as have a fault), --long-machines 12 and --long-hours 24 per class, --class centrifugal-pump, --quick.
 */
import { readFileSync } from 'node:fs';
import { machineClasses, sensorFaultModes } from '../../simulator';
import type { ModelVersion } from '../../src/lib/contracts';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { parseBenchArguments, progress, report, servePage, withChromium } from './harness';
import type { ClassOutcome, Windows } from './pages/simfleet/protocol';

const options = parseBenchArguments();
const seed = options.number('seed', 9001);
const faultMachines = options.number('fault-machines', options.quick ? 1 : 2);
const longMachines = options.number('long-machines', options.quick ? 1 : 12);
const longHours = options.number('long-hours', options.quick ? 2 : 24);
const only = options.text('class', options.quick ? 'centrifugal-pump' : '');
const watch = options.text('watch', 'models');
const byLevels = watch === 'levels';
const byOwn = watch === 'own';
if (!byLevels && !byOwn && watch !== 'models') throw new Error(`--watch is models, levels or own, not "${watch}"`);
const learnHours = options.number('learn-hours', byOwn ? 3 : options.quick ? 2.2 : 6);
const chosenPerWeek = options.number('chosen-per-week', 0);
const driftMachines = options.number('drift-machines', 0);
const hoursPerMonth = 730;

const models = JSON.parse(readFileSync('models/index.json', 'utf8')) as { machineClass: string; path: string }[];
const classes = machineClasses.filter(({ id }) => only === '' || id === only);
if (classes.length === 0) throw new Error(`There is no machine class "${only}"`);

const page = await servePage('tests/bench/pages/simfleet', { plugins: [assemblyScript()] });
const outcomes = await withChromium(async (context) => {
	const tab = await context.newPage();
	tab.on('console', (message) => message.type() === 'error' && progress(message.text()));
	await tab.goto(page.url);
	const found: (readonly [string, ClassOutcome])[] = [];
	for (const [index, machineClass] of classes.entries()) {
		const folder = `models/${models.find((model) => model.machineClass === machineClass.id)!.path}`;
		const faults = [...machineClass.faults, ...sensorFaultModes]
			.map(({ id }) => id)
			.filter((id) => id !== 'link-dropout');
		const outcome = await tab.evaluate(
			(task) => (globalThis as unknown as { runClass(task: unknown): Promise<ClassOutcome> }).runClass(task),
			{
				machineClass: machineClass.id,
				version: JSON.parse(readFileSync(`${folder}model.json`, 'utf8')) as ModelVersion,
				weights: readFileSync(`${folder}weights.bin`).toString('base64'),
				seed: seed + 10_000 * index,
				faults: options.quick ? faults.slice(0, 3) : faults,
				faultMachines,
				healthyMachines: options.number('healthy-machines', faultMachines * (options.quick ? 3 : faults.length)),
				longMachines,
				longHours,
				levelsAfterHours: byLevels ? learnHours : 0,
				ownAfterHours: byOwn ? learnHours : 0,
				maxEpochs: options.number('epochs', 15),
				chosenPerWeek,
				driftMachines
			}
		);
		found.push([machineClass.id, outcome]);
		const { f1 } = figuresOf(outcome.windows, outcome.windows.flagged);
		progress(
			`${machineClass.id}: F1 ${f1.toFixed(3)}, ${outcome.falseAlarms} false alarms in ${outcome.watchedHours.toFixed(0)} h, ${outcome.rows} rows in ${outcome.seconds.toFixed(0)} s`
		);
	}
	return found;
});
await page.close();

const all = outcomes.map(([, outcome]) => outcome);
const windows = pooled(all.map((one) => one.windows));
const hours = total(all.map(({ watchedHours }) => watchedHours));
const perMonth = (alarms: number) => (alarms / hours) * hoursPerMonth;
const falseAlarms = total(all.map((one) => one.falseAlarms));
const faults = all.flatMap((one) => one.faults);
const found = total(faults.map(({ delays }) => delays.length));
const topTwo = (pick: (fault: (typeof faults)[number]) => number) => total(faults.map(pick)) / Math.max(1, found);
const own = figuresOf(windows, windows.flagged);
const sigma = figuresOf(
	windows,
	windows.sigmas.map((value) => (value > 3 ? 1 : 0))
);
report(
	'simfleet',
	{
		...own,
		roc_auc: areaUnderCurve(windows.labels, windows.scores),
		false_alarms_per_machine_month: perMonth(falseAlarms),
		affected_in_top_two: topTwo(({ topTwoShare }) => topTwoShare),
		...besideRows(),
		...(watch === 'models' && { affected_in_top_two_gradients: topTwo(({ topTwoGradients }) => topTwoGradients) })
	},
	{
		...Object.fromEntries(Object.entries(sigma).map(([name, value]) => [`${name}_3sigma`, value])),
		roc_auc_3sigma: areaUnderCurve(windows.labels, windows.sigmas),
		false_alarms_per_machine_month_3sigma: perMonth(total(all.map((one) => one.falseAlarmsSigma)))
	},
	{
		seed,
		watch: watch === 'models' ? watch : `${watch}, after ${learnHours} h`,
		...(byOwn && {
			machines_trained: total(all.map(({ trained }) => trained)),
			train_s: Math.round(total(all.map(({ trainSeconds }) => trainSeconds)))
		}),
		windows: windows.labels.length,
		positive: total([...windows.labels]),
		unscored_windows: windows.unscored,
		watched_machine_hours: hours,
		false_alarms: falseAlarms,
		false_findings: total(all.map((one) => one.falseFindings)),
		false_reasons: all.flatMap(({ falseReasons }) => falseReasons).slice(0, 8),
		...(chosenPerWeek > 0 && {
			chosen_per_week: chosenPerWeek,
			realised_per_week: Number(((falseAlarms / hours) * 168).toFixed(3)),
			threshold_factors: all.flatMap(({ factors }) => factors)
		}),
		...(driftMachines > 0 && driftFigures()),
		new_mode_hours: Number(total(all.map(({ newModeHours }) => newModeHours)).toFixed(2)),
		faults_found: found,
		fault_runs: total(faults.map(({ runs }) => runs)),
		median_delay_s: delaysByFault(),
		largest_completeness_error: Math.max(0, ...faults.flatMap(({ completenessErrors }) => completenessErrors)),
		rows_per_second: Math.round(total(all.map(({ rows }) => rows)) / total(all.map(({ seconds }) => seconds))),
		backend: all[0]!.backend
	}
);
process.exit(0);

function total(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0);
}

function pooled(parts: readonly Windows[]): Windows {
	return {
		labels: parts.flatMap(({ labels }) => labels),
		flagged: parts.flatMap(({ flagged }) => flagged),
		scores: parts.flatMap(({ scores }) => scores),
		sigmas: parts.flatMap(({ sigmas }) => sigmas),
		unscored: total(parts.map(({ unscored }) => unscored))
	};
}

/** Detectors that judged the same rows, by name; a member that a machine has not got is left out there. */
function besideRows(): Record<string, number> {
	const names = [...new Set(all.flatMap(({ beside }) => Object.keys(beside)))];
	const rows: Record<string, number> = {};
	for (const name of names) {
		const own = all.flatMap(({ beside }) => beside[name] ?? []);
		const of = pooled(own.map((one) => one.windows));
		const { f1, recall, precision } = figuresOf(of, of.flagged);
		Object.assign(rows, {
			[`f1_${name}`]: f1,
			[`precision_${name}`]: precision,
			[`recall_${name}`]: recall,
			[`roc_auc_${name}`]: areaUnderCurve(of.labels, of.scores),
			[`false_alarms_per_machine_month_${name}`]: perMonth(total(own.map((one) => one.falseAlarms))),
			[`faults_found_${name}`]: total(own.map((one) => one.faultsFound))
		});
	}
	return rows;
}

function figuresOf({ labels }: Windows, flagged: readonly number[]) {
	let hits = 0;
	let falses = 0;
	let misses = 0;
	labels.forEach((label, i) => {
		if (label && flagged[i]) hits++;
		else if (flagged[i]) falses++;
		else if (label) misses++;
	});
	return {
		accuracy: (labels.length - falses - misses) / labels.length,
		precision: hits / Math.max(1, hits + falses),
		recall: hits / Math.max(1, hits + misses),
		f1: (2 * hits) / Math.max(1, 2 * hits + falses + misses)
	};
}

/** Mann-Whitney: the share of pairs in which the positive window has the higher score, ties counting half. */
function areaUnderCurve(labels: readonly number[], scores: readonly number[]): number {
	const order = scores.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
	let rankSum = 0;
	for (let i = 0; i < order.length;) {
		let j = i;
		while (j < order.length && scores[order[j]!] === scores[order[i]!]) j++;
		for (let k = i; k < j; k++) if (labels[order[k]!]) rankSum += (i + j + 1) / 2;
		i = j;
	}
	const positive = total(labels);
	const negative = labels.length - positive;
	return (rankSum - (positive * (positive + 1)) / 2) / (positive * negative);
}

/** What the drift monitor said of healthy running, and of sensors that drift. */
function driftFigures(): Record<string, number> {
	const drifts = all.flatMap((one) => one.drifts);
	const healthy = drifts.filter((one) => !one.drifts);
	const drifting = drifts.filter((one) => one.drifts);
	const delays = drifting.flatMap(({ delayMinutes }) => delayMinutes ?? []).sort((a, b) => a - b);
	return {
		drift_healthy_machines: healthy.length,
		drift_healthy_with_finding: healthy.filter(({ blocksWithFinding }) => blocksWithFinding > 0).length,
		drift_share_of_healthy_blocks:
			total(drifts.map(({ blocksWithFinding }) => blocksWithFinding)) / total(drifts.map(({ blocks }) => blocks)),
		drift_sensors: drifting.length,
		drift_sensors_found: delays.length,
		drift_median_delay_minutes: Math.round(delays[delays.length >> 1] ?? Number.NaN)
	};
}

/** Median seconds from detectable to the alarm, and how many of the runs were found, by fault mode. */
function delaysByFault(): Record<string, string> {
	const names = [...new Set(faults.map(({ fault }) => fault))];
	return Object.fromEntries(
		names.map((name) => {
			const own = faults.filter(({ fault }) => fault === name);
			const delays = own.flatMap((one) => one.delays).sort((a, b) => a - b);
			const median = delays[delays.length >> 1];
			return [
				name,
				`${median === undefined ? '-' : Math.round(median)} (${delays.length} of ${total(own.map(({ runs }) => runs))})`
			];
		})
	);
}
