/**
 * `npm run bench:cmapss -- --data DIR --subset FD001`: remaining life of NASA's turbofans, learnt in the product's own training
 * worker in Chromium, scored by the public protocol: one prediction per test unit, from what is known at its last row. That is the
 * unit's whole history: the network sees a window of 20 rows, but age, change since new and smoothed values look back further.
 *
 * Rows: `rmse_capped` (truth capped at 125 as the target is), `rmse_uncapped`, `nasa_score` (Saxena et al. 2008; truth capped),
 * `coverage90` and `interval_width` of the 90% interval (truth capped), `train_s` (one network of the ensemble). Floors: the mean
 * capped life of the training rows, and the ridge regression on 30-cycle window means that the data set's notes describe.
 * `--last-window` is the ablation that knows nothing but the last 30 rows. Options: --data DIR (holds train_X.txt, test_X.txt, RUL_X.txt, gzip or not, or a folder `cmapss` with them), --subset, --seed, --quick (two networks on 24
 * units, judged on 10).
 */
import type { RulModelVersion, UnitEstimate, UnitHistories } from '../../src/lib/contracts';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { readCmapss, readCmapssRul } from './data/cmapss';
import { dataOption, dataSetFolder } from './data/files';
import { packHistories, type PackedHistories } from './data/pack-histories';
import { rulPlan } from '../../src/lib/training/rul/plan';
import { ridgeFloor } from './floors/ridge-rul';
import { parseBenchArguments, progress, report, servePage, withChromium } from './harness';

const options = parseBenchArguments();
const subset = options.text('subset', 'FD001');
const data = dataOption(options);
const seed = options.number('seed', 1);
const cap = 125;
const plan = {
	...(options.quick && { folds: 2, repeats: 1, updates: 200 }),
	...(options.flag('last-window') && {
		network: {
			...rulPlan.network,
			windowSteps: 30,
			features: { raw: true, spans: [], sinceNew: false, lifeMean: false, age: false }
		}
	})
};

interface RulBench {
	train(request: object): Promise<RulModelVersion>;
	estimate(modelId: string, histories: PackedHistories): Promise<UnitEstimate[]>;
	progress(): { member: number; members: number; epoch: number; epochs: number } | undefined;
}

const folder = dataSetFolder(data, 'cmapss', `train_${subset}.txt`);
if (!folder) {
	const nothing = {
		rmse_capped: null,
		rmse_uncapped: null,
		nasa_score: null,
		coverage90: null,
		interval_width: null,
		train_s: null
	};
	report(
		'cmapss',
		nothing,
		{},
		{ subset, missing: `train_${subset}.txt was not found under ${data}: give its folder with --data` }
	);
	process.exit(options.quick ? 0 : 1);
}

const whole = { train: readCmapss(folder, subset, 'train'), test: readCmapss(folder, subset, 'test') };
const lives = readCmapssRul(folder, subset);
if (lives.length !== whole.test.units.length)
	throw new Error(`RUL_${subset}.txt has ${lives.length} lives for ${whole.test.units.length} test units`);
const first = (histories: UnitHistories, count: number) => ({ ...histories, units: histories.units.slice(0, count) });
const train = options.quick ? first(whole.train, 24) : whole.train;
const test = options.quick ? first(whole.test, 10) : whole.test;
const truth = lives.slice(0, test.units.length);

