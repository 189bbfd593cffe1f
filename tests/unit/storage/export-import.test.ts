/** What is exported comes back as the same values by importing the file, in every format and layout. */
import 'fake-indexeddb/auto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importFile } from '$lib/acquisition/files/table-import';
import { previewFile } from '$lib/acquisition/files/table-preview';
import { Quality, type ColumnMapping, type ExportFormat, type ExportLayout, type SensorRecord } from '$lib/contracts';
import { exportReadings, type Store } from '$lib/storage';
import { batchOf, openContext, type Row } from './open-store';

const machineId = 'rotterdam/utilities/pump-3';
const start = Date.UTC(2026, 0, 5, 8);
const sensor = (name: string, unit?: string, machine = machineId): SensorRecord => ({
	id: `${machine}:${name}`,
	machineId: machine,
	name,
	...(unit && { unit }),
	kind: 'other',
	firstSeen: start
});
const sensors = [sensor('flow', 'l/min'), sensor('temp, "outer"'), sensor('vibration', 'mm/s')];

async function storeWith(rows: readonly Row[], records: readonly SensorRecord[] = sensors): Promise<Store> {
	const store = await openContext();
	const machines = [...new Set(records.map((record) => record.machineId))];
	await store.registry.upsert(
		machines.map((id) => {
			const [plant, area, machine] = id.split('/') as [string, string, string];
			return { id, path: { plant, area, machine }, origin: 'live' as const, firstSeen: start };
		}),
		records
	);
	await store.series.append(batchOf(rows));
	return store;
}

async function exported(store: Store, format: ExportFormat, layout: ExportLayout, machineIds = [machineId]) {
	const pieces: Uint8Array<ArrayBuffer>[] = [];
	const result = await exportReadings(store, { format, layout, machineIds }, (bytes) => void pieces.push(bytes));
	return { file: new File(pieces, `pump-3.${format}`), ...result };
}

const everything = { from: -1e15, to: 1e15 };
async function readingsOf(store: Store, sensorIds: readonly string[]) {
	const slices = await store.series.query({ sensorIds, ...everything });
	return slices.map(({ sensorId, times, mean, qualities }) => ({
		sensorId,
		times: [...times],
		mean: [...mean],
		qualities: [...qualities]
	}));
}

/** Imports into an empty store of the same name, as the mapping screen would without a touch. */
async function importedFrom(file: File, change: (mapping: ColumnMapping) => ColumnMapping) {
	const target = await openContext();
	const { proposed } = await previewFile(file);
	const context = {
		store: target,
		now: () => start,
		signal: new AbortController().signal,
		onProgress: () => undefined,
		onCommitted: () => undefined
	};
	const mapping = change(proposed);
	const first = await importFile(file, mapping, context);
	const second = await importFile(file, mapping, context);
	return { target, first, second };
}

const time = fc.oneof(
	fc.integer({ min: start, max: start + 40_000_000 }),
	fc.double({ min: start, max: start + 1000, noNaN: true })
);
const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -1000, max: 1000 }));
const readings = fc.uniqueArray(
	fc.tuple(fc.constantFrom(...sensors.map(({ id }) => id)), time, value, fc.constantFrom<Quality>(0, 1, 2)),
	{ minLength: 3, maxLength: 60, selector: ([id, at]) => `${id}@${at}` }
);

describe.each([
	['csv', 'wide'],
	['csv.gz', 'wide'],
	['parquet', 'wide'],
	['csv', 'long'],
	['parquet', 'long']
] as const)('%s, %s', (format, layout) => {
	it('brings every reading back bit for bit', async () => {
		await fc.assert(
			fc.asyncProperty(readings, async (rows) => {
				const store = await storeWith(rows.map(([id, at, v, quality]) => [id, at, v, layout === 'long' ? quality : 0]));
				const ids = sensors.map(({ id }) => id);
				const before = await readingsOf(store, ids);
				const { file, readings: count } = await exported(store, format, layout);
				expect(count).toBe(rows.length);
				await store.destroy();
				const { target, first, second } = await importedFrom(file, (mapping) =>
					layout === 'long'
						? mapping
						: {
								...mapping,
								machineId,
								timeColumn: 'time',
								// A column whose few cells happen to be empty or odd may not be proposed: name all three.
								sensors: [
									{ column: 'flow [l/min]', name: 'flow', unit: 'l/min' },
									{ column: 'temp, "outer"', name: 'temp, "outer"' },
									{ column: 'vibration [mm/s]', name: 'vibration', unit: 'mm/s' }
								]
							}
				);
				expect(await readingsOf(target, ids)).toEqual(before);
				expect([first.stored, second.stored]).toEqual([rows.length, 0]);
				const flow = (await target.registry.sensors()).find(({ name }) => name === 'flow');
				if (flow) expect(flow.unit).toBe('l/min');
				await target.destroy();
			}),
			{ numRuns: 12 }
		);
	});
});

