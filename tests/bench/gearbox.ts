/**
 * `npm run bench:gearbox -- [--data DIR] [--window 512] [--quick]`: healthy or broken tooth, whole loads left out of learning.
 *
 * DIR (or its folder `gearbox`) holds `h30hz<load>.csv[.gz]` and `b30hz<load>.csv[.gz]`, one column a sensor. Each load is named by a
 * classifier that never saw it. Beside it: the commonest class, ridge on all features, ridge on the level of each sensor alone.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { featureIds, featureIndex } from '../../src/lib/manipulation/features';
import { dataFolder, readText } from './data/files';
import { parseBenchArguments, progress, report } from './harness';
import { majorityShare, withHealthPage } from './recordings/health-page';

const options = parseBenchArguments();
const folder = dataFolder(options, 'gearbox');
const pattern = /^([hb])\d+hz(\d+)\.csv(\.gz)?$/;
const files = existsSync(folder)
	? readdirSync(folder)
			.filter((file) => pattern.test(file))
			.sort()
	: [];
if (files.length === 0) {
	report('gearbox', { accuracy_leave_load_out: null }, {}, { absent: `no recordings like h30hz0.csv in ${folder}` });
} else
	await withHealthPage(async (page) => {
		const records = files.map((file) => {
			const [, state, load] = pattern.exec(file)!;
			return { file, label: state === 'b' ? 1 : 0, load: Number(load) };
		});
		let channels = 0;
		const urls = records.map(({ file }) => {
			const lines = readText(join(folder, file)).trim().split(/\r?\n/);
			channels = lines[0]!.split(',').length;
			const rows = lines.slice(1).map((line) => line.split(',').map(Number));
			const columns = Array.from({ length: channels }, (_, c) => Float64Array.from(rows, (row) => row[c]!));
			return page.serve(file, columns);
		});
		const asked = options.number('window', 512);
		const windows = options.quick ? [asked] : [...new Set([asked, 256, 512, 1024])];
		const levels = Array.from({ length: channels }, (_, c) => c * featureIds.length + featureIndex('rms'));
		const results: Record<string, Awaited<ReturnType<typeof measure>>> = {};
		async function measure(window: number) {
			const from = await page.call('windowFeatures', `w${window}`, urls, channels, window);
			const labels = from.map((record) => records[record]!.label);
			const loads = from.map((record) => records[record]!.load);
			const { accuracy, ridge, ridgeFew, perFold, chosen, trainMs } = await page.call(
				'foldAccuracy',
				`w${window}`,
				labels,
				loads,
				loads,
				levels
			);
			// Harder than the protocol: learn at the lighter half of the loads, name the heavier half, and the other way round.
			const sorted = [...new Set(loads)].sort((a, b) => a - b);
			const border = sorted[Math.floor(sorted.length / 2)]!;
			const halves = await page.call(
				'foldAccuracy',
				`w${window}`,
				labels,
				loads.map((load) => (load < border ? 0 : 1)),
				loads,
				levels
			);
			progress(
				`windows of ${window}: ${accuracy.toFixed(4)} (ridge ${ridge.toFixed(4)}, levels alone ${ridgeFew!.toFixed(4)}); other half of the loads ${halves.accuracy.toFixed(4)}`
			);
			return {
				windows: labels.length,
				majority: majorityShare(labels),
				accuracy,
				ridge,
				ridgeFew,
				perFold,
				chosen,
				trainMs,
				halves
			};
		}
		for (const window of windows) results[window] = await measure(window);
		const main = results[asked]!;
		report(
			'gearbox',
			{ accuracy_leave_load_out: main.accuracy, accuracy_other_half_of_loads: main.halves.accuracy },
			{
				majority: main.majority,
				ridge: main.ridge,
				ridge_levels: main.ridgeFew!,
				ridge_other_half: main.halves.ridge,
				ridge_levels_other_half: main.halves.ridgeFew!
			},
			{
				quick: options.quick,
				data: folder,
				records: records.length,
				features: featureIds.length * channels,
				by_window: results
			}
		);
	});
