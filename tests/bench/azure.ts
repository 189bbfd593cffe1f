/**
 * `npm run bench:azure -- --data DIR`: which machines fail within 1 and 7 days, told at the end of each machine-day from telemetry,
 * errors, replacements and age by a forest, an LSTM over 14 days and a logistic regression, in the product's training worker in Chromium.
 *
 * Split by machine and by time at once: five folds of machines; a fold is judged on the last third of the days, and learnt from other
 * machines' days up to a week before those. Rows are those of the forest, `pr_auc_1d`, `pr_auc_7d` and `recall_at_1_false_alarm`: share of failures
 * that a flagged day announces at most 7 days ahead, where at most one day in a machine-month (30 days) is flagged and no failure
 * follows within 7 days. Floor: logistic regression on age alone, by the same split, and the share of positive days. Options: --data DIR (holds
 * PdM_*.csv and telemetry_daily_mean.csv, gzip or not, or a folder `azure-pdm` with them), --seed, --quick (12 machines, two folds).
 */
import type { ComparedRisk, RiskMethod, RiskRequest } from '../../src/lib/contracts';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import {
	averagePrecision,
	dayFeatureNames,
	dayFeatures,
	failsWithin,
	fitLogistic,
	logisticProbability
} from '../../src/lib/prognostics';
import { dealRows, pickRows } from '../../src/lib/training/risk/risk-folds';
import { readAzure } from './data/azure-pdm';
import { dataOption, dataSetFolder } from './data/files';
import { parseBenchArguments, progress, report, servePage, withChromium } from './harness';

const options = parseBenchArguments();
const seed = options.number('seed', 1);
const folds = options.quick ? 2 : 5;
const longest = 7;
const monthDays = 30;
const methods = ['forest', 'lstm', 'linear'] as const;

const folder = dataSetFolder(dataOption(options), 'azure-pdm', 'PdM_machines.csv');
if (!folder) {
	const nothing = { pr_auc_1d: null, pr_auc_7d: null, recall_at_1_false_alarm: null };
	report(
		'azure',
		nothing,
		{},
		{ missing: `PdM_machines.csv was not found under ${dataOption(options)}: give its folder with --data` }
	);
	process.exit(options.quick ? 0 : 1);
}

const fleet = readAzure(folder).slice(0, options.quick ? 12 : undefined);
const featureNames = dayFeatureNames(fleet[0]!.machine);
const days = fleet.map(({ machine }) => machine.days);
const wholeDays = Math.max(...days);
const cut = Math.round((wholeDays * 2) / 3);
const place = fleet.flatMap(({ machine }, m) => Array.from({ length: machine.days }, (_, day) => ({ m, day })));
const rows = Float64Array.from(fleet.flatMap(({ machine }) => [...dayFeatures(machine)]));
const machine = Uint16Array.from(place, ({ m }) => m);
/** Days whose week ahead is known are judged; what is learnt from ends where no label reaches into them. */
const role = Uint8Array.from(place, ({ m, day }) =>
	day >= cut ? (day < days[m]! - longest - 1 ? 2 : 0) : day < cut - longest - 1 ? 1 : 0
);
const request = (horizon: number): RiskRequest => ({
	featureNames,
	rows,
	labels: Uint8Array.from(fleet.flatMap(({ machine }) => [...failsWithin(machine.failures, machine.days, horizon)])),
	folds,
	seed,
	machines: { machine, role, steps: 14 }
});
const requests = { day: request(1), week: request(longest) };

const server = await servePage('tests/bench/pages/rul', { plugins: [assemblyScript()] });
const { day, week, seconds } = await withChromium(async (context) => {
	const page = await context.newPage();
	page.on('pageerror', (error) => progress(`page: ${error.message}`));
	await page.goto(server.url);
	await page.waitForFunction(() => 'rulBench' in globalThis);
	const from = performance.now();
	const evaluate = ({ rows, labels, machines, ...rest }: RiskRequest) =>
		page.evaluate(
			(task) =>
				(globalThis as unknown as { rulBench: { risk(task: object): Promise<ComparedRisk> } }).rulBench.risk(task),
			{
				...rest,
				rows: [...rows],
				labels: [...labels],
				machines: { machine: [...machines!.machine], role: [...machines!.role], steps: machines!.steps }
			}
		);
	const day = await evaluate(requests.day);
	progress(
		`1 day: forest ${day.forest.prAuc.toFixed(3)}, lstm ${day.lstm.prAuc.toFixed(3)}, linear ${day.linear.prAuc.toFixed(3)}`
	);
	const week = await evaluate(requests.week);
	progress(
		`7 days: forest ${week.forest.prAuc.toFixed(3)}, lstm ${week.lstm.prAuc.toFixed(3)}, linear ${week.linear.prAuc.toFixed(3)}`
	);
	return { day, week, seconds: (performance.now() - from) / 1000 };
}).finally(() => server.close());