it('exports several machines in one long table, over a span, in windows without gap or double', async () => {
	const rows: Row[] = [];
	for (let i = 0; i < 90_000; i++) rows.push([`${machineId}:flow`, start + i * 500, i % 997]);
	rows.push(['rotterdam/utilities/fan-1:speed', start + 3.6e6, 12]);
	rows.push([`${machineId}:flow`, start + 400 * 86_400_000, 5]);
	const store = await storeWith(rows, [...sensors, sensor('speed', 'rpm', 'rotterdam/utilities/fan-1')]);
	const pieces: Uint8Array<ArrayBuffer>[] = [];
	const request = {
		format: 'csv' as const,
		layout: 'long' as const,
		machineIds: [machineId, 'rotterdam/utilities/fan-1'],
		from: start + 1000,
		to: start + 400 * 86_400_000
	};
	const steps: number[] = [];
	const result = await exportReadings(store, request, (bytes) => void pieces.push(bytes), {
		onProgress: ({ done, total }) => steps.push(done / total)
	});
	expect(result).toEqual({ rows: 90_000, readings: 90_000 });
	expect(steps.at(-1)).toBe(1);
	expect(pieces.length).toBeGreaterThan(5);
	const lines = Buffer.concat(pieces).toString().trim().split('\r\n');
	expect(lines[0]).toBe('time,machine,sensor,value,unit,quality');
	expect(lines[1]).toBe('2026-01-05T08:00:01.000Z,rotterdam/utilities/pump-3,flow,2,l/min,good');
	expect(new Set(lines).size).toBe(90_001);
	expect(lines.at(-1)).toBe('2026-01-05T09:00:00.000Z,rotterdam/utilities/fan-1,speed,12,rpm,good');
});

