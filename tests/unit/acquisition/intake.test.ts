/** The intake: every kind of bad input has its outcome, counted with an example; good input beside it is kept. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GroupCommit } from '$lib/acquisition/group-commit';
import { Intake, type IntakeOptions } from '$lib/acquisition/intake';
import { MAX_SENSORS_PER_MACHINE } from '$lib/acquisition/source-plant';
import { IntakeTally } from '$lib/acquisition/intake-tally';
import {
	emptyMapping,
	MillwrightError,
	Quality,
	type PlainError,
	type ReadingBatch,
	type SourceMapping
} from '$lib/contracts';
import { payload as sparkplug } from './protobuf-writer';
import { NOW } from './collect';
import { MemoryStore } from './world';

function open(options: Partial<IntakeOptions> = {}) {
	const store = new MemoryStore();
	const tally = new IntakeTally(NOW);
	const batches: ReadingBatch[] = [];
	const problems: (PlainError | undefined)[] = [];
	const refusals: number[] = [];
	const commit = new GroupCommit(store, {
		committed: (batch) => batches.push(batch),
		failing: (problem) => problems.push(problem),
		refused: (readings) => refusals.push(readings)
	});
	const intake = new Intake(commit, tally, { origin: 'live', ...options });
	const send = (
		topic: string,
		payload: unknown,
		{ retain = false, receivedAt = NOW, safe = undefined as (() => void) | undefined } = {}
	) =>
		intake.take(
			{
				topic,
				payload: payload instanceof Uint8Array ? payload : new TextEncoder().encode(JSON.stringify(payload)),
				retain,
				receivedAt
			},
			safe
		);
	const count = (reason: keyof ReturnType<IntakeTally['counters']>['byReason']) =>
		tally.counters(NOW, 0).byReason[reason]?.count ?? 0;
	return { store, tally, commit, intake, batches, problems, refusals, send, count };
}

describe('Intake', () => {
	it('registers machines and sensors, kinds guessed and units only as stated', async () => {
		const { store, commit, send } = open();
		send('r/u/l/pump', { ts: NOW, flow: { value: 1, unit: 'l/min' }, bearing_temp: 60 });
		await commit.flush();
		expect([...store.machines.values()]).toMatchObject([{ id: 'r/u/l/pump', origin: 'live', path: { area: 'u' } }]);
		expect([...store.sensors.values()]).toMatchObject([
			{ id: 'r/u/l/pump:flow', kind: 'flow', unit: 'l/min' },
			{ id: 'r/u/l/pump:bearing_temp', kind: 'temperature' }
		]);
		expect(store.sensors.get('r/u/l/pump:bearing_temp')).not.toHaveProperty('unit');
	});

	it('marks impossible values bad and keeps them', async () => {
		const { store, commit, send, batches, count } = open();
		store.machines.set('r/pump', { id: 'r/pump', path: { plant: 'r', machine: 'pump' }, origin: 'live', firstSeen: 0 });
		send('r/pump/_meta', { machineClass: 'centrifugal-pump', sensors: { flow: { unit: 'm3/h', range: [0, 200] } } });
		send('r/pump', { ts: NOW, flow: 500 });
		await commit.flush();
		expect(batches[0]!.qualities[0]).toBe(Quality.bad);
		expect(count('out-of-range')).toBe(1);
		expect(store.machines.get('r/pump')!.machineClass).toBe('centrifugal-pump');
	});

	it('shows retained values without storing them as new', async () => {
		const { store, commit, send, count } = open();
		send('r/pump', { flow: 1 }, { retain: true });
		send('r/pump', { ts: NOW - 3_600_000, flow: 2 }, { retain: true });
		await commit.flush();
		expect(store.seriesOf('r/pump:flow')).toEqual([[NOW - 3_600_000, 2]]);
		expect(store.machines.has('r/pump')).toBe(true);
		expect(count('retained')).toBe(2);
	});

	it('stores values without a time at the time of arrival, those of a wrong clock corrected and counted', async () => {
		const { store, commit, send, count } = open();
		send('r/pump', { flow: 1 });
		send('r/pump', { ts: NOW + 3_605_000, flow: 2 }, { receivedAt: NOW + 5010 });
		await commit.flush();
		expect(store.seriesOf('r/pump:flow').map(([, value]) => value)).toEqual([1, 2]);
		expect(store.seriesOf('r/pump:flow')[1]![0]).toBeLessThanOrEqual(NOW + 60_000);
		expect(count('time-in-future')).toBe(1);
	});

	it('caps the sensors of a machine and counts the rest', async () => {
		const { store, commit, send, count } = open();
		const fields = Object.fromEntries(Array.from({ length: MAX_SENSORS_PER_MACHINE + 50 }, (_, i) => [`s${i}`, i]));
		send('r/pump', fields);
		send('r/other', { flow: 1 });
		await commit.flush();
		expect(store.sensors.size).toBe(MAX_SENSORS_PER_MACHINE + 1);
		expect(count('too-many-sensors')).toBe(50);
	});

	it('leaves out QoS 0 when storing falls far behind, never QoS 1', async () => {
		const { store, commit, send, count, tally } = open();
		const release = store.hold();
		const readings = Array.from({ length: 20_000 }, (_, i) => ({ ts: NOW + i / 100, a: i, b: i }));
		for (let i = 0; i < 12; i++) send(`r/pump-${i}`, readings);
		expect(count('overflow')).toBe(1);
		let safe = 0;
		send('r/held', { ts: NOW, a: 1 }, { safe: () => safe++ });
		release();
		await commit.flush();
		expect(safe).toBe(1);
		expect(tally.messages).toBe(13);
		expect(store.values.has('r/held:a')).toBe(true);
		expect(store.count).toBe(11 * 40_000 + 1);
	});

	it('keeps an example of each reason, unprintable bytes as hex', () => {
		const { send, tally } = open();
		send('r/pump', Uint8Array.of(0x41, 0xff, 0x00));
		expect(tally.counters(NOW, 0).byReason['invalid-utf8']).toMatchObject({
			count: 1,
			last: { topic: 'r/pump', payload: 'A\\xff\\x00', at: NOW }
		});
	});
});

describe('GroupCommit', () => {
	it('acknowledges after the commit, groups what comes meanwhile, and holds while storage fails', async () => {
		const { store, commit, send, problems } = open();
		const safe: number[] = [];
		const release = store.hold();
		for (let i = 0; i < 100; i++) send('r/pump', { ts: NOW + i, flow: i }, { safe: () => safe.push(i) });
		await Promise.resolve();
		expect(safe).toEqual([]);
		expect(commit.pendingMessages).toBe(100);
		store.failure = new MillwrightError('storage-quota', 'full');
		release();
		await expect.poll(() => problems.length).toBeGreaterThan(0);
		expect(problems[0]).toMatchObject({ code: 'storage-quota' });
		expect(safe).toEqual([]);
		store.failure = undefined;
		await commit.flush();
		expect(safe).toEqual(Array.from({ length: 100 }, (_, i) => i));
		expect(problems.at(-1)).toBeUndefined();
		expect(store.count).toBe(100);
		expect(commit.pendingMessages).toBe(0);
	});

	it('waits for what has come, not for a stream that never ends', async () => {
		const { store, commit, send } = open();
		let sent = 0;
		const { append } = store.series;
		// With every commit another message comes.
		store.series.append = (batch) => {
			if (sent < 1_000) send('r/pump', { ts: NOW + sent++, flow: 1 });
			return append(batch);
		};
		for (let i = 0; i < 10; i++) send('r/pump', { ts: NOW + sent++, flow: 1 });
		await commit.flush();
		expect(store.count).toBeGreaterThanOrEqual(10);
		expect(sent).toBeLessThan(20);
	});

	it('gathers while messages come, and commits at once when the broker stops for want of acknowledgements', async () => {
		vi.useFakeTimers();
		try {
			const { store, commit, send } = open();
			const acknowledged: number[] = [];
			let sent = 0;
			const one = () => send('r/pump', { ts: NOW + sent++, flow: 1 }, { safe: () => acknowledged.push(sent) });
			// A broker that goes on sending: one commit for all that comes in the time of gathering.
			for (let ms = 0; ms < 98; ms += 2) {
				for (let i = 0; i < 10; i++) one();
				await vi.advanceTimersByTimeAsync(2);
			}
			expect(acknowledged).toEqual([]);
			await vi.advanceTimersByTimeAsync(5);
			expect(store.appends).toBe(1);
			expect(acknowledged.length).toBe(sent);
			// One that lets twenty fly and then waits: not for the whole time of gathering.
			const before = sent;
			for (let i = 0; i < 20; i++) one();
			await vi.advanceTimersByTimeAsync(20);
			expect(acknowledged.length).toBe(before + 20);
			// Its window is known now: the twentieth starts the commit.
			for (let i = 0; i < 20; i++) one();
			await vi.advanceTimersByTimeAsync(0);
			expect(acknowledged.length).toBe(before + 40);
			await commit.flush();
		} finally {
			vi.useRealTimers();
		}
	});

	it('gives up a batch that storage calls invalid, counts it and goes on', async () => {
		const { store, commit, send, refusals } = open();
		store.failure = new MillwrightError('invalid-input', 'no');
		send('r/pump', { ts: NOW, flow: 1 });
		await commit.flush();
		expect(refusals).toEqual([1]);
		store.failure = undefined;
		send('r/pump', { ts: NOW + 1, flow: 2 });
		await commit.flush();
		expect(store.count).toBe(1);
	});
});

describe('a mapping', () => {
	const mapping: SourceMapping = {
		...emptyMapping,
		groups: [
			{ filter: 'acme/+/+/+', levels: ['enterprise', 'machine', 'skip', 'sensor'] },
			{ filter: 'acme/+/log', ignored: true }
		],
		machines: [
			{ source: 'acme/p1', path: { plant: 'Acme', machine: 'Pump 1' }, machineClass: 'centrifugal-pump' },
			{ source: 'acme/p1-motor', path: { plant: 'Acme', machine: 'Pump 1' } },
			{ source: 'acme/test', ignored: true }
		],
		sensors: [
			{ filter: 'acme/+/+/+', sensor: 't', name: 'temperature', unit: '°C', kind: 'temperature', range: [-40, 200] },
			{ machine: 'acme/p1-motor', sensor: 't', name: 'winding temperature', unit: '°F' },
			{ sensor: 'debug', ignored: true }
		]
	};

	it('names, places and merges machines, names sensors, sets unit, kind and range, leaves out what it says', async () => {
		const { store, commit, send, count, batches } = open({ mapping });
		send('acme/p1/sensors/t', 20);
		send('acme/p1-motor/sensors/t', 70);
		send('acme/p1/sensors/debug', 1);
		send('acme/p1/sensors/flow', { value: 3, unit: 'l/min' });
		send('acme/test/sensors/t', 1);
		send('acme/p2/sensors/t', 900);
		send('acme/p1/log', { flow: 1 });
		await commit.flush();
		expect([...store.machines.values()]).toMatchObject([
			{ id: 'Acme/Pump 1', path: { plant: 'Acme', machine: 'Pump 1' }, machineClass: 'centrifugal-pump' },
			{ id: 'acme/p2' }
		]);
		expect([...store.sensors.values()]).toMatchObject([
			{ id: 'Acme/Pump 1:temperature', unit: '°C', kind: 'temperature', validRange: [-40, 200], source: 'acme/p1:t' },
			{ id: 'Acme/Pump 1:winding temperature', unit: '°F', source: 'acme/p1-motor:t' },
			{ id: 'Acme/Pump 1:flow', unit: 'l/min' },
			{ id: 'acme/p2:temperature' }
		]);
		expect(batches.flatMap(({ qualities }) => [...qualities])).toEqual([0, 0, 0, Quality.bad]);
		expect(count('ignored')).toBe(3);
	});

	it('is applied from the next message on when it changes, and its unit is stronger than what the source says', async () => {
		const { store, commit, intake, send } = open();
		send('r/u/l/pump', { flow: { value: 1, unit: 'gpm' } });
		intake.setMapping({ ...emptyMapping, sensors: [{ sensor: 'flow', unit: 'l/min' }] });
		send('r/u/l/pump', { flow: { value: 2, unit: 'gpm' } }, { receivedAt: NOW + 1 });
		intake.setMapping({ ...emptyMapping, machines: [{ source: 'r/u/l/pump', path: { machine: 'P-7' } }] });
		send('r/u/l/pump', { flow: { value: 3, unit: 'gpm' } }, { receivedAt: NOW + 2 });
		await commit.flush();
		expect(store.sensors.get('r/u/l/pump:flow')).toMatchObject({ unit: 'l/min' });
		expect(store.seriesOf('r/u/l/pump:flow').map(([, value]) => value)).toEqual([1, 2]);
		expect(store.seriesOf('P-7:flow').map(([, value]) => value)).toEqual([3]);
	});
});

describe('presence', () => {
	it('is kept with the machine, also when said before its first value; who sends is there', async () => {
		const { store, commit, send } = open();
		const presence = (id: string) => store.machines.get(id)?.presence;
		send('r/u/l/pump/status', new TextEncoder().encode('offline'), { retain: true });
		send('r/u/l/pump', { flow: 1 }, { retain: true });
		await commit.flush();
		expect(presence('r/u/l/pump')).toEqual({ online: false, since: NOW, reason: 'its topic status says offline' });
		send('r/u/l/pump', { flow: 1 }, { receivedAt: NOW + 5000 });
		await commit.flush();
		expect(presence('r/u/l/pump')).toMatchObject({ online: true, since: NOW + 5000 });
	});

	it('is said beside the data, whatever the mapping makes of the levels', async () => {
		const groups = [{ filter: 'acme/+/+/+', levels: ['plant', 'skip', 'machine', 'skip'] as const }];
		const { store, commit, send } = open({
			mapping: { ...emptyMapping, groups: groups.map((group) => ({ ...group, levels: [...group.levels] })) }
		});
		send('acme/devices/p1/telemetry', { flow: 1 });
		send('acme/devices/p1/status', new TextEncoder().encode('offline'));
		await commit.flush();
		expect(store.machines.get('acme/p1')?.presence).toMatchObject({ online: false });
	});

	it('a death of an edge node speaks for its devices, also under a mapping and from an earlier session', async () => {
		const { store, commit, intake, send } = open({
			mapping: { ...emptyMapping, machines: [{ source: 'g/edge/p2', path: { machine: 'P2' } }] }
		});
		const record = (id: string) => ({ id, path: { machine: id }, origin: 'live' as const, firstSeen: 0 });
		for (const id of ['g/edge/p1', 'P2', 'g/edge-2/p3']) store.machines.set(id, record(id));
		await intake.load(store);
		send('spBv1.0/g/NDEATH/edge', sparkplug(NOW, undefined, []));
		await commit.flush();
		expect(['g/edge/p1', 'P2', 'g/edge-2/p3'].map((id) => store.machines.get(id)?.presence?.online)).toEqual([
			false,
			false,
			undefined
		]);
	});
});

it('takes the values of a familiar message at once, with all that holds for each of them', async () => {
	const { store, commit, intake, send, count, tally, batches } = open();
	const at = (n: number, flow: number, ts = NOW + n) =>
		send(
			'r/pump',
			[
				{ ts, flow, speed: 2 * flow },
				{ ts: ts + 1, flow: flow + 0.5, speed: 0 }
			],
			{ receivedAt: NOW + n }
		);
	const flowNow = () => store.seriesOf('r/pump:flow');
	// After four of a shape the fifth is familiar.
	for (let n = 0; n < 40; n += 10) at(n, n);
	const one = vi.spyOn(intake, 'value');
	at(40, 40);
	await commit.flush();
	expect(one).not.toHaveBeenCalled();
	expect(flowNow().slice(-2)).toEqual([
		[NOW + 40, 40],
		[NOW + 41, 40.5]
	]);
	expect(store.seriesOf('r/pump:speed').at(-1)).toEqual([NOW + 41, 0]);
	expect(tally.readings).toBe(20);

	// A range that a person sets holds from the next message on.
	intake.learn([], [{ ...store.sensors.get('r/pump:flow')!, validRange: [0, 45] }]);
	at(50, 50);
	await commit.flush();
	expect(count('out-of-range')).toBe(2);
	expect([...batches.at(-1)!.qualities]).toEqual([Quality.bad, Quality.good, Quality.bad, Quality.good]);

	// A clock that is ahead is corrected, as ever.
	at(60, 20, NOW + 3_600_060);
	await commit.flush();
	expect(count('time-in-future')).toBe(4);
	expect(flowNow().at(-1)![0]).toBeLessThan(NOW + 1_000);

	// So is what a mapping leaves out.
	intake.setMapping({ ...emptyMapping, sensors: [{ machine: 'r/pump', sensor: 'speed', ignored: true }] });
	const before = store.seriesOf('r/pump:speed').length;
	for (const n of [70, 80, 90, 100, 110, 120]) at(n, 30);
	await commit.flush();
	expect(store.seriesOf('r/pump:speed')).toHaveLength(before);
	expect(flowNow().at(-1)).toEqual([NOW + 121, 30.5]);
	expect(count('ignored')).toBe(12);
});

describe('without memory', () => {
	/** Arrays of numbers longer than this cannot be had. */
	let most = Infinity;
	beforeEach(() => {
		class Limited extends Float64Array {
			constructor(...given: [number] | [ArrayBuffer, number, number]) {
				if (typeof given[0] === 'number' && given[0] > most) throw new RangeError('Array buffer allocation failed');
				super(...(given as [ArrayBuffer, number, number]));
			}
		}
		vi.stubGlobal('Float64Array', Limited);
	});
	afterEach(() => {
		most = Infinity;
		vi.unstubAllGlobals();
	});
	const many = (count: number) => Array.from({ length: count }, (_, i) => ({ ts: NOW - i, flow: i }));

	it('stores a group in smaller parts, acknowledges it whole, and says so meanwhile', async () => {
		const { store, commit, send, problems, batches } = open();
		let safe = 0;
		const release = store.hold();
		for (let n = 0; n < 12; n++) send(`r/pump-${n}`, many(1_000), { safe: () => safe++ });
		// The copy that a commit makes is what cannot be had.
		most = 3_000;
		release();
		await commit.flush();
		expect(store.count).toBe(12_000);
		expect(safe).toBe(12);
		expect(batches.reduce((sum, { times }) => sum + times.length, 0)).toBe(12_000);
		expect(Math.max(...batches.map(({ times }) => times.length))).toBeLessThanOrEqual(3_000);
		expect(problems[0]?.message).toMatch(/memory/);
		expect(problems.at(-1)).toBeUndefined();
	});

	it('does not acknowledge a message that it could not take, until it has come again', async () => {
		const { store, commit, send, count } = open();
		const acknowledged: string[] = [];
		const sendAll = () => {
			for (const name of ['a', 'b'])
				send(`r/${name}`, many(name === 'a' ? 500 : 2_000), { safe: () => acknowledged.push(name) });
		};
		most = 1_024;
		sendAll();
		expect(commit.lacksMemory).toBe(true);
		await commit.flush();
		expect(acknowledged).toEqual(['a']);
		expect(count('overflow')).toBe(1);
		expect(commit.lacksMemory).toBe(false);
		most = Infinity;
		// The session begins a new connection, and the broker sends what was not acknowledged.
		sendAll();
		await commit.flush();
		expect(acknowledged).toEqual(['a', 'a', 'b']);
		expect(store.count).toBe(2_500);
	});
});
