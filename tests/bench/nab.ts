/**
 * `npm run bench:nab -- [--data DIR] [--only realKnownCause] [--quick]`: single streams by the Numenta Anomaly Benchmark.
 *
 * Each row is judged as it comes, by that row and those before it, in Chromium, in a worker, by the product's record watch with one fixed setting.
 * The first 15 per cent (750 rows at most) are probation; one threshold for all series, the one that scores best, as the benchmark prescribes.
 * DIR has folders of `timestamp,value` files and `labels/combined_windows.json`. Labels are read for the figures only.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { dataFolder, filesBelow, readText } from './data/files';
import { windowedGaussian } from './floors/windowed-gaussian';
import { parseBenchArguments, progress, report, type Rows } from './harness';
import { nabProfiles, nabScore, probationRows, type NabSeries } from './scores/nab-score';
import { withWorkerPage } from './worker-page';

const options = parseBenchArguments();
const folder = dataFolder(options, 'nab');
const labels = join(folder, 'labels/combined_windows.json');
const only = options.text('only', options.quick ? 'realKnownCause/rogue' : '');

/** A set's own clock: only the order of times counts. */
const timeOf = (text: string) => Date.parse(`${text.trim().slice(0, 19).replace(' ', 'T')}Z`);

function readSeries(file: string, windows: readonly (readonly [string, string])[]) {
	const lines = readText(join(folder, file)).trim().split(/\r?\n/).slice(1);
	const times = lines.map((line) => timeOf(line.split(',')[0]!));
	const first = (at: number) => times.findIndex((time) => time >= at);
	const last = (at: number) => times.findLastIndex((time) => time <= at);
	return {
		file,
		values: lines.map((line) => Number(line.split(',')[1])),
		windows: windows.map(([from, to]) => [first(timeOf(from)), last(timeOf(to))] as const)
	};
}

const known = existsSync(labels)
	? (JSON.parse(readText(labels)) as Record<string, [string, string][]>)
	: ({} as Record<string, [string, string][]>);
const series = filesBelow(folder, /\.csv(\.gz)?$/)
	.map((file) => file.replace(/\.gz$/, ''))
	.filter((file) => file in known && file.startsWith(only))
	.map((file) => readSeries(file, known[file]!));

if (series.length === 0) {
	const missing = `no series with windows in ${folder}: name a folder with --data`;
	report('nab', { standard: null, low_fp: null, low_fn: null }, {}, { missing });
} else
	await withWorkerPage(
		'detection',
		async ({ call }) => {
			const novelties: number[][] = [];
			const began = performance.now();
			for (const { file, values } of series) {
				const { scores } = await call<{ scores: number[] }>('stream', values);
				novelties.push(scores);
				progress(
					`  ${file}: ${scores.filter((score) => score > 0).length} findings of any size in ${values.length} rows`
				);
			}
			const seconds = (performance.now() - began) / 1000;
			const of = (all: readonly (readonly number[])[]): NabSeries[] =>
				series.map(({ values, windows }, s) => ({
					scores: all[s]!,
					windows,
					probation: probationRows(values.length)
				}));
			const gaussian = of(series.map(({ values }) => windowedGaussian(values)));
			const own = of(novelties);
			const rows: Rows = {};
			const floors: Rows = {};
			for (const [profile, weights] of Object.entries(nabProfiles)) {
				rows[profile] = nabScore(own, weights).score;
				floors[`${profile}_windowed_gaussian`] = nabScore(gaussian, weights).score;
			}
			const { threshold, found, windows, falseAlarms } = nabScore(own, nabProfiles.standard);
			const judged = series.reduce((sum, { values }) => sum + values.length, 0);
			report('nab', rows, floors, {
				quick: options.quick,
				series: series.length,
				threshold,
				windows,
				windows_found: found,
				false_alarms: falseAlarms,
				rows_per_s: Math.round(judged / seconds)
			});
		},
		[assemblyScript()]
	);