it('names what cannot be exported, and stops on cancel', async () => {
	const store = await storeWith([[`${machineId}:flow`, start, 1]]);
	const run = (change: object, signal?: AbortSignal) =>
		exportReadings(
			store,
			{ format: 'csv', layout: 'wide', machineIds: [machineId], ...change },
			() => undefined,
			signal ? { signal } : {}
		);
	await expect(run({ machineIds: [machineId, 'x'] })).rejects.toMatchObject({ code: 'invalid-input' });
	await expect(run({ machineIds: ['nobody'] })).rejects.toMatchObject({ code: 'not-found' });
	await expect(run({ from: start + 1 })).rejects.toMatchObject({ code: 'not-found' });
	for (const format of ['csv', 'csv.gz', 'parquet'])
		await expect(run({ format }, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
});

describe('importing NDJSON and Parquet', () => {
	const into = (file: File) => importedFrom(file, (mapping) => mapping);

	it('reads a JSON object per line, nested, zipped or not; names the line and the field of what is wrong', async () => {
		const lines = [
			'{"ts":1763880000000,"values":{"flow":1.5,"temp":20},"mode":"running"}',
			'{"ts":1763880001000,"values":{"flow":"abc","temp":null}}',
			'{"ts":1763880002000,"values":{"flow":2.5',
			'',
			'[1,2]',
			'{"ts":"never","values":{"flow":1}}',
			'{"ts":1763880003000,"values":{"flow":3}}'
		].join('\n');
		for (const file of [new File([lines], 'pump.ndjson'), new File([gzipSync(lines)], 'pump.jsonl.gz')]) {
			const preview = await previewFile(file);
			expect(preview.format).toBe('ndjson');
			expect(preview.columns).toEqual(['ts', 'values.flow', 'values.temp', 'mode']);
			const { target, first } = await into(file);
			expect(await readingsOf(target, ['pump:values.flow', 'pump:values.temp'])).toMatchObject([
				{ times: [1763880000000, 1763880003000], mean: [1.5, 3] },
				{ times: [1763880000000], mean: [20] }
			]);
			expect(first.rows).toBe(6);
			expect(first.counters['invalid-json']).toMatchObject({ count: 2 });
			expect(first.counters['invalid-json']!.last!.message).toMatch(/^row [35]: /);
			expect(first.counters['not-a-number']!.last!.message).toBe('row 2, column "values.flow": "abc" is not a number');
			expect(first.counters['invalid-time']!.last!.message).toBe('row 6, column "ts": "never" is no time');
			await target.destroy();
		}
	});

	it('says so when fields come that the first lines did not have', async () => {
		const many = Array.from({ length: 600 }, (_, i) =>
			JSON.stringify({ ts: 1763880000 + i, a: i, ...(i > 550 && { late: i }) })
		);
		const { first } = await into(new File([many.join('\n')], 'x.ndjson'));
		expect(first.counters['unknown-field']).toMatchObject({ count: 49 });
		expect(first.counters['unknown-field']!.last!.message).toMatch(/"late"/);
	});

	it('reads a long table: a reading per row, machines and units by column, unknown quality as uncertain', async () => {
		const text =
			'timestamp;tag;value;uom;asset;quality\n' +
			'2026-01-05T08:00:00Z;flow;1,5;l/min;r/u/p1;good\n' +
			'2026-01-05T08:00:00Z;temp;20,25;°C;r/u/p1;bad\n' +
			'2026-01-05T08:00:01Z;flow;oops;l/min;r/u/p2;good\n' +
			'2026-01-05T08:00:02Z;;3;;r/u/p2;good\n' +
			'2026-01-05T08:00:03Z;flow;2;l/min;r/u/p2;weird\n';
		const { target, first } = await into(new File([text], 'historian.csv'));
		expect(await readingsOf(target, ['r/u/p1:flow', 'r/u/p1:temp', 'r/u/p2:flow'])).toMatchObject([
			{ mean: [1.5], qualities: [Quality.good] },
			{ mean: [20.25], qualities: [Quality.bad] },
			{ mean: [2], qualities: [Quality.uncertain] }
		]);
		expect((await target.registry.sensors('r/u/p1')).map(({ unit }) => unit)).toEqual(['l/min', '°C']);
		expect(first.counters['not-a-number']!.last!.message).toBe('row 4, column "value": "oops" is not a number');
		expect(first.counters['no-values']!.last!.message).toMatch(/^row 5, column "tag"/);
		expect(first.counters['unknown-field']!.last!.message).toMatch(/^row 6, column "quality": "weird"/);
		expect(first.sensorIds).toEqual(['r/u/p1:flow', 'r/u/p1:temp', 'r/u/p2:flow']);
	});

	it('reads a gzipped Parquet file, and refuses one that is cut off or none', async () => {
		const store = await storeWith([
			[`${machineId}:flow`, start, 1],
			[`${machineId}:flow`, start + 1000, 2]
		]);
		const { file } = await exported(store, 'parquet', 'wide');
		const bytes = Buffer.from(await file.arrayBuffer());
		const zipped = new File([gzipSync(bytes)], 'pump.parquet.gz');
		expect((await previewFile(zipped)).proposed).toMatchObject({
			timeColumn: 'time',
			sensors: [{ name: 'flow', unit: 'l/min' }]
		});
		await fc.assert(
			fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
				await expect(previewFile(new File([bytes.subarray(0, length)], 'cut.parquet'))).rejects.toMatchObject({
					code: 'invalid-file'
				});
			}),
			{ numRuns: 40 }
		);
		await expect(previewFile(new File(['time,a\n1,2'], 'x.parquet'))).rejects.toThrow(/cannot be read as Parquet/);
	});

	it('never throws anything but a named error, whatever the bytes and the name', async () => {
		const text = new TextEncoder().encode('{"ts":1763880000,"a":1}\n{"ts":1763880001,"a":{"b":[2]}}\n');
		const altered = fc.tuple(fc.constant(text), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }));
		const target = await openContext();
		await fc.assert(
			fc.asyncProperty(
				altered,
				fc.constantFrom('x.parquet', 'x.ndjson', 'x', 'x.gz'),
				async ([bytes, changes], name) => {
					const changed = Uint8Array.from(bytes);
					for (const [at, value] of changes) changed[at % changed.length] = value;
					const bad = new File([changed], name);
					const context = {
						store: target,
						now: () => start,
						signal: new AbortController().signal,
						onProgress: () => undefined,
						onCommitted: () => undefined
					};
					const error = await previewFile(bad)
						.then(({ proposed }) => importFile(bad, proposed, context))
						.then(
							() => undefined,
							(thrown: unknown) => thrown
						);
					if (error !== undefined)
						expect(error).toMatchObject({ name: 'MillwrightError', code: expect.stringMatching(/^invalid-/) });
				}
			),
			{ numRuns: 200 }
		);
	});
});
