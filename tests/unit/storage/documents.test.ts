import 'fake-indexeddb/auto';
import { describe, expect, test } from 'vitest';
import type { Alarm, AnomalySpan, MachineRecord, ModelVersion, SensorRecord } from '$lib/contracts';
import { openContext } from './open-store';

const machine: MachineRecord = { id: 'a/pump', path: { area: 'a', machine: 'pump' }, origin: 'live', firstSeen: 100 };
const sensor: SensorRecord = {
	id: 'a/pump:flow',
	machineId: 'a/pump',
	name: 'flow',
	kind: 'flow',
	unit: 'm3/h',
	firstSeen: 100
};
const alarm = (id: string, more: Partial<Alarm> = {}): Alarm => ({
	id,
	machineId: 'a/pump',
	kind: 'anomaly',
	priority: 'high',
	state: 'unacknowledged',
	since: 1,
	raisedAt: 2,
	peakScore: 3,
	reason: 'flow is low',
	contributors: [],
	...more
});

/** The first value that `watch` gives for which `wanted` holds. */
function until<T>(watch: (onChange: (value: T) => void) => () => void, wanted: (value: T) => boolean): Promise<T> {
	return new Promise((resolve) => {
		const stop = watch((value) => {
			if (!wanted(value)) return;
			queueMicrotask(() => stop());
			resolve(value);
		});
	});
}

describe('registry', () => {
	test('of what another tab has stored meanwhile nothing is blanked, and what is new beside it is stored', async () => {
		const [here, there] = [await openContext(), await openContext()];
		await there.registry.upsert([{ ...machine, machineClass: 'centrifugal-pump' }], [sensor]);
		const fan: MachineRecord = { ...machine, id: 'a/fan', path: { area: 'a', machine: 'fan' } };
		await here.registry.upsert(
			[{ ...machine, firstSeen: 50 }, fan],
			[
				{ ...sensor, unit: undefined, resolution: 0.1 },
				{ ...sensor, id: 'a/fan:flow', machineId: 'a/fan' }
			]
		);
		expect(await there.registry.machines()).toEqual([
			fan,
			{ ...machine, machineClass: 'centrifugal-pump', firstSeen: 50 }
		]);
		expect(await there.registry.sensors('a/pump')).toEqual([{ ...sensor, resolution: 0.1 }]);
		expect(await there.registry.sensors('a/fan')).toHaveLength(1);
	});

	test('what is known stays: nothing is blanked, firstSeen is the earliest', async () => {
		const { registry } = await openContext();
		await registry.upsert([machine], [sensor]);
		await registry.upsert(
			[{ ...machine, machineClass: 'centrifugal-pump', firstSeen: 200 }],
			[
				{
					id: sensor.id,
					machineId: 'a/pump',
					name: 'flow',
					kind: 'other',
					unit: undefined,
					resolution: 0.1,
					firstSeen: 50
				}
			]
		);
		expect(await registry.machines()).toEqual([{ ...machine, machineClass: 'centrifugal-pump' }]);
		expect(await registry.sensors('a/pump')).toEqual([{ ...sensor, resolution: 0.1, firstSeen: 50 }]);
		expect(await registry.sensors('other')).toEqual([]);
	});
	test('a change in one context is seen in another', async () => {
		const [here, there] = [await openContext(), await openContext()];
		const seen = until<MachineRecord[]>(
			(onChange) => here.registry.watch((machines) => onChange(machines)),
			(machines) => machines.length === 1
		);
		await there.registry.upsert([machine], []);
		expect(await seen).toEqual([machine]);
	});

	test('whoever follows, early or late, ends with what is stored: added, changed, removed and back, by several contexts', async () => {
		const contexts = [await openContext(), await openContext(), await openContext()] as const;
		const [here, there, third] = contexts;
		const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
		const followed = contexts.map(({ registry }) => {
			let newest: { machines: MachineRecord[]; sensors: SensorRecord[] } | undefined;
			registry.watch((machines, sensors) => (newest = { machines, sensors: sensors.sort(byId) }));
			return () => newest;
		});
		const named = (name: string, more: Partial<MachineRecord> = {}): MachineRecord => ({
			...machine,
			id: `a/${name}`,
			path: { area: 'a', machine: name },
			...more
		});
		const sensorOf = (name: string, own: string, more: Partial<SensorRecord> = {}): SensorRecord => ({
			...sensor,
			id: `a/${name}:${own}`,
			machineId: `a/${name}`,
			name: own,
			...more
		});
		const many = Array.from({ length: 80 }, (_, i) => named(`m${i}`));
		await Promise.all([
			here.registry.upsert(
				many,
				many.map(({ path }) => sensorOf(path.machine, 'b'))
			),
			there.registry.upsert([named('m3'), named('z')], [sensorOf('m3', 'a'), sensorOf('z', 'a')])
		]);
		await third.registry.upsert(
			[named('m3', { machineClass: 'electric-motor' })],
			[sensorOf('m3', 'b', { unit: 'bar' })]
		);
		await there.registry.remove('a/m4');
		await here.registry.remove('a/m5');
		await there.registry.upsert([named('m5')], [sensorOf('m5', 'c')]);
		const late = await openContext();
		let newest: unknown;
		late.registry.watch((machines, sensors) => (newest = { machines, sensors: sensors.sort(byId) }));
		const stored = {
			machines: await here.registry.machines(),
			sensors: (await here.registry.sensors()).sort(byId)
		};
		expect(stored.machines).toHaveLength(80);
		expect(
			stored.sensors.filter(({ machineId }) => machineId === 'a/m3').map(({ name, unit }) => [name, unit])
		).toEqual([
			['a', sensor.unit],
			['b', 'bar']
		]);
		for (const read of [...followed, () => newest]) await expect.poll(read, { timeout: 20_000 }).toEqual(stored);
		let again: unknown;
		here.registry.watch((machines) => (again = machines));
		await expect.poll(() => again).toEqual(stored.machines);
	});
});

