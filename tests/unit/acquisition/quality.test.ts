/** Data health: each rule finds its fault, and none of them cries where a healthy plant does what plants do. */
import { describe, expect, it } from 'vitest';
import { findFaults, isFlat, type FaultInput } from '$lib/acquisition/quality/find-faults';
import { SensorHabits } from '$lib/acquisition/quality/sensor-habits';
import type { MachineRecord, ReadingBatch, SensorKind, SensorRecord } from '$lib/contracts';

const START = Date.UTC(2026, 10, 23, 6);

/** A plant whose sensors send what the test says, second by second. */
function plant(sensors: Record<string, { kind?: SensorKind; range?: [number, number] }>, machineIds = ['r/u/pump']) {
	const habits = new SensorHabits();
	const machines: MachineRecord[] = machineIds.map((id) => ({
		id,
		path: { machine: id },
		origin: 'live',
		firstSeen: 0
	}));
	const records: SensorRecord[] = machineIds.flatMap((machineId) =>
		Object.entries(sensors).map(([name, { kind = 'flow', range }]) => ({
			id: `${machineId}:${name}`,
			machineId,
			name,
			kind,
			firstSeen: 0,
			...(range && { validRange: range })
		}))
	);
	let now = START;
	return {
		habits,
		machines,
		get now() {
			return now;
		},
		/** `value` undefined: the sensor sends nothing at this moment. */
		run(
			seconds: number,
			value: (name: string, second: number, machineId: string) => number | undefined,
			{ quality = 0, offset = 0, stepMs = 1000, repeats = 1 } = {}
		) {
			for (let second = 0; second < seconds; second++) {
				now += stepMs;
				const sent = records.flatMap((record) => {
					const number = value(record.name, second, record.machineId);
					return number === undefined ? [] : Array.from({ length: repeats }, () => [record.id, number] as const);
				});
				const batch: ReadingBatch = {
					sensorIds: sent.map(([id]) => id),
					series: Uint32Array.from(sent, (_, i) => i),
					times: Float64Array.from(sent, () => now + offset),
					values: Float64Array.from(sent, ([, number]) => number),
					qualities: Uint8Array.from(sent, () => quality),
					receivedAt: now
				};
				habits.observe(batch);
			}
		},
		wait: (ms: number) => void (now += ms),
		look(change: Partial<FaultInput> = {}) {
			return findFaults({
				now,
				machines,
				sensorsOf: new Map(machineIds.map((id) => [id, records.filter(({ machineId }) => machineId === id)])),
				habit: (id) => habits.of(id),
				linkedSince: START,
				corrections: new Map(),
				...change
			});
		}
	};
}
const wave = (name: string, second: number) => Math.sin(second / 7 + name.length) + second / 1e6;
const kinds = (report: ReturnType<typeof findFaults>) => report.findings.map(({ kind, sensorId }) => [kind, sensorId]);

