/**
 * `npm run bench:store -- [--quick] [--data DIR]`: how fast the store writes and answers, and how small it keeps.
 *
 * Beside a Dexie table with a row per reading and beside raw blocks; recordings (folders skab, ims-bearings, hydraulic of DIR,
 * `../shared/data` unless told) against `gzip -9` of each column's decimal text. Chromium, profile on disk, strict durability.
 * Rows of absent recordings are null.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readText } from './data/files';
import { parseBenchArguments, progress, report } from './harness';
import { withWorkerPage } from './worker-page';

interface Recording {
	readonly name: string;
	readonly columns: readonly string[];
	/** Text of each column as recorded. */
	readonly text: readonly (readonly string[])[];
	readonly times: Float64Array;
}

const quickRows = 3600;

function readTable(file: string, name: string, delimiter: string, skip: readonly string[]): Recording {
	const lines = readText(file).trim().split(/\r?\n/);
	const head = lines[0]!.split(delimiter);
	const rows = lines.slice(1).map((line) => line.split(delimiter));
	const kept = head.map((column, i) => ({ column, i })).filter(({ column, i }) => i > 0 && !skip.includes(column));
	return {
		name,
		columns: kept.map(({ column }) => column),
		text: kept.map(({ i }) => rows.map((row) => row[i]!)),
		times: Float64Array.from(rows, (row) => Date.parse(`${row[0]!.replace(' ', 'T')}Z`))
	};
}

function filesUnder(folder: string): string[] {
	return readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((file) => /\.csv(\.gz)?$/.test(file))
		.sort()
		.map((file) => join(folder, file));
}

/** Recordings by the name of their row; undefined where the data set is absent. */
function readDataSet(data: string, set: 'skab' | 'ims' | 'hydraulic', quick: boolean): Recording[] | undefined {
	const folder = join(data, set === 'ims' ? 'ims-bearings' : set);
	if (!existsSync(folder)) return undefined;
	if (set === 'skab')
		return filesUnder(folder)
			.slice(0, quick ? 3 : undefined)
			.map((file, i) => readTable(file, `skab-${i}`, ';', ['anomaly', 'changepoint']));
	if (set === 'ims') return filesUnder(folder).map((file, i) => readTable(file, `ims-${i}`, ',', []));
	// Cycles of a minute, one after another: 60 samples (1 Hz) or 600 (10 Hz) a row.
	const byRate = new Map<number, { columns: string[]; text: string[][] }>();
	for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt.gz'))) {
		const lines = readText(join(folder, file)).trim().split(/\r?\n/);
		const perCycle = lines[0]!.split('\t').length;
		const kept = quick ? lines.slice(0, Math.ceil(quickRows / perCycle)) : lines;
		const values = kept.flatMap((line) => line.split('\t'));
		const group = byRate.get(perCycle) ?? { columns: [], text: [] };
		byRate.set(perCycle, group);
		group.columns.push(file.replace('.txt.gz', ''));
		group.text.push(values);
	}
	return [...byRate].map(([perCycle, { columns, text }]) => ({
		name: `hydraulic-${perCycle / 60}hz`,
		columns,
		text,
		times: Float64Array.from(text[0]!, (_, i) => 1_425_168_000_000 + (60_000 / perCycle) * i)
	}));
}

const options = parseBenchArguments();
const data = options.text('data', '../shared/data');

await withWorkerPage('store', async ({ call, serve }) => {
	const seconds = options.number('seconds', options.quick ? 1.5 : 15);
	progress(`Writing for ${seconds} s`);
	const writes = await call<{ perSecond: number; appendPerSecond: number; p95AppendMs: number; readings: number }>(
		'writes',
		seconds
	);
	progress(
		`  ${Math.round(writes.perSecond)} readings/s stored and sealed, appends ${Math.round(writes.appendPerSecond)}/s`
	);
	const rowWrites = await call<{ perSecond: number }>('rowWrites', options.quick ? 1 : 10);
	progress(`  a row per reading: ${Math.round(rowWrites.perSecond)} readings/s`);
	const blocks = await call<{ perSecond: number; bytesPerReading: number }>('blockWrites', options.quick ? 1 : 2);
	progress(`  raw blocks: ${Math.round(blocks.perSecond)} readings/s`);

	const hours = options.number('hours', options.quick ? 0.5 : 12);
	progress(`The default plant at 1 Hz for ${hours} h`);
	const plant = await call<{ readings: number; bytes: number; raw: number }>('plant', hours);
	progress(
		`  ${(plant.bytes / plant.readings).toFixed(3)} bytes a reading, of it raw ${(plant.raw / plant.readings).toFixed(3)}`
	);

	const rows: Record<string, number | null> = {};
	const recordings: Record<string, unknown> = {};
	for (const set of ['skab', 'ims', 'hydraulic'] as const) {
		rows[`bytes_per_reading_${set}`] = null;
		rows[`vs_gzip_${set}`] = null;
		const files = readDataSet(data, set, options.quick);
		if (!files) {
			recordings[set] = `absent from ${data}`;
			continue;
		}
		let gzipBytes = 0;
		const sent = files.map(({ name, columns, text, times }) => {
			const url = serve(name, [times, ...text.map((column) => Float64Array.from(column, Number))]);
			for (const column of text) gzipBytes += gzipSync(column.join('\n'), { level: 9 }).length;
			return { url, name, columns, rows: times.length };
		});
		const kept = await call<{ readings: number; bytes: number; raw: number }>('recording', sent);
		const sentReadings = files.reduce((sum, file) => sum + file.times.length * file.columns.length, 0);
		// Rows whose time is in the recording twice are one: count what is kept against what it would be in text.
		rows[`bytes_per_reading_${set}`] = kept.raw / kept.readings;
		rows[`vs_gzip_${set}`] = kept.raw / kept.readings / (gzipBytes / sentReadings);
		recordings[set] = {
			readings: kept.readings,
			gzip_bytes_per_reading: gzipBytes / sentReadings,
			with_rollups_bytes_per_reading: kept.bytes / kept.readings
		};
		progress(
			`${set}: ${rows[`bytes_per_reading_${set}`]!.toFixed(3)} bytes a reading, ${rows[`vs_gzip_${set}`]!.toFixed(3)} of gzip -9`
		);
	}

	const sensors = options.number('sensors', options.quick ? 1 : 8);
	progress(`30 days of ${sensors} sensor(s) at 1 Hz`);
	const queries = await call<Record<string, number>>('queries', sensors);
	progress(
		`  30 d: ${queries['warm30dMs']!.toFixed(1)} ms warm, ${queries['cold30dMs']!.toFixed(1)} cold; raw hour ${queries['rawHourMs']!.toFixed(1)} ms`
	);

	report(
		'store',
		{
			writes_per_s: writes.perSecond,
			speedup_vs_rows: writes.perSecond / rowWrites.perSecond,
			bytes_per_reading_plant: plant.bytes / plant.readings,
			...rows,
			query_30d_ms: queries['warm30dMs']!,
			query_raw_hour_ms: queries['rawHourMs']!
		},
		{
			writes_per_s_rows: rowWrites.perSecond,
			writes_per_s_raw_blocks: blocks.perSecond,
			bytes_per_reading_raw_blocks: blocks.bytesPerReading
		},
		{
			quick: options.quick,
			appends_per_s: writes.appendPerSecond,
			p95_append_of_17500_ms: writes.p95AppendMs,
			plant: { hours, readings: plant.readings, raw_bytes_per_reading: plant.raw / plant.readings },
			recordings,
			queries: { sensors, ...queries }
		}
	);
});
