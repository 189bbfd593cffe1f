/** CSV import in the real worker with real IndexedDB: previewed, stored once, progress, cancel. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ImportProgress } from '$lib/contracts';
import { openStore } from '$lib/storage';
import type { Store } from '$lib/storage/store';
import { spawnAcquisition } from '$lib/workers/acquisition.client';

let store: Store;
let worker: ReturnType<typeof spawnAcquisition>;
beforeEach(async () => {
	await (await openStore('plant')).destroy();
	store = await openStore('plant');
	worker = spawnAcquisition();
	await worker.api.start('plant', 'test');
});
afterEach(async () => {
	await worker.api.stop();
	worker.terminate();
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
	const { proposed } = await worker.api.previewFile(file);
	const mapping = { ...proposed, machineId: 'rotterdam/utilities/pump-3' };
	const progress: ImportProgress[] = [];
	const first = await worker.api.importFile('one', file, mapping, (step) => progress.push(step));
	expect(first).toMatchObject({ rows: 20_000, stored: 40_000, from: START, to: START + 19_999_000, counters: {} });
	expect(progress.at(-1)).toMatchObject({ bytesRead: file.size, stored: 40_000 });
	const again = await worker.api.importFile('two', file, mapping, () => undefined);
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
	const file = csv(400_000);
	const { proposed } = await worker.api.previewFile(file);
	let cancelled: Promise<void> | undefined;
	const run = worker.api.importFile('big', file, proposed, () => (cancelled ??= worker.api.cancel('big')));
	await expect(run).rejects.toMatchObject({ code: 'aborted' });
	await cancelled;
	const broken = new File([Uint8Array.of(31, 139, 8, 0, 1, 2, 3)], 'log.csv.gz');
	await expect(worker.api.previewFile(broken)).rejects.toMatchObject({ code: 'invalid-file' });
});
