import 'fake-indexeddb/auto';
import Dexie from 'dexie';
import { describe, expect, test } from 'vitest';
import { SCHEMA_VERSION } from '$lib/storage/database';
import { encodeJournal } from '$lib/storage/journal';
import { batchOf, openContext } from './open-store';

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

/** A database as version 3 of the schema wrote it: a row per machine and per sensor, and their numbers in tables of their own. */
async function writeVersion3() {
	const database = new Dexie('millwright-plant');
	database.version(3).stores({
		assets: 'id, &key',
		series: 'id, &key, machine',
		journal: 'seq',
		segments: '',
		tails: 'machine',
		state: 'key',
		machines: 'id',
		sensors: 'id, machineId',
		modelVersions: 'id',
		modelWeights: 'id',
		assignments: 'machineId',
		alarms: 'id, machineId, raisedAt, state',
		spans: 'id, machineId, start, [machineId+start]',
		settings: 'key',
		intakeLog: 'reason',
		verdicts: 'id, machineId, start',
		trainings: 'jobId',
		checkpoints: '[jobId+fit], jobId'
	});
	await database.table('assets').bulkAdd([
		{ id: 'a/pump', key: 1 },
		{ id: 'a/fan', key: 2 }
	]);
	// A sensor that came later has a number after those of the next machine.
	await database.table('series').bulkAdd([
		{ id: 'a/pump:flow', key: 1, machine: 1 },
		{ id: 'a/fan:speed', key: 2, machine: 2 },
		{ id: 'a/pump:heat', key: 3, machine: 1 }
	]);
	await database.table('state').bulkAdd([
		{ key: 'numbers', assets: 2, series: 3 },
		{ key: 'journal', seq: 1, sealed: 0, epoch: 0, serial: 0 }
	]);
	const data = encodeJournal(
		Uint32Array.of(1, 2, 3),
		Uint32Array.of(2, 3, 4),
		Float64Array.of(1000, 2000, 1500, 1600),
		Float64Array.of(0.1, 1 / 3, 7, 40),
		new Uint8Array(4)
	);
	await database.table('journal').add({ seq: 1, at: 0, data });
	const machine = { id: 'a/pump', path: { area: 'a', machine: 'pump' }, origin: 'live', firstSeen: 5 };
	await database.table('machines').add(machine);
	const sensor = { machineId: 'a/pump', kind: 'other', firstSeen: 5 };
	await database.table('sensors').bulkAdd([
		{ ...sensor, id: 'a/pump:heat', name: 'heat', unit: '°C' },
		{ ...sensor, id: 'a/pump:flow', name: 'flow', resolution: 0.1 },
		{ ...sensor, id: 'a/fan:speed', machineId: 'a/fan', name: 'speed' }
	]);
	database.close();
}

describe('schema version 3', () => {
	test('opens as the present version: series keep their numbers, machines and sensors what was known of them', async () => {
		await writeVersion3();
		const store = await openContext();
		expect(await store.registry.machines()).toEqual([
			{ id: 'a/pump', path: { area: 'a', machine: 'pump' }, origin: 'live', firstSeen: 5 }
		]);
		expect((await store.registry.sensors('a/pump')).map(({ id, unit, resolution }) => [id, unit, resolution])).toEqual([
			['a/pump:flow', undefined, 0.1],
			['a/pump:heat', '°C', undefined]
		]);
		expect((await store.registry.sensors()).map(({ id }) => id)).toEqual(['a/fan:speed', 'a/pump:flow', 'a/pump:heat']);
		const sensorIds = ['a/pump:flow', 'a/fan:speed', 'a/pump:heat', 'a/fan:noise'];
		// New series of known machines, and a repeated reading, beside the old ones.
		await store.series.append(
			batchOf([
				['a/fan:noise', 1700, 60],
				['a/pump:flow', 2000, 1 / 3],
				['a/pump:flow', 3000, 0.26]
			])
		);
		for (const sealed of [false, true]) {
			if (sealed) await store.series.seal({ all: true });
			const found = await store.series.query({ sensorIds, from: 0, to: 1e13 });
			// The declared resolution makes the repeated value another one: the first stays.
			expect(found.map(({ times, mean }) => [[...times], [...mean]])).toEqual([
				[
					[1000, 2000, 3000],
					[0.1, 1 / 3, 0.3]
				],
				[[1500], [7]],
				[[1600], [40]],
				[[1700], [60]]
			]);
		}
		expect(await store.series.extent('a/fan')).toEqual({ from: 1500, to: 1700, readings: 2 });
	});
});