describe('silence', () => {
	it('is judged by how often a sensor usually sends', () => {
		const quick = plant({ a: {}, b: {} });
		quick.run(60, wave);
		expect(quick.look().findings).toEqual([]);
		quick.wait(6_000);
		expect(kinds(quick.look())).toEqual([['late', undefined]]);
		quick.wait(6_000);
		expect(quick.look().findings).toEqual([
			{ kind: 'silent', machineId: 'r/u/pump', since: START + 60_000, usualIntervalMs: 1000 }
		]);
		const slow = plant({ a: {} });
		slow.run(10, wave, { stepMs: 60_000 });
		slow.wait(120_000);
		expect(slow.look().findings).toEqual([]);
		slow.wait(200_000);
		expect(kinds(slow.look())).toEqual([['silent', undefined]]);
	});

	it('of one sensor among others is said of that sensor', () => {
		const some = plant({ a: {}, b: {} });
		some.run(30, wave);
		some.run(30, (name, second) => (name === 'a' ? undefined : wave(name, second)));
		expect(kinds(some.look())).toEqual([['silent', 'r/u/pump:a']]);
	});

	it('says nothing of machines while the link is down, nor at once when it is back', () => {
		const some = plant({ a: {} });
		some.run(30, wave);
		some.wait(600_000);
		expect(some.look({ linkedSince: undefined })).toMatchObject({ findings: [], linkDown: true });
		expect(some.look({ linkedSince: some.now - 2_000 }).findings).toEqual([]);
		expect(kinds(some.look({ linkedSince: some.now - 60_000 }))).toEqual([['silent', undefined]]);
	});

	it('names how many others of the place fell silent at the same moment', () => {
		const many = plant({ a: {} }, ['r/l1/p1', 'r/l1/p2', 'r/l1/p3', 'r/l2/p4']);
		many.run(30, wave);
		many.run(30, (name, second, machineId) => (machineId.startsWith('r/l1') ? undefined : wave(name, second)));
		expect(many.look().findings.map(({ machineId, together }) => [machineId, together])).toEqual([
			['r/l1/p1', 2],
			['r/l1/p2', 2],
			['r/l1/p3', 2]
		]);
	});

	it('gives the reason where the source states one', () => {
		const some = plant({ a: {} });
		some.run(30, wave);
		some.wait(60_000);
		const presence = { online: false, since: START + 31_000, reason: 'its broker session ended' };
		const report = some.look({ machines: some.machines.map((machine) => ({ ...machine, presence })) });
		expect(report.findings).toEqual([
			{ kind: 'offline', machineId: 'r/u/pump', since: START + 31_000, reason: 'its broker session ended' }
		]);
	});

	it('across a reload counts from what is stored', () => {
		const some = plant({ a: {} });
		some.habits.remember('r/u/pump:a', START - 3_600_000);
		some.wait(120_000);
		expect(some.look().findings).toMatchObject([{ kind: 'silent', since: START - 3_600_000 }]);
	});
});

describe('flat lines', () => {
	it('are found where a sensor that always moved hangs while the others move', () => {
		const some = plant({ a: {}, b: {}, c: {} });
		some.run(300, wave);
		some.run(90, (name, second) => (name === 'a' ? 0.5 : wave(name, second)));
		expect(some.look().findings).toMatchObject([{ kind: 'flat-line', sensorId: 'r/u/pump:a', value: 0.5, count: 90 }]);
	});

	it('are none when the machine stands still, when a sensor is a switch or changes seldom, or has stopped coming', () => {
		const stopped = plant({ a: {}, b: {}, c: {} });
		stopped.run(300, wave);
		stopped.run(300, () => 0);
		expect(stopped.look().findings).toEqual([]);
		const seldom = plant({ a: {}, lamp: { kind: 'state' }, setpoint: {} });
		const value = (name: string, second: number) =>
			name === 'a' ? wave(name, second) : name === 'lamp' ? (second % 20 < 10 ? 1 : 0) : Math.floor(second / 100);
		seldom.run(600, value);
		seldom.run(90, (name, second) => (name === 'a' ? wave(name, second) : 1));
		expect(seldom.look().findings).toEqual([]);
	});

	it('need a run that chance does not give', () => {
		const coarse = plant({ a: {} });
		// Changes at one reading in five, in no regular order.
		let level = 0;
		let state = 1;
		coarse.run(2000, () => {
			state = (state * 48271) % 2147483647;
			return state % 5 === 0 ? ++level : level;
		});
		expect(isFlat(coarse.habits.of('r/u/pump:a')!)).toBe(false);
		coarse.run(60, () => level);
		expect(isFlat(coarse.habits.of('r/u/pump:a')!)).toBe(false);
		coarse.run(60, () => level);
		expect(isFlat(coarse.habits.of('r/u/pump:a')!)).toBe(true);
	});
});

