/** CSV files: every delimiter, number and date that spreadsheets and loggers write; bad cells named; twice is once. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCell } from '$lib/acquisition/files/csv-columns';
import { detectTimeFormat } from '$lib/acquisition/files/written-times';
import { importFile } from '$lib/acquisition/files/table-import';
import { previewFile } from '$lib/acquisition/files/table-preview';
import { RowSplitter } from '$lib/acquisition/files/csv-rows';
import type { ColumnMapping, ImportProgress, ReadingBatch } from '$lib/contracts';
import { MemoryStore } from './world';

const file = (text: string | Uint8Array, name = 'pump-3.csv') =>
	new File([text as BlobPart], name, { lastModified: Date.UTC(2026, 0, 1) });
const local = (...fields: [number, number, number, number?, number?, number?, number?]) =>
	new Date(fields[0], fields[1] - 1, ...(fields.slice(2) as [number])).getTime();

function importInto(store: MemoryStore, from: File, mapping: ColumnMapping, signal = new AbortController().signal) {
	const progress: ImportProgress[] = [];
	const batches: ReadingBatch[] = [];
	const summary = importFile(from, mapping, {
		store,
		now: () => Date.UTC(2026, 5, 1),
		signal,
		onProgress: (step) => progress.push(step),
		onCommitted: (batch) => batches.push(batch)
	});
	return { summary, progress, batches };
}

describe('previewFile', () => {
	it('proposes time, sensors and units; leaves out labels and text', async () => {
		const preview = await previewFile(
			file(
				'datetime;Current;Volume Flow [l/min];state;anomaly\n2020-03-09 10:14:33;1,25;32,0;on;0\n2020-03-09 10:14:34;1,5;33,1;on;1\n'
			)
		);
		expect(preview.proposed).toEqual({
			machineId: 'pump-3',
			timeColumn: 'datetime',
			sensors: [
				{ column: 'Current', name: 'Current' },
				{ column: 'Volume Flow [l/min]', name: 'Volume Flow', unit: 'l/min' }
			],
			delimiter: ';'
		});
		expect(preview.notes.join('\n')).toMatch(/"anomaly" looks like a label[\s\S]*decimal comma/);
		expect(preview.rows).toHaveLength(2);
	});

	it.each([',', ';', '\t', '|'])('finds the delimiter %j', async (delimiter) => {
		const text = ['time,a,b', '1763880000,1,2', '1763880001,3,4'].join('\n').replaceAll(',', delimiter);
		const { proposed } = await previewFile(file(text));
		expect(proposed).toMatchObject({ delimiter, timeColumn: 'time', sensors: [{ name: 'a' }, { name: 'b' }] });
	});

	it('names columns that have no header, and says that no time was found', async () => {
		const { columns, proposed, notes } = await previewFile(file('1,2\n3,4\n'));
		expect(columns).toEqual(['column 1', 'column 2']);
		expect(proposed).toMatchObject({ rowIntervalMs: 1000 });
		expect(notes.join(' ')).toMatch(/first row holds numbers.*No column holds a time/);
	});

	it('refuses what is no text, is empty, or is damaged gzip', async () => {
		await expect(previewFile(file(Uint8Array.of(1, 0, 2)))).rejects.toMatchObject({ code: 'invalid-file' });
		await expect(previewFile(file(''))).rejects.toMatchObject({ code: 'invalid-file' });
		await expect(previewFile(file('time,a\n1,2\n', 'x.csv.gz'))).rejects.toMatchObject({ code: 'invalid-file' });
	});
});

describe('exports as loggers and control systems write them', () => {
	const first = local(2026, 3, 25, 13, 5, 9);
	/** Times since `first` in seconds, by sensor. */
	async function stored(text: string) {
		const { proposed, notes } = await previewFile(file(text));
		const { summary, batches } = importInto(new MemoryStore(), file(text), proposed);
		const { counters } = await summary;
		const values = batches.flatMap(({ sensorIds, series, times, values }) =>
			Array.from(times, (time, at) => [sensorIds[series[at]!], (time - first) / 1000, values[at]])
		);
		return { proposed, notes: notes.join('\n'), values, reasons: Object.keys(counters) };
	}
	const flow = [
		['pump-3:Flow', 0, 1.5],
		['pump-3:Flow', 1, 1.6]
	];
	const rows = '25.03.2026 13:05:09;1,5\n25.03.2026 13:05:10;1,6\n';

	it.each([
		[
			'a report with a title above its table',
			`Trend report\nPlant: Delft\n\nTime;Flow\n${rows}`,
			/2 rows above the table left out/
		],
		['the separator stated for Excel', `sep=;\r\nTime;Flow\r\n${rows}`, /semicolon/],
		['a header that lacks the last delimiter', `Time;Flow\n${rows.replaceAll('\n', ';\n')}`, /day, month, year/],
		[
			'date and time of day in two columns',
			`Date;Time;Flow\n${rows.replaceAll(' ', ';')}`,
			/"Date" and "Time" together say the time/
		],
		[
			'date and time in one named column, between blanks',
			'time Flow\n2026-03-25 13:05:09 1.5\n2026-03-25 13:05:10 1.6\n',
			/blanks/
		],
		['months by name', 'Time,Flow\n25-Mar-26 13:05:09,1.5\n25-Mar-26 13:05:10,1.6\n', /month by name/],
		[
			'months by name, American',
			'Time\tFlow\n"Mar 25, 2026 1:05:09 PM"\t1.5\n"Mar 25, 2026 1:05:10 PM"\t1.6\n',
			/month by name/
		],
		['months by name, German', 'Zeit;Flow\n25. März 2026 13:05:09;1,5\n25. März 2026 13:05:10;1,6\n', /month by name/]
	])('%s', async (_title, text, note) => {
		const result = await stored(text);
		expect(result.values).toEqual(flow);
		expect(result.notes).toMatch(note);
		expect(result.reasons).toEqual([]);
	});

	it('takes units from a row of their own, and no such row from a file without one', async () => {
		const { proposed, values } = await stored(`Time;Flow\ndd.mm.yyyy;[l/min]\n${rows}`);
		expect(proposed.timeColumn).toBe('Time');
		expect(proposed.sensors).toEqual([{ column: 'Flow [l/min]', name: 'Flow', unit: 'l/min' }]);
		expect(values).toEqual(flow);
		// Words that are no units stay a row, and are counted.
		expect((await stored(`Time;Flow\nnone;manual\n${rows}`)).reasons).toEqual(['invalid-time']);
	});

	it('reads tags and values of PI and WinCC, and leaves out the marks of the recorder', async () => {
		const pi = await stored('Tag,Timestamp,Value\nFlow,25-Mar-26 13:05:09,1.5\nFlow,25-Mar-26 13:05:10,No Data\n');
		expect(pi.values).toEqual([['pump-3:Flow', 0, 1.5]]);
		expect(pi.reasons).toEqual(['not-a-number']);
		const wincc = await stored(
			'"VarName";"TimeString";"VarValue";"Validity";"Time_ms"\n' +
				'"Flow";"25.03.2026 13:05:09";1,5;1;46106545243,0556\n"$RT_OFF$";"25.03.2026 13:05:10";0;2;46106545254,63\n'
		);
		expect(wincc.values).toEqual([['pump-3:Flow', 0, 1.5]]);
		expect(wincc.reasons).toEqual(['ignored']);
	});

	it.each([
		['Time [s],a\n0.000,1\n0.250,2\n1.000,3\n', [0, 250, 1000]],
		['elapsed (ms);a\n10;1\n20;2\n35;3\n', [10, 20, 35]],
		[
			'LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\t\nX_Value\tV\tComment\n0\t1\n0.5\t2\n2\t3\n',
			[0, 500, 2000]
		]
	])('counts times from the start of a record: %j', async (text, spaced) => {
		const { values, notes } = await stored(text);
		const times = values.map(([, seconds]) => Math.round((seconds as number) * 1000));
		expect(times.map((time) => time - times[0]! + spaced[0]!)).toEqual(spaced);
		expect(times.at(-1)! + first).toBe(Date.UTC(2026, 0, 1));
		expect(notes).toMatch(/at the file's own date/);
	});
});

