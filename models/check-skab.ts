/**
 * Measures detection on the SKAB recordings (water-circulation testbed, real faults): a fresh model per file from its first
 * 400 rows, every later row judged, rows of all files pooled, no point adjustment.
 *
 * `npx tsx models/check-skab.ts --data <folder with valve1, valve2, other> [--epochs 30] [--only valve1/0]`
 * Labels are read for the figures only.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseArgs } from 'node:util';
import type { SensorKind } from '../src/lib/contracts';
import { Resampler } from '../src/lib/manipulation';
import { startEngine } from '../src/lib/neural';
import { judgeRecording } from '../src/lib/training';

const { values: options } = parseArgs({
	options: { data: { type: 'string' }, epochs: { type: 'string', default: '30' }, only: { type: 'string' } }
});
if (!options.data) throw new Error('--data names the folder of the recordings');
const trainRows = 400;
const stepMs = 1000;
const kindOf: Record<string, SensorKind> = {
	Accelerometer1RMS: 'vibration',
	Accelerometer2RMS: 'vibration',
	Current: 'current',
	Pressure: 'pressure',
	Temperature: 'temperature',
	Thermocouple: 'temperature',
	Voltage: 'voltage',
	'Volume Flow RateRMS': 'flow'
};

function read(path: string) {
	const text = path.endsWith('.gz') ? gunzipSync(readFileSync(path)).toString() : readFileSync(path, 'utf8');
	const [header, ...lines] = text
		.trim()
		.split(/\r?\n/)
		.map((line) => line.split(';'));
	const sensorNames = header!.filter((name) => name in kindOf);
	const columns = sensorNames.map((name) => header!.indexOf(name));
	const label = header!.indexOf('anomaly');
	const rows = lines.map((cells) => ({
		time: Date.parse(`${cells[0]!.replace(' ', 'T')}Z`),
		values: columns.map((column) => Number(cells[column])),
		anomaly: label >= 0 && Number(cells[label]) === 1
	}));
	return { sensorNames, rows };
}

const files = ['valve1', 'valve2', 'other']
	.flatMap((folder) => readdirSync(join(options.data!, folder)).map((file) => `${folder}/${file}`))
	.filter((file) => /\.csv(\.gz)?$/.test(file) && (!options.only || file.startsWith(`${options.only}.`)));
const engine = await startEngine({ backends: ['wasm', 'cpu'], purpose: 'training' });
let [tp, fp, tn, fn, alarmed, early] = [0, 0, 0, 0, 0, 0];
for (const file of files) {
	const { sensorNames, rows } = read(join(options.data, file));
	const resampler = new Resampler({ sensorNames, stepMs });
	for (const row of rows) row.values.forEach((value, column) => resampler.push(column, row.time, value, 0));
	resampler.flush();
	const trainUntil = rows[trainRows - 1]!.time;
	const judged = await judgeRecording(
		engine,
		{ name: file, sensorNames, kinds: sensorNames.map((name) => kindOf[name]!), stepMs, rows: resampler.take() },
		trainUntil,
		{ seed: 1, maxEpochs: Number(options.epochs) }
	);
	const flagged = new Map(judged.rows.map((row) => [row.time, row.anomalous]));
	const count = { tp: 0, fp: 0, tn: 0, fn: 0 };
	for (const row of rows.slice(trainRows)) {
		const flag = flagged.get(row.time) ?? false;
		count[row.anomaly ? (flag ? 'tp' : 'fn') : flag ? 'fp' : 'tn']++;
	}
	tp += count.tp;
	fp += count.fp;
	tn += count.tn;
	fn += count.fn;
	const labelled = rows.filter((row, i) => i >= trainRows && row.anomaly).map(({ time }) => time);
	const first = Math.min(...labelled);
	const last = Math.max(...labelled);
	const inSpan = judged.alarms.some((alarm) => alarm.raisedAt >= first && alarm.raisedAt <= last);
	const covering = judged.alarms.some((alarm) => alarm.raisedAt < first && (alarm.returnedAt ?? Infinity) > first);
	if (inSpan || covering) alarmed++;
	early += judged.alarms.filter((alarm) => alarm.raisedAt < first).length;
	const { metrics } = judged.model.version;
	console.error(
		`${file}: ${JSON.stringify(count)} alarm ${inSpan ? 'in the labelled span' : covering ? 'before it and still open' : 'NOT RAISED'}; loss ${metrics.validationLoss.toFixed(3)}, persistence ${metrics.persistenceLoss.toFixed(3)}, ${metrics.epochs} epochs; ${judged.alarms[0]?.reason ?? ''}`
	);
}
await engine.dispose();
const far = (100 * fp) / (fp + tn);
const mar = (100 * fn) / (fn + tp);
console.log(
	JSON.stringify({
		files: files.length,
		f1: Number((tp / (tp + (fp + fn) / 2)).toFixed(4)),
		far: Number(far.toFixed(2)),
		mar: Number(mar.toFixed(2)),
		j: Number((1 - far / 100 - mar / 100).toFixed(4)),
		filesAlarmedInFault: alarmed,
		alarmsBeforeFault: early
	})
);