const server = await servePage('tests/bench/pages/rul', { plugins: [assemblyScript()] });
const { version, estimates } = await withChromium(async (context) => {
	const page = await context.newPage();
	page.on('console', (message) => message.type() === 'error' && progress(`page: ${message.text()}`));
	page.on('pageerror', (error) => progress(`page: ${error.message}`));
	await page.goto(server.url);
	await page.waitForFunction(() => 'rulBench' in globalThis);
	const ticking = setInterval(() => {
		void page
			.evaluate(() => (globalThis as unknown as { rulBench: RulBench }).rulBench.progress())
			.then((now) => now && progress(`network ${now.member} of ${now.members}, epoch ${now.epoch} of ${now.epochs}`))
			.catch(() => undefined);
	}, 15_000);
	try {
		const version = await page.evaluate(
			(request) => (globalThis as unknown as { rulBench: RulBench }).rulBench.train(request),
			{
				title: `Turbofan ${subset}`,
				description: `C-MAPSS ${subset}`,
				histories: packHistories(train),
				seed,
				...(Object.keys(plan).length > 0 && { plan })
			}
		);
		const told = await page.evaluate(
			([id, histories]) =>
				(globalThis as unknown as { rulBench: RulBench }).rulBench.estimate(id as string, histories as PackedHistories),
			[version.id, packHistories(test)] as const
		);
		const short = told.find(({ estimate }) => !estimate);
		if (short) throw new Error(`Test unit ${short.unitId} has ${short.steps} rows: too few to be judged`);
		return { version, estimates: told.map(({ estimate }) => estimate!) };
	} finally {
		clearInterval(ticking);
	}
}).finally(() => server.close());

const rmse = (predicted: readonly number[], actual: readonly number[]) =>
	Math.sqrt(predicted.reduce((sum, value, i) => sum + (value - actual[i]!) ** 2, 0) / predicted.length);
/** Saxena et al. 2008: late predictions cost more. */
const nasaScore = (predicted: readonly number[], actual: readonly number[]) =>
	predicted.reduce((sum, value, i) => {
		const d = value - actual[i]!;
		return sum + (d < 0 ? Math.exp(-d / 13) : Math.exp(d / 10)) - 1;
	}, 0);

const capped = truth.map((life) => Math.min(cap, life));
const predicted = estimates.map(({ median }) => median);
const inside = estimates.filter(({ low, high }, i) => capped[i]! >= low && capped[i]! <= high).length;
/** An interval that reaches the cap says "or longer". */
const insideUncapped = estimates.filter(
	({ low, high, beyondCap }, i) => truth[i]! >= low && (beyondCap || truth[i]! <= high)
).length;
const targets = train.units.flatMap(({ steps }) =>
	Array.from({ length: steps }, (_, t) => Math.min(cap, steps - 1 - t))
);
const mean = targets.reduce((sum, value) => sum + value, 0) / targets.length;
const constant = truth.map(() => mean);
const ridge = ridgeFloor(train, test, version.conditions, cap);
const { lossCurve: _curve, ...metrics } = version.metrics;

report(
	'cmapss',
	{
		rmse_capped: rmse(predicted, capped),
		rmse_uncapped: rmse(predicted, truth),
		nasa_score: nasaScore(predicted, capped),
		coverage90: inside / truth.length,
		interval_width: estimates.reduce((sum, { low, high }) => sum + high - low, 0) / truth.length,
		train_s: metrics.secondsPerMember
	},
	{
		constant_rmse_capped: rmse(constant, capped),
		constant_rmse_uncapped: rmse(constant, truth),
		ridge_rmse_capped: rmse(ridge, capped),
		ridge_rmse_uncapped: rmse(ridge, truth),
		ridge_nasa_score: nasaScore(ridge, capped)
	},
	{
		subset,
		seed,
		quick: options.quick,
		train_units: train.units.length,
		test_units: test.units.length,
		members: version.members,
		conditions: version.conditions.centres.length,
		sensors: version.conditions.sensors.map((i) => version.sensorNames[i]),
		network: version.spec,
		nasa_score_uncapped: nasaScore(predicted, truth),
		coverage90_uncapped: insideUncapped / truth.length,
		train_all_s: metrics.seconds,
		backend: metrics.backend,
		// On training units that the network had not seen, every row from the tenth on.
		cross_validated: {
			rmse: metrics.crossValidatedRmse,
			constant: metrics.constantRmse,
			coverage90: metrics.coverage90
		}
	}
);
process.exit(0);