describe('detectTimeFormat', () => {
	it.each([
		[['2020-03-09 10:14:33', '2020-03-09 10:14:34'], 'ISO date', local(2020, 3, 9, 10, 14, 33)],
		[['2020-03-09T10:14:33Z'], 'ISO date', Date.UTC(2020, 2, 9, 10, 14, 33)],
		[['2020-03-09T10:14:33+02:00'], 'ISO date', Date.UTC(2020, 2, 9, 8, 14, 33)],
		[['1763880000', '1763880001'], 'Unix time', 1763880000000],
		[['1763880000000'], 'Unix time', 1763880000000],
		[['09.03.2020 10:14:33'], 'day, month, year', local(2020, 3, 9, 10, 14, 33)],
		[['9/3/20 10:14', '25/3/20 10:14'], 'day, month, year', local(2020, 3, 9, 10, 14)],
		[['03/09/2020 10:14:33 PM', '03/25/2020 10:14:33 PM'], 'month, day, year', local(2020, 3, 9, 22, 14, 33)],
		[['2004.02.12.10.32.39'.slice(0, 10)], 'year, month, day', local(2004, 2, 12)],
		[['43899.4267708', '43899.5'], 'Excel date number', local(2020, 3, 9, 10, 14, 32, 997)]
	])('reads %j as %s', (cells, description, first) => {
		const format = detectTimeFormat(cells);
		expect(format?.description).toBe(description);
		expect(format?.parse(cells[0]!)).toBe(first);
	});

	it('says when day and month cannot be told apart', () => {
		expect(detectTimeFormat(['03/09/2020', '04/09/2020'])?.doubt).toMatch(/03\/09\/2020/);
		expect(detectTimeFormat(['abc', 'def'])).toBeUndefined();
		expect(detectTimeFormat(['1.5', '2.5'])).toBeUndefined();
	});
});

