import { afterEach, describe, expect, test } from 'vitest';
import type { Alarm, MachineRecord, ModelVersion, ReadingBatch } from '$lib/contracts';
import { openStore, requestPersistence, storageUsage, type Store } from '$lib/storage';

const START = 1_763_856_000_000;
const sensor = 'a/pump:flow';
const stores: Store[] = [];
const workers: Worker[] = [];

async function open() {
	const store = await openStore('plant', { autoSeal: false });
	stores.push(store);
	return store;
}
function batch(from: number, count: number): ReadingBatch {
	return {
		sensorIds: [sensor],
		series: new Uint32Array(count),
		times: Float64Array.from({ length: count }, (_, i) => START + 1000 * (from + i)),
		values: Float64Array.from({ length: count }, (_, i) => (from + i) / 8),
		qualities: new Uint8Array(count),
		receivedAt: 0
	};
}
function startWriter() {
	const worker = new Worker(new URL('./writer.worker.ts', import.meta.url), { type: 'module' });
	workers.push(worker);
	let next = 0;
	return (message: object) =>
		new Promise<unknown>((resolve, reject) => {
			const id = next++;
			const listener = ({ data }: MessageEvent) => {
				if (data.id !== id) return;
				worker.removeEventListener('message', listener);
				if (data.error) reject(new Error(data.error));
				else resolve(data.result);
			};
			worker.addEventListener('message', listener);
			worker.postMessage({ id, ...message });
		});
}
async function times(store: Store) {
	const [slice] = await store.series.query({ sensorIds: [sensor], from: START, to: START + 1e12 });
	return [...slice!.times].map((time) => (time - START) / 1000);
}
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

afterEach(async () => {
	for (const worker of workers.splice(0)) worker.terminate();
	for (const store of stores.splice(0)) store.close();
	await (await openStore('plant')).destroy();
});

describe('real IndexedDB', () => {
	test('a resolved append is there after the connection is gone, sealed or not', async () => {
		const first = await open();
		await first.series.append(batch(0, 100));
		await first.series.seal({ all: true });
		await first.series.append(batch(100, 50));
		first.close();
		expect(await times(await open())).toEqual(upTo(150));
	});

	test('a page and a worker append, seal and read the same series without gap or double', async () => {
		const page = await open();
		const writer = startWriter();
		const jobs: Promise<unknown>[] = [];
		for (let i = 0; i < 40; i++) {
			jobs.push(i % 2 ? page.series.append(batch(10 * i, 15)) : writer({ batch: batch(10 * i, 15) }));
			if (i % 9 === 8) jobs.push(i % 2 ? page.series.seal({ all: true }) : writer({ seal: true }));
		}
		await Promise.all(jobs);
		expect(await times(page)).toEqual(upTo(405));
		const receipt = await writer({ batch: batch(0, 405) });
		expect(receipt).toMatchObject({ stored: 0, duplicates: 405, conflicts: 0 });
	});

	test('a watch in the page hears what a worker writes', async () => {
		const page = await open();
		const machine: MachineRecord = { id: 'a/pump', path: { machine: 'pump' }, origin: 'live', firstSeen: 1 };
		const heard = new Promise<MachineRecord[]>((resolve) => {
			const stop = page.registry.watch((machines) => {
				if (machines.length === 0) return;
				resolve(machines);
				setTimeout(() => stop());
			});
		});
		await startWriter()({ machine });
		expect(await heard).toEqual([machine]);
	});

	test('what a watch hands out may be kept and changed by the one who asked', async () => {
		const { models, registry, alarms } = await open();
		const version = { id: 'm', target: { machineId: 'a/pump' }, createdAt: 1 } as unknown as ModelVersion;
		await models.save({ version, weights: new ArrayBuffer(4) });
		await registry.upsert([{ id: 'a/pump', path: { machine: 'pump' }, origin: 'live', firstSeen: 1 }], []);
		const stops: (() => void)[] = [];
		const versions = await new Promise<ModelVersion[]>((resolve) => stops.push(models.watch(resolve)));
		const machines = await new Promise<MachineRecord[]>((resolve) => stops.push(registry.watch(resolve)));
		const openAlarms = await new Promise<Alarm[]>((resolve) => stops.push(alarms.watch(resolve)));
		for (const stop of stops) stop();
		for (const list of [versions, machines, openAlarms]) {
			expect(Object.isFrozen(list)).toBe(false);
			for (const row of list) expect(Object.isFrozen(row)).toBe(false);
		}
		expect([versions.length, machines.length, openAlarms.length]).toEqual([1, 1, 0]);
	});

	test('a connection that the browser drops is opened again, and the work done', async () => {
		const store = await open();
		await store.series.append(batch(0, 10));
		const original = IDBDatabase.prototype.transaction;
		let drops = 1;
		IDBDatabase.prototype.transaction = function (...args) {
			if (drops-- > 0) {
				this.close();
				throw new DOMException('The database connection is closing.', 'InvalidStateError');
			}
			return original.apply(this, args);
		};
		try {
			expect(await store.series.append(batch(10, 10))).toMatchObject({ stored: 10 });
		} finally {
			IDBDatabase.prototype.transaction = original;
		}
		expect(await times(store)).toEqual(upTo(20));
	});

	test('a damaged segment is counted and skipped, the rest stays readable', async () => {
		const store = await open();
		await store.series.append(batch(0, 7200));
		await store.series.seal({ all: true });
		await store.series.append(batch(7200, 100));
		await store.series.seal({ all: true });
		await damageFirstSegment();
		const reopened = await open();
		expect(await times(reopened)).toEqual(Array.from({ length: 100 }, (_, i) => 7200 + i));
		expect((await reopened.series.statistics()).unreadable).toBe(1);
	});

	test('storage use is told, asking for persistence gives an answer', async () => {
		const usage = await storageUsage();
		expect(usage.quotaBytes).toBeGreaterThan(0);
		expect(typeof (await requestPersistence())).toBe('boolean');
	});
});

function damageFirstSegment(): Promise<void> {
	return new Promise((resolve, reject) => {
		const request = indexedDB.open('millwright-plant');
		request.onsuccess = () => {
			const transaction = request.result.transaction('segments', 'readwrite');
			const cursor = transaction.objectStore('segments').openCursor();
			cursor.onsuccess = () => {
				const bytes = cursor.result!.value as Uint8Array;
				bytes[bytes.length - 3]! ^= 1;
				cursor.result!.update(bytes);
			};
			transaction.oncomplete = () => {
				request.result.close();
				resolve();
			};
			transaction.onerror = () => reject(transaction.error!);
		};
	});
}
