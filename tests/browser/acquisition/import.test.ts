/** File import in the real worker with real IndexedDB: previewed, stored once, progress, cancel, a reader that hangs ended. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ImportProgress } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { openImport, type FileReading } from '$lib/workers/import.client';
import { openEmptyStore } from '../../tools/empty-store';

let store: Store;
const opened: FileReading[] = [];
const open = (file: File, limits = {}) => {
	const reading = openImport(file, limits);
	opened.push(reading);
	return reading;
};
beforeEach(async () => {
	store = await openEmptyStore('plant');
});
afterEach(() => {
	for (const reading of opened.splice(0)) reading.end();
	store.close();
});

const START = Date.UTC(2026, 0, 1);
const csv = (rows: number) =>
	new File(
		[
			'time;flow [l/min];temp\n',
			...Array.from({ length: rows }, (_, i) => `${START + i * 1000};${i % 97},5;${i % 31}\n`)
		],
		'pump-3.csv'
	);

it('stores a file once, however often it is imported', async () => {
	const file = csv(20_000);
	const reading = open(file);
	const { proposed } = await reading.preview();
	const mapping = { ...proposed, machineId: 'rotterdam/utilities/pump-3' };
	const progress: ImportProgress[] = [];
	const first = await reading.read('plant', mapping, (step) => progress.push(step));
	expect(first).toMatchObject({ rows: 20_000, stored: 40_000, from: START, to: START + 19_999_000, counters: {} });
	expect(progress.at(-1)).toMatchObject({ bytesRead: file.size, stored: 40_000 });
	const again = await open(file).read('plant', mapping, () => undefined);
	expect(again).toMatchObject({ stored: 0, counters: { duplicate: { count: 40_000 } } });
	const [slice] = await store.series.query({
		sensorIds: [`${mapping.machineId}:flow`],
		from: START,
		to: START + 10_000
	});
	expect(Array.from(slice!.mean.slice(0, 3))).toEqual([0.5, 1.5, 2.5]);
	expect(await store.registry.machines()).toMatchObject([{ id: mapping.machineId, origin: 'import' }]);
});

it('stops at a cancel, and a damaged file is refused by name', async () => {
	const reading = open(csv(400_000));
	const { proposed } = await reading.preview();
	const run = reading.read('plant', proposed, () => reading.cancel());
	await expect(run).rejects.toMatchObject({ code: 'aborted' });
	const broken = new File([Uint8Array.of(31, 139, 8, 0, 1, 2, 3)], 'log.csv.gz');
	await expect(open(broken).preview()).rejects.toMatchObject({ code: 'invalid-file' });
});

/** A sound Parquet file, but that the head of its first data page states 134 million values: its reader counts through them all. */
function endlessParquet(): File {
	const rows = 1_100_000;
	const bytes = new Uint8Array(
		parquetWriteBuffer({
			columnData: [
				{ name: 'time', data: BigInt64Array.from({ length: rows }, (_, i) => BigInt(START + i * 1000)), type: 'INT64' },
				{ name: 'flow', data: new Float64Array(rows), type: 'DOUBLE' }
			],
			rowGroupSize: rows,
			pageSize: 1 << 30
		})
	);
	// As Thrift writes 1,100,000: zigzag, seven bits a byte.
	const stated = [192, 163, 134, 1];
	const at = bytes.findIndex((_, i) => stated.every((byte, k) => bytes[i + k] === byte));
	bytes.set([0xfe, 0xff, 0xff, 0x7f], at);
	return new File([bytes], 'endless.parquet');
}

it('ends the reader of a file that never comes to an end, in words; intake and other files go on', async () => {
	const bad = open(endlessParquet(), { silentMs: 3_000 });
	const other = csv(2_000);
	const good = open(other);
	const refused = expect(bad.preview()).rejects.toMatchObject({
		code: 'invalid-file',
		message: expect.stringContaining('endless.parquet cannot be read: its reader made no headway for 3 s')
	});
	const { proposed } = await good.preview();
	expect(await good.read('plant', proposed, () => undefined)).toMatchObject({ stored: 4_000 });
	await refused;
});

it('leaves a file whose reader hangs at once when cancelled', async () => {
	const bad = open(endlessParquet(), { cancelMs: 200 });
	const run = bad.preview();
	bad.cancel();
	await expect(run).rejects.toMatchObject({ code: 'aborted' });
});