describe('models', () => {
	const version = { id: 'm1', target: { machineId: 'a/pump' }, createdAt: 1 } as unknown as ModelVersion;
	test('weights come back byte for byte; removing one removes its assignments', async () => {
		const { models } = await openContext();
		const weights = Float32Array.of(1, -0, NaN, 1e-40).buffer;
		await models.save({ version, weights });
		expect(new Uint8Array((await models.load('m1')).weights)).toEqual(new Uint8Array(weights));
		await models.assign('a/pump', 'm1');
		expect(await models.assignment('a/pump')).toBe('m1');
		await models.remove('m1');
		expect(await models.assignment('a/pump')).toBeUndefined();
		expect(await models.versions()).toEqual([]);
		await expect(models.load('m1')).rejects.toMatchObject({ code: 'not-found' });
	});
});

describe('alarms', () => {
	test('updates from several contexts at once lose nothing', async () => {
		const [here, there] = [await openContext(), await openContext()];
		await here.alarms.update('x', () => alarm('x', { peakScore: 0 }));
		await Promise.all(
			Array.from({ length: 20 }, (_, i) =>
				(i % 2 ? here : there).alarms.update('x', (old) => old && { ...old, peakScore: old.peakScore + 1 })
			)
		);
		expect(await here.alarms.open()).toMatchObject([{ peakScore: 20 }]);
	});
	test('lists by machine and time, newest first; a closed one is not open', async () => {
		const { alarms } = await openContext();
		await alarms.update('x', () => alarm('x', { raisedAt: 10 }));
		await alarms.update('y', () => alarm('y', { raisedAt: 20, state: 'normal' }));
		await alarms.update('z', () => alarm('z', { raisedAt: 30, machineId: 'b' }));
		expect((await alarms.list({})).map(({ id }) => id)).toEqual(['z', 'y', 'x']);
		expect((await alarms.list({ machineId: 'a/pump', to: 15 })).map(({ id }) => id)).toEqual(['x']);
		expect((await alarms.list({ limit: 1 })).map(({ id }) => id)).toEqual(['z']);
		expect((await alarms.open()).map(({ id }) => id)).toEqual(['z', 'x']);
		expect(await alarms.update('none', (old) => old)).toBeUndefined();
	});
	test('the watched list has what is open and what was raised today', async () => {
		const noon = new Date(2026, 5, 15, 12).getTime();
		const { alarms } = await openContext({ now: () => noon });
		const day = 86_400_000;
		await alarms.update('old-open', () => alarm('old-open', { raisedAt: noon - 3 * day }));
		await alarms.update('old-closed', () => alarm('old-closed', { raisedAt: noon - 3 * day, state: 'normal' }));
		await alarms.update('today', () => alarm('today', { raisedAt: noon - 1000, state: 'normal' }));
		const list = await until<Alarm[]>(
			(onChange) => alarms.watch(onChange),
			() => true
		);
		expect(list.map(({ id }) => id)).toEqual(['today', 'old-open']);
	});
});

describe('spans', () => {
	test('those that overlap are found, the lasting one too', async () => {
		const { spans } = await openContext();
		const span = (id: string, start: number, end?: number): AnomalySpan => ({
			id,
			machineId: 'a/pump',
			start,
			...(end === undefined ? {} : { end }),
			peakScore: 1,
			contributors: [],
			modelId: 'm'
		});
		for (const one of [span('past', 0, 10), span('across', 5, 25), span('lasting', 8), span('later', 50, 60)])
			await spans.put(one);
		expect((await spans.list({ machineId: 'a/pump', from: 20, to: 30 })).map(({ id }) => id)).toEqual([
			'across',
			'lasting'
		]);
		expect(await spans.list({ machineId: 'b', from: 20, to: 30 })).toEqual([]);
		expect(await spans.list({ from: 55, to: 1e9 })).toHaveLength(2);
	});
});