it('reads numbers with points, commas and thousands', () => {
	expect(['1.5', '-1e-3', '1,234.5', ' 7 '].map((cell) => parseCell(cell, false))).toEqual([1.5, -0.001, 1234.5, 7]);
	expect(['1,5', '1.234,5', '1.234.567', '3'].map((cell) => parseCell(cell, true))).toEqual([1.5, 1234.5, 1234567, 3]);
	expect(['', 'x', '1.2.3', '12,34'].map((cell) => parseCell(cell, false))).toEqual(Array(4).fill(undefined));
});

describe('RowSplitter', () => {
	it('gives the same rows wherever the text is cut', () => {
		const cell = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', '\r', ' ', 'é'), maxLength: 6 });
		const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
		fc.assert(
			fc.property(table, fc.constantFrom('\n', '\r\n'), fc.array(fc.nat(), { maxLength: 8 }), (rows, end, cuts) => {
				const text = rows.map((row) => row.map((c) => `"${c.replaceAll('"', '""')}"`).join(',')).join(end);
				const splitter = new RowSplitter(',');
				const seen: string[][] = [];
				let from = 0;
				for (const cut of [...cuts.map((c) => c % (text.length + 1)).sort((a, b) => a - b), text.length]) {
					seen.push(...splitter.push(text.slice(from, Math.max(from, cut))));
					from = Math.max(from, cut);
				}
				seen.push(...splitter.end());
				expect(seen).toEqual(rows);
			})
		);
	});
});