describe('values', () => {
	it('outside the declared range, and bad by the source’s own word', () => {
		const some = plant({ a: { range: [-10, 10] } });
		some.run(100, wave);
		some.run(1, () => 85, { quality: 2 });
		expect(some.look().findings).toMatchObject([
			{ kind: 'out-of-range', value: 85, range: [-10, 10], count: 1, of: 101 }
		]);
		some.run(1, () => 1, { quality: 1 });
		expect(some.look().findings).toMatchObject([{ kind: 'bad-quality', value: 1, reason: 'uncertain', count: 2 }]);
	});

	it('far outside of all before', () => {
		const some = plant({ a: {} });
		some.run(2_100, wave);
		expect(some.look().findings).toEqual([]);
		some.run(1, () => -127);
		some.run(20, wave);
		expect(some.look().findings).toMatchObject([{ kind: 'unusual', value: -127 }]);
	});

	it('of a load that goes to rest for the first time are a stop; the other way, or of a temperature, they are not', () => {
		const at = (rest: number) => {
			const some = plant({ a: { kind: 'current' }, b: { kind: 'temperature' } });
			some.run(2_100, (name, second) => 20 + wave(name, second));
			some.run(1, (name, second) => (name === 'a' ? rest : 20 + wave(name, second)));
			return some.look().findings;
		};
		expect(at(0.07)).toEqual([]);
		expect(at(-0.1)).toEqual([]);
		expect(at(-20)).toMatchObject([{ kind: 'unusual', value: -20 }]);
		expect(at(90)).toMatchObject([{ kind: 'unusual', value: 90 }]);
		const cold = plant({ b: { kind: 'temperature' } });
		cold.run(2_100, (name, second) => 20 + wave(name, second));
		cold.run(1, () => 0);
		expect(cold.look().findings).toMatchObject([{ kind: 'unusual', value: 0 }]);
	});

	it('that come twice', () => {
		const some = plant({ a: {} });
		some.run(30, wave, { repeats: 2 });
		expect(some.look().findings).toMatchObject([{ kind: 'duplicates', count: 30, of: 60 }]);
	});
});

describe('clocks', () => {
	it('ahead and behind are found, an ordinary delay is not', () => {
		for (const [offset, expected] of [
			[120_000, 120_000],
			[-120_000, -120_000]
		] as const) {
			const some = plant({ a: {}, b: {} });
			some.run(60, wave, { offset });
			expect(some.look().findings).toMatchObject([{ kind: 'clock-skew', machineId: 'r/u/pump' }]);
			expect(some.look().findings[0]!.skewMs).toBeCloseTo(expected, -4);
		}
		const caughtUp = plant({ a: {} });
		caughtUp.run(100, wave, { offset: -7_200_000 });
		caughtUp.run(2, wave);
		expect(caughtUp.look().findings).toEqual([]);
		const slow = plant({ a: {} });
		slow.run(60, wave, { offset: -3_000 });
		expect(slow.look().findings).toEqual([]);
	});

	it('so far off that stored times are corrected are named as such', () => {
		const some = plant({ a: {} });
		some.run(60, wave);
		expect(some.look({ corrections: new Map([['r/u/pump', 7_200_000]]) }).findings).toMatchObject([
			{ kind: 'clock-skew', skewMs: 7_200_000, corrected: true }
		]);
	});
});

it('worst first, with counts, at most a thousand, imported machines left out', () => {
	const many = plant(
		{ a: {} },
		Array.from({ length: 1_500 }, (_, i) => `p${i}`)
	);
	many.run(5, wave);
	many.wait(60_000);
	const report = many.look({
		machines: many.machines.map((machine, i) => ({
			...machine,
			origin: i < 100 ? ('import' as const) : ('live' as const)
		}))
	});
	expect(report.findings).toHaveLength(1_000);
	expect(report).toMatchObject({ counts: { silent: 1_400 }, machines: 1_400, machinesWell: 0 });
});