describe('settings', () => {
	test('the source is validated both ways: what is not valid is refused, what was damaged reads as none', async () => {
		const { settings } = await openContext();
		expect(await settings.source()).toEqual({ kind: 'none' });
		const demo = { kind: 'demo' as const, demo: { machines: 12, seed: 1, scenario: 'demo', historyMinutes: 60 } };
		await settings.setSource(demo);
		expect(await settings.source()).toEqual(demo);
		await expect(settings.setSource({ ...demo, demo: { ...demo.demo, machines: 0 } })).rejects.toMatchObject({
			code: 'invalid-input'
		});
		await new Promise<void>((resolve) => {
			const request = indexedDB.open('millwright-plant');
			request.onsuccess = () => {
				const transaction = request.result.transaction('settings', 'readwrite');
				transaction
					.objectStore('settings')
					.put({ key: 'source', value: { kind: 'broker', broker: { url: 'gopher://x' } } });
				transaction.oncomplete = () => {
					request.result.close();
					resolve();
				};
			};
		});
		expect(await settings.source()).toEqual({ kind: 'none' });
	});
	test('small values by key never meet the source', async () => {
		const { settings } = await openContext();
		await settings.set('source', 5);
		expect(await settings.get('source')).toBe(5);
		expect(await settings.source()).toEqual({ kind: 'none' });
		await settings.set('source', undefined);
		expect(await settings.get('source')).toBeUndefined();
	});
	test('many values are stored together: all of them, or none', async () => {
		const { settings } = await openContext();
		await settings.set('first', 1);
		await settings.setAll(
			new Map([
				['first', 10],
				['second', 20]
			])
		);
		expect(await settings.get('first')).toBe(10);
		expect(await settings.get('second')).toBe(20);
		const cannotBeStored = () => undefined;
		await expect(
			settings.setAll(
				new Map<string, unknown>([
					['first', 100],
					['third', cannotBeStored]
				])
			)
		).rejects.toThrow();
		expect(await settings.get('first')).toBe(10);
		expect(await settings.get('third')).toBeUndefined();
	});
});

describe('intake log', () => {
	test('counts add up and the last example stays', async () => {
		const { intakeLog } = await openContext();
		const last = { topic: 't', payload: 'p', at: 1, message: 'm' };
		await intakeLog.record('invalid-json', 2, last);
		await intakeLog.record('invalid-json', 3);
		expect(await intakeLog.all()).toEqual({ 'invalid-json': { count: 5, last } });
		await intakeLog.clear();
		expect(await intakeLog.all()).toEqual({});
	});
});

describe('opening', () => {
	test('without IndexedDB the error says what to do', async () => {
		const there = globalThis.indexedDB;
		Reflect.deleteProperty(globalThis, 'indexedDB');
		try {
			await expect(openContext()).rejects.toMatchObject({ code: 'storage-unavailable', message: /private browsing/ });
		} finally {
			globalThis.indexedDB = there;
		}
	});
	test('a workspace deleted elsewhere closes this store, with words, and is told', async () => {
		let told: unknown;
		const here = await openContext({ onClosed: (error) => (told = error) });
		await (await openContext()).destroy();
		expect(told).toMatchObject({ code: 'storage-unavailable' });
		await expect(here.registry.machines()).rejects.toMatchObject({ code: 'storage-unavailable' });
	});
});

test('births and counts of edge nodes are kept apart, go with the node, and all together', async () => {
	const store = await openContext();
	const birth = (node: string) => ({ node, bdSeq: 3, metrics: [{ device: 'p1', name: 'flow', alias: 7, type: 9 }] });
	const count = (node: string, nextSeq: number) => ({ node, nextSeq, seenAt: 20, messages: 4, since: 10 });
	await store.edgeNodes.save({ births: [birth('g/a'), birth('g/b')], counts: [count('g/a', 5)], gone: [] });
	await store.edgeNodes.save({ births: [], counts: [count('g/a', 6)], gone: [] });
	const again = await openContext();
	expect(await again.edgeNodes.all()).toEqual([
		{ birth: birth('g/a'), count: count('g/a', 6) },
		{ birth: birth('g/b') }
	]);
	await again.edgeNodes.save({ births: [], counts: [], gone: ['g/a'] });
	expect(await store.edgeNodes.all()).toEqual([{ birth: birth('g/b') }]);
	await store.edgeNodes.clear();
	expect(await again.edgeNodes.all()).toEqual([]);
});