describe('importFile', () => {
	const text =
		'time,flow [l/min],temp\n2026-01-01T00:00:00Z,1.5,20\n2026-01-01T00:00:01Z,,abc\nbroken,3,22\n\n2026-01-01T00:00:02Z,4,23\n';

	it('stores every cell, names the bad ones by row and column, and stores a second import once', async () => {
		const store = new MemoryStore();
		const { proposed } = await previewFile(file(text));
		const first = await importInto(store, file(text), { ...proposed, machineId: 'r/u/pump' }).summary;
		const t = Date.UTC(2026, 0, 1);
		expect(first).toMatchObject({
			rows: 4,
			stored: 4,
			from: t,
			to: t + 2000,
			sensorIds: ['r/u/pump:flow', 'r/u/pump:temp']
		});
		expect(first.counters['not-a-number']).toMatchObject({ count: 2 });
		expect(first.counters['not-a-number']?.last?.message).toContain('row 3, column');
		expect(first.counters['invalid-time']?.last?.message).toBe('row 4, column "time": "broken" is no time');
		expect(store.seriesOf('r/u/pump:flow')).toEqual([
			[t, 1.5],
			[t + 2000, 4]
		]);
		expect(store.sensors.get('r/u/pump:flow')).toMatchObject({ unit: 'l/min', kind: 'flow' });
		expect(store.machines.get('r/u/pump')).toMatchObject({ origin: 'import' });
		const second = await importInto(store, file(text), { ...proposed, machineId: 'r/u/pump' }).summary;
		expect(second).toMatchObject({ rows: 4, stored: 0 });
		expect(second.counters.duplicate?.count).toBe(4);
	});

	it('reads gzip, and reports progress to the end', async () => {
		const rows = Array.from({ length: 50_000 }, (_, i) => `${1763880000 + i},${i},${i / 10}`).join('\n');
		const zipped = file(gzipSync(`time,a,b\n${rows}\n`), 'big.csv.gz');
		const store = new MemoryStore();
		const run = importInto(store, zipped, (await previewFile(zipped)).proposed);
		expect(await run.summary).toMatchObject({ rows: 50_000, stored: 100_000 });
		expect(run.batches.length).toBeGreaterThan(1);
		expect(run.progress.at(-1)).toEqual({
			bytesRead: zipped.size,
			bytesTotal: zipped.size,
			rows: 50_000,
			stored: 100_000
		});
	});

	it('gives rows without a time column the same times at every import', async () => {
		const plain = file('a\tb\n1\t2\n3\t4\n');
		const store = new MemoryStore();
		const { proposed } = await previewFile(plain);
		await importInto(store, plain, proposed).summary;
		await importInto(store, plain, proposed).summary;
		const end = Date.UTC(2026, 0, 1);
		expect(store.seriesOf('pump-3:a')).toEqual([
			[end - 1000, 1],
			[end, 3]
		]);
	});

	it('stops on cancel with what is committed kept', async () => {
		const rows = Array.from({ length: 200_000 }, (_, i) => `${1763880000 + i},${i}`).join('\n');
		const big = file(`time,a\n${rows}\n`);
		const store = new MemoryStore();
		const abort = new AbortController();
		const mapping = (await previewFile(big)).proposed;
		const run = importFile(big, mapping, {
			store,
			now: () => 0,
			signal: abort.signal,
			onProgress: () => undefined,
			onCommitted: () => abort.abort()
		});
		await expect(run).rejects.toMatchObject({ code: 'aborted' });
		expect(store.count).toBeGreaterThan(0);
		expect(store.count).toBeLessThan(200_000);
	});

	it('refuses a mapping that does not fit, naming what', async () => {
		const store = new MemoryStore();
		const { proposed } = await previewFile(file(text));
		const wrong = (change: Partial<ColumnMapping>) => importInto(store, file(text), { ...proposed, ...change }).summary;
		await expect(wrong({ timeColumn: 'when' })).rejects.toThrow('no column "when"');
		await expect(wrong({ timeColumn: 'temp' })).rejects.toThrow('"temp" holds no times');
		await expect(wrong({ sensors: [] })).rejects.toThrow('No column was chosen');
		await expect(
			wrong({
				sensors: [
					{ column: 'temp', name: 'x' },
					{ column: 'flow [l/min]', name: 'x' }
				]
			})
		).rejects.toThrow('"x"');
		expect(store.count).toBe(0);
	});

	it('reads Windows-1252 and UTF-16', async () => {
		const latin = Uint8Array.from([...'Zeit;Temp [°C]\n'].map((c) => c.charCodeAt(0)));
		const rest = new TextEncoder().encode('01.02.2026 10:00;1,5\n');
		const { proposed } = await previewFile(file(Buffer.concat([latin, rest])));
		expect(proposed).toMatchObject({ timeColumn: 'Zeit', sensors: [{ name: 'Temp', unit: '°C' }] });
		const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('time,a\n1763880000,1\n', 'utf16le')]);
		expect((await previewFile(file(wide))).proposed).toMatchObject({ timeColumn: 'time', sensors: [{ name: 'a' }] });
	});

	it('never throws anything but a named error, whatever the bytes', async () => {
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
				const error = await previewFile(file(bytes)).then(
					() => undefined,
					(e: unknown) => e
				);
				if (error !== undefined) expect(error).toMatchObject({ name: 'MillwrightError', code: 'invalid-file' });
			}),
			{ numRuns: 200 }
		);
	});
});
