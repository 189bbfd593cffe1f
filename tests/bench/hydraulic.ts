/**
 * `npm run bench:hydraulic -- [--data DIR] [--seed 0] [--quick]`: the condition of four components from one load cycle.
 *
 * DIR (or its folder `hydraulic`) holds one tab-separated file a sensor, a row a cycle, and `profile.txt` with the conditions.
 * Five folds of whole unbroken blocks of equal condition (rows), and five random folds (context), where neighbours in time are on both
 * sides. Beside it: the commonest class and ridge regression on the same features.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder, readText } from './data/files';
import { parseBenchArguments, progress, report } from './harness';
import { majorityShare, shuffled, withHealthPage } from './recordings/health-page';

const components = ['cooler', 'valve', 'pump', 'accumulator'] as const;
const folds = 5;
const options = parseBenchArguments();
const folder = dataFolder(options, 'hydraulic');
const present = existsSync(folder) ? readdirSync(folder) : [];
// Quick: every second sensor.
const sensors = present
	.filter((file) => /^[A-Z]+\d*\.txt(\.gz)?$/.test(file))
	.sort()
	.filter((_, i) => !options.quick || i % 2 === 0);
if (sensors.length === 0 || !present.some((file) => file.startsWith('profile.txt')))
	report(
		'hydraulic',
		Object.fromEntries(components.map((name) => [name, null])),
		{},
		{ absent: `no cycles and profile.txt in ${folder}` }
	);
else
	await withHealthPage(async (page) => {
		// Quick: every sixth cycle, and only two of the five folds are named.
		const linesOf = (file: string) =>
			readText(join(folder, file))
				.trim()
				.split(/\r?\n/)
				.filter((_, i) => !options.quick || i % 6 === 0);
		const profile = linesOf('profile.txt').map((line) => line.trim().split(/\s+/).map(Number));
		const conditions = profile.map((row) => row.slice(0, components.length));
		const blocks: number[] = [];
		conditions.forEach((row, i) => {
			const before = conditions[i - 1];
			blocks.push(before ? blocks[i - 1]! + (row.some((value, k) => value !== before[k]) ? 1 : 0) : 0);
		});
		const urls = sensors.map((file) => {
			const values = linesOf(file).flatMap((line) => line.trim().split(/\s+/));
			return page.serve(file, [Float64Array.from(values, Number)]);
		});
		const features = await page.call('cycleFeatures', 'all', urls, profile.length);
		const seed = options.number('seed', 0);
		const order = shuffled(blocks.at(-1)! + 1, seed);
		const blockFold = new Map(order.map((block, i) => [block, i % folds]));
		const chance = shuffled(profile.length, seed + 1);
		const used = profile.map((_, i) => i).filter((i) => !options.quick || blockFold.get(blocks[i]!)! < 2);
		await page.call('subset', 'used', 'all', used);
		const foldsOf = (kind: 'whole' | 'random') =>
			used.map((i) => (kind === 'whole' ? blockFold.get(blocks[i]!)! : chance[i]! % folds));
		const groups = used.map((i) => blocks[i]!);
		const scores: Record<string, number> = {};
		const floors: Record<string, number> = {};
		const context: Record<string, unknown> = {};
		for (const [c, component] of components.entries()) {
			const levels = [...new Set(conditions.map((row) => row[c]!))].sort((a, b) => a - b);
			const labels = used.map((i) => levels.indexOf(conditions[i]![c]!));
			const blocked = await page.call('foldAccuracy', 'used', labels, foldsOf('whole'), groups);
			const random = options.quick
				? undefined
				: await page.call('foldAccuracy', 'used', labels, foldsOf('random'), groups);
			scores[component] = blocked.accuracy;
			floors[`${component}_ridge`] = blocked.ridge;
			floors[`${component}_majority`] = majorityShare(labels);
			context[component] = {
				per_fold: blocked.perFold,
				shrinkage: blocked.chosen,
				train_s: blocked.trainMs / 1000,
				random_folds: random?.accuracy,
				random_folds_ridge: random?.ridge
			};
			progress(
				`${component}: whole blocks ${blocked.accuracy.toFixed(4)} (ridge ${blocked.ridge.toFixed(4)})${random ? `, random folds ${random.accuracy.toFixed(4)} (ridge ${random.ridge.toFixed(4)})` : ''}`
			);
		}
		report('hydraulic', scores, floors, {
			quick: options.quick,
			data: folder,
			cycles: used.length,
			blocks: new Set(groups).size,
			sensors: sensors.length,
			features,
			seed,
			...context
		});
	});