const judged = place.flatMap(({ m, day }, i) => (role[i] === 2 ? [{ m, day, i }] : []));
const ageDay = ageOnly(requests.day);
const ageWeek = ageOnly(requests.week);
const positives = (of: RiskRequest) => judged.filter(({ i }) => of.labels[i] === 1).length / judged.length;
const byMethod = (of: (method: RiskMethod) => unknown) =>
	Object.fromEntries(methods.map((method) => [method, of(method)]));
report(
	'azure',
	{
		pr_auc_1d: day.forest.prAuc,
		pr_auc_7d: week.forest.prAuc,
		recall_at_1_false_alarm: recallAtOne(week.probabilities.forest)
	},
	{
		pr_auc_1d_age: averagePrecision(ofJudged(ageDay), came(requests.day)),
		pr_auc_7d_age: averagePrecision(ofJudged(ageWeek), came(requests.week)),
		recall_at_1_false_alarm_age: recallAtOne(ageWeek),
		pr_auc_1d_share: positives(requests.day),
		pr_auc_7d_share: positives(requests.week)
	},
	{
		seed,
		quick: options.quick,
		machines: fleet.length,
		machine_days_judged: judged.length,
		days_judged: [cut, wholeDays - longest - 2],
		seconds,
		pr_auc_1d: byMethod((method) => day[method].prAuc),
		pr_auc_7d: byMethod((method) => week[method].prAuc),
		recall_at_1_false_alarm: byMethod((method) => recallAtOne(week.probabilities[method])),
		brier_1d: byMethod((method) => day[method].brier),
		brier_7d: byMethod((method) => week[method].brier),
		reliability_7d_forest: week.forest.reliability,
		influence_7d: [...week.influence].sort((a, b) => b.share - a.share).slice(0, 8)
	}
);
process.exit(0);

function ofJudged(probabilities: ArrayLike<number>): number[] {
	return judged.map(({ i }) => probabilities[i]!);
}

function came(of: RiskRequest): number[] {
	return judged.map(({ i }) => of.labels[i]!);
}

/** The floor, by the same split. */
function ageOnly(of: RiskRequest): Float64Array {
	const age = featureNames.indexOf('age years');
	const alone: RiskRequest = {
		...of,
		featureNames: ['age years'],
		rows: Float64Array.from(place, (_, i) => rows[i * featureNames.length + age]!)
	};
	const deal = dealRows(alone);
	const said = new Float64Array(place.length).fill(Number.NaN);
	for (let k = 0; k < folds; k++) {
		const known = pickRows(alone, (i) => deal.learns(i, k));
		const held = pickRows(alone, (i) => deal.judges(i, k));
		const model = fitLogistic(known.rows, 1, known.labels);
		held.places.forEach((row, i) => (said[row] = logisticProbability(model, held.rows, i)));
	}
	return said;
}

/** At the lowest threshold at which no more than one falsely flagged day comes to a machine-month. */
function recallAtOne(probabilities: ArrayLike<number>): number {
	const allowed = judged.length / monthDays;
	const { labels } = requests.week;
	const falses = judged
		.filter(({ i }) => labels[i] === 0)
		.map(({ i }) => probabilities[i]!)
		.sort((a, b) => b - a);
	const threshold = falses[Math.floor(allowed)] ?? 0;
	const flagged = new Set(judged.filter(({ i }) => probabilities[i]! > threshold).map(({ m, day }) => `${m}/${day}`));
	let [announced, all] = [0, 0];
	fleet.forEach(({ machine }, m) => {
		for (const at of machine.failures) {
			const before = Array.from({ length: longest }, (_, back) => Math.ceil(at) - 2 - back).filter(
				(day) => day >= cut && day < days[m]! - longest - 1
			);
			if (before.length === 0) continue;
			all++;
			if (before.some((day) => flagged.has(`${m}/${day}`))) announced++;
		}
	});
	return announced / Math.max(1, all);
}
