/**
 * `npm run bench:ims -- [--data DIR]`: how long before a bearing fails the level watch warns, and how often it is wrong.
 *
 * DIR (or its folder `ims-bearings`) holds `<test>_*.csv[.gz]`, a time and one vibration level a column, from healthy to failure. The first
 * quarter of the rows is taken as normal; a warning that begins in the first half is false; the first later one counts, in days before
 * the last row of the running machine. One configuration for all. Beside it: 3 sigma of the same quarter, five rows in a row.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder, readText } from './data/files';
import { parseBenchArguments, progress, report, type Rows } from './harness';
import { withHealthPage } from './recordings/health-page';

const trainingShare = 0.25;
const dayMs = 86_400_000;
const options = parseBenchArguments();
const folder = dataFolder(options, 'ims-bearings');
const files = existsSync(folder)
	? readdirSync(folder)
			.filter((file) => /\.csv(\.gz)?$/.test(file))
			.sort()
	: [];
const rows: Rows = { test1_days_before: null, test2_days_before: null, false_alarms: null };
const floors: Rows = {};
const context: Record<string, unknown> = {};
if (files.length === 0) report('ims', rows, floors, { absent: `no recordings in ${folder}` });
else
	await withHealthPage(async (page) => {
		let falseAlarms = 0;
		let falseSigma = 0;
		for (const file of files) {
			const lines = readText(join(folder, file))
				.trim()
				.split(/\r?\n/)
				.map((line) => line.split(','));
			const names = lines[0]!.slice(1);
			const body = lines.slice(1);
			const times = body.map(([time]) => Date.parse(`${time!.replace(' ', 'T')}Z`));
			const url = page.serve(
				file,
				names.map((_, c) => Float64Array.from(body, (cells) => Number(cells[c + 1])))
			);
			const result = await page.call('watch', url, names.length, trainingShare);
			const half = result.lastRunning / 2;
			const end = times[result.lastRunning]!;
			const days = (row: number | undefined) => (row === undefined ? null : (end - times[row]!) / dayMs);
			const early = result.warnings.filter(({ row }) => row < half).length;
			const first = result.warnings.find(({ row }) => row >= half);
			const name = file.split(/[_.]/)[0]!;
			falseAlarms += early;
			falseSigma += result.sigma.filter((row) => row < half).length;
			rows[`${name}_days_before`] = days(first?.row);
			floors[`${name}_days_before_3_sigma`] = days(result.sigma.find((row) => row >= half));
			context[name] = {
				first_warning_in: first && names[first.channel],
				at: first && body[first.row]![0],
				days_recorded: days(0),
				rows: result.rows,
				trained_rows: result.trained,
				false_alarms: early,
				warnings: result.warnings.length,
				ms: result.ms
			};
			progress(
				`${name}: ${rows[`${name}_days_before`]?.toFixed(2) ?? 'no warning'} days before the end (${first ? names[first.channel] : '-'}), ${early} false; 3 sigma ${floors[`${name}_days_before_3_sigma`]?.toFixed(2) ?? 'none'}`
			);
		}
		rows['false_alarms'] = falseAlarms;
		floors['false_alarms_3_sigma'] = falseSigma;
		report('ims', rows, floors, { data: folder, training_share: trainingShare, ...context });
	});
