/**
 * `npm run bench:ai4i -- --data DIR`: which milling operations fail, by a forest, an LSTM and a logistic regression in the
 * product's training worker in Chromium. Stratified five-fold cross-validation; the five failure-mode columns are never read.
 *
 * Rows: `f1_forest`, `f1_lstm`, `f1_linear` (failure class; the threshold of a fold comes from its training rows) and Brier scores. Floors:
 * `f1_all` (every operation fails), `brier_share` (the share of failures, always). Options: --data DIR (holds ai4i2020.csv, gzip or not,
 * or a folder `ai4i2020` with it), --seed, --quick (2,500 rows, two folds), --pairs (not the three derived inputs but
 * products and differences of every two, as the product offers them; forest and logistic regression alone).
 */
import { join } from 'node:path';
import type { RiskEvaluation } from '../../src/lib/contracts';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { riskFeatureNames, rowFeatures } from '../../src/lib/prognostics';
import { dataOption, dataSetFolder, readText } from './data/files';
import { parseBenchArguments, progress, report, servePage, withChromium } from './harness';

const options = parseBenchArguments();
const data = dataOption(options);
const seed = options.number('seed', 1);
const folder = dataSetFolder(data, 'ai4i2020', 'ai4i2020.csv');
if (!folder) {
	const nothing = { f1_forest: null, f1_lstm: null, f1_linear: null };
	report('ai4i', nothing, {}, { missing: `ai4i2020.csv was not found under ${data}: give its folder with --data` });
	process.exit(options.quick ? 0 : 1);
}

const featureNames = [
	'type',
	'air temperature K',
	'process temperature K',
	'speed rpm',
	'torque Nm',
	'tool wear min',
	// Derived: what a person at the machine would work out.
	'power W',
	'temperature difference K',
	'wear x torque min Nm'
];
const lines = readText(join(folder, 'ai4i2020.csv'))
	.replace(/^\uFEFF/, '')
	.trim()
	.split(/\r?\n/);
const head = lines[0]!.split(',').map((name) => name.replaceAll('_', ' ').toLowerCase());
const column = (name: string) => {
	const at = head.findIndex((title) => title.startsWith(name));
	if (at < 0) throw new Error(`ai4i2020.csv has no column "${name}": found ${head.join(', ')}`);
	return at;
};
const at = [
	'type',
	'air temperature',
	'process temperature',
	'rotational speed',
	'torque',
	'tool wear',
	'machine failure'
].map(column);
const wanted = lines.slice(1, options.quick ? 2501 : undefined).map((line) => {
	const cells = line.split(',');
	const [type, air, process_, speed, torque, wear, failure] = at.map((i, k) =>
		k === 0 ? 'LMH'.indexOf(cells[i]!) : Number(cells[i])
	) as [number, number, number, number, number, number, number];
	return {
		values: [
			type,
			air,
			process_,
			speed,
			torque,
			wear,
			(torque * speed * 2 * Math.PI) / 60,
			process_ - air,
			wear * torque
		],
		failure
	};
});
const pairs = options.flag('pairs');
const inputNames = featureNames.slice(0, 6);
const spec = {
	kind: 'rows',
	pairs: true,
	fill: inputNames.map(() => 0),
	inputs: inputNames.map((name) => (name === 'type' ? { name, categories: ['L', 'M', 'H'] } : { name }))
} as const;
const request = pairs
	? {
			featureNames: riskFeatureNames(spec),
			rows: [
				...rowFeatures(spec, Float64Array.from(wanted.flatMap(({ values }) => values.slice(0, 6))), wanted.length)
			],
			lstm: false
		}
	: { featureNames, rows: wanted.flatMap(({ values }) => values), lstm: true };
const labels = wanted.map(({ failure }) => failure);

const server = await servePage('tests/bench/pages/rul', { plugins: [assemblyScript()] });
const { evaluation, seconds } = await withChromium(async (context) => {
	const page = await context.newPage();
	page.on('pageerror', (error) => progress(`page: ${error.message}`));
	await page.goto(server.url);
	await page.waitForFunction(() => 'rulBench' in globalThis);
	const from = performance.now();
	const evaluation = await page.evaluate(
		(request) =>
			(globalThis as unknown as { rulBench: { risk(request: object): Promise<RiskEvaluation> } }).rulBench.risk(
				request
			),
		{ ...request, labels, folds: options.quick ? 2 : 5, seed }
	);
	return { evaluation, seconds: (performance.now() - from) / 1000 };
}).finally(() => server.close());

const share = labels.reduce((sum, label) => sum + label, 0) / labels.length;
const { forest, lstm, linear } = evaluation;
report(
	'ai4i',
	{
		f1_forest: forest.f1,
		f1_lstm: lstm?.f1 ?? null,
		f1_linear: linear.f1,
		pr_auc_forest: forest.prAuc,
		brier_forest: forest.brier,
		brier_lstm: lstm?.brier ?? null,
		brier_linear: linear.brier
	},
	{ f1_forest: 0.9, f1_all: (2 * share) / (1 + share), brier_share: share * (1 - share) },
	{
		rows: labels.length,
		failures: labels.filter((label) => label === 1).length,
		seed,
		quick: options.quick,
		seconds,
		precision_recall: {
			forest: [forest.precision, forest.recall],
			lstm: lstm && [lstm.precision, lstm.recall],
			linear: [linear.precision, linear.recall]
		},
		reliability_forest: forest.reliability,
		influence: evaluation.influence
	}
);
process.exit(0);
