import 'fake-indexeddb/auto';
import Dexie from 'dexie';
import { describe, expect, test } from 'vitest';
import { openContext } from './open-store';
import { SCHEMA_VERSION } from '$lib/storage/database';

/** A database as version 1 of the schema wrote it. */
async function writeVersion1() {
	const database = new Dexie('millwright-plant');
	database.version(1).stores({
		machines: 'id',
		sensors: 'id, machineId',
		blocks: '++id, sensorId',
		alarms: 'id, machineId, raisedAt',
		settings: 'key'
	});
	const machine = { id: 'a/pump', path: { area: 'a', machine: 'pump' }, origin: 'live', firstSeen: 5 };
	await database.table('machines').add(machine);
	await database
		.table('alarms')
		.add({ id: 'x', machineId: 'a/pump', raisedAt: 7, state: 'unacknowledged', kind: 'anomaly' });
	await database.table('settings').add({ key: 'value:theme', value: 'dark' });
	const blocks = database.table('blocks');
	await blocks.add({
		sensorId: 'a/pump:flow',
		times: Float64Array.of(1000, 2000),
		values: Float64Array.of(0.1, 1 / 3)
	});
	await blocks.add({ sensorId: 'a/pump:heat', times: Float64Array.of(1000), values: Float64Array.of(-0) });
	// Overlaps the first and is not in order: the first value of a time stays.
	await blocks.add({
		sensorId: 'a/pump:flow',
		times: Float64Array.of(4000, 3000, 2000),
		values: Float64Array.of(4, 3, 9)
	});
	database.close();
}

describe('schema version 1', () => {
	test('opens as the present version with every reading, machine, alarm and setting', async () => {
		await writeVersion1();
		const store = await openContext();
		for (const sealed of [false, true]) {
			if (sealed) await store.series.seal({ all: true });
			const [flow, heat] = await store.series.query({ sensorIds: ['a/pump:flow', 'a/pump:heat'], from: 0, to: 1e13 });
			expect([...flow!.times]).toEqual([1000, 2000, 3000, 4000]);
			expect([...flow!.mean]).toEqual([0.1, 1 / 3, 3, 4]);
			expect([...heat!.mean]).toEqual([-0]);
		}
		expect(await store.registry.machines()).toMatchObject([{ id: 'a/pump', firstSeen: 5 }]);
		expect(await store.alarms.open()).toMatchObject([{ id: 'x' }]);
		expect(await store.settings.get('theme')).toBe('dark');
		expect((await store.series.latest(['a/pump:flow'])).get('a/pump:flow')).toEqual({
			time: 4000,
			value: 4,
			quality: 0
		});
	});

	test('data of a newer version is refused with words and left alone', async () => {
		await new Promise<void>((resolve) => {
			const request = indexedDB.open('millwright-plant', (SCHEMA_VERSION + 1) * 10);
			request.onsuccess = () => {
				request.result.close();
				resolve();
			};
		});
		await expect(openContext()).rejects.toMatchObject({ code: 'storage-unavailable', message: /newer version/ });
		indexedDB.deleteDatabase('millwright-plant');
	});
});
