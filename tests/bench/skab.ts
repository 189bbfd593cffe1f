/**
 * `npm run bench:skab -- [--data DIR] [--epochs n] [--only valve1/0] [--quick]`: state detection on the SKAB recordings.
 *
 * A fresh detector per file from its first 400 rows, every later row judged as it comes, rows of all files pooled, no point
 * adjustment; and the changepoint score. DIR has folders of `;`-separated files with `anomaly` and `changepoint` columns. Members of the
 * vote and plain statistical detectors are reported beside. Labels are read for the figures only.
 */
import { join } from 'node:path';
import type { SensorKind } from '../../src/lib/contracts';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { dataFolder, filesBelow, readText } from './data/files';
import { parseBenchArguments, progress, report, type Rows } from './harness';
import type { RecordingAnswer, RecordingRequest } from './pages/detection/worker';
import { changepointScore, countChangepoints, type ChangepointCounts } from './scores/changepoint-score';
import { countRows, rowScore, type RowCounts } from './scores/row-score';
import { withWorkerPage } from './worker-page';

const trainRows = 400;
const floors = ['ewma', 'mahalanobis', 't2q', 'isolation_forest', 'every_row'];

/** What a sensor measures, by its name, as a person would map it when the recording is imported. */
function kindOf(name: string): SensorKind {
	if (/accelero|vibration/i.test(name)) return 'vibration';
	if (/temperature|thermocouple/i.test(name)) return 'temperature';
	if (/current/i.test(name)) return 'current';
	if (/pressure/i.test(name)) return 'pressure';
	if (/voltage/i.test(name)) return 'voltage';
	if (/flow/i.test(name)) return 'flow';
	return 'other';
}

function readRecording(file: string) {
	const [header, ...lines] = readText(file)
		.trim()
		.split(/\r?\n/)
		.map((line) => line.split(';'));
	const column = (name: string) => header!.indexOf(name);
	const sensorNames = header!.filter((name) => !['datetime', 'anomaly', 'changepoint'].includes(name));
	const places = sensorNames.map(column);
	const label = (name: string) => lines.map((cells) => (column(name) < 0 ? 0 : Number(cells[column(name)])));
	return {
		sensorNames,
		labelled: column('anomaly') >= 0,
		times: lines.map((cells) => Date.parse(`${cells[0]!.replace(' ', 'T')}Z`)),
		values: lines.flatMap((cells) => places.map((place) => Number(cells[place]))),
		anomaly: label('anomaly'),
		changepoint: label('changepoint')
	};
}

const options = parseBenchArguments();
const folder = dataFolder(options, 'skab');
const only = options.values['only'];
const all = filesBelow(folder, /\.csv(\.gz)?$/).filter((file) => !only || file.startsWith(`${only}.`));
const recordings = all
	.map((file) => ({ file, ...readRecording(join(folder, file)) }))
	.filter(({ labelled, times }) => labelled && times.length > trainRows)
	.slice(0, options.quick ? 2 : undefined);

if (recordings.length === 0) {
	const missing = `no labelled recording of more than ${trainRows} rows in ${folder}: name a folder with --data`;
	report('skab', { f1: null, far: null, mar: null, j: null, changepoint_standard: null }, {}, { missing });
} else await measure();

async function measure(): Promise<void> {
	const plugins = [assemblyScript()];
	await withWorkerPage(
		'detection',
		async ({ call }) => {
			const counts = new Map<string, { rows: RowCounts; changes: ChangepointCounts }>();
			let trainSeconds = 0;
			let scoreSeconds = 0;
			let judgedRows = 0;
			let backend = '';
			for (const { file, sensorNames, times, values, anomaly, changepoint } of recordings) {
				const request: RecordingRequest = {
					name: file,
					sensorNames,
					kinds: sensorNames.map(kindOf),
					stepMs: 1000,
					times,
					values,
					trainRows,
					seed: options.number('seed', 1),
					maxEpochs: options.number('epochs', options.quick ? 4 : 15)
				};
				const answer = await call<RecordingAnswer>('recording', request);
				const labels = anomaly.slice(trainRows);
				const testTimes = times.slice(trainRows);
				const all = { ...answer.flags, every_row: labels.map(() => 1) };
				for (const [name, flags] of Object.entries(all)) {
					const sum = counts.get(name) ?? {
						rows: { tp: 0, fp: 0, tn: 0, fn: 0 },
						changes: { score: 0, windows: 0, missed: 0, falsePositives: 0 }
					};
					countRows(flags, labels, sum.rows);
					countChangepoints(testTimes, flags, changepoint.slice(trainRows), sum.changes);
					counts.set(name, sum);
				}
				trainSeconds += answer.trainSeconds;
				scoreSeconds += answer.scoreSeconds;
				judgedRows += times.length;
				backend = answer.backend;
				progress(`  ${file}: trained in ${answer.trainSeconds.toFixed(1)} s`);
			}

			const rows: Rows = {};
			const floorRows: Rows = {};
			for (const [name, { rows: rowCounts, changes }] of counts) {
				const score = rowScore(rowCounts);
				const changepoint = changepointScore(changes);
				if (name === 'ensemble')
					Object.assign(rows, { ...score, changepoint_standard: changepoint, changepoints_missed: changes.missed });
				else {
					const into = floors.includes(name) ? floorRows : rows;
					into[`f1_${name}`] = score.f1;
					into[`j_${name}`] = score.j;
					into[`changepoint_${name}`] = changepoint;
				}
				progress(
					`  ${name}: F1 ${score.f1.toFixed(3)}, FAR ${score.far.toFixed(1)}, MAR ${score.mar.toFixed(1)}, J ${score.j.toFixed(3)}, changepoints ${changepoint.toFixed(1)}`
				);
			}
			report('skab', rows, floorRows, {
				quick: options.quick,
				files: recordings.length,
				backend,
				train_s: Math.round(trainSeconds),
				rows_per_s: Math.round(judgedRows / scoreSeconds)
			});
		},
		plugins
	);
}
