import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sensorIdOf, type SeriesSlice } from '$lib/contracts';
import type { Store } from '$lib/storage';
import { batchOf, openContext as open, type Row } from './open-store';

const flow = sensorIdOf('a/b/pump', 'flow');
const speed = sensorIdOf('a/b/pump', 'speed');
const heat = sensorIdOf('a/c/motor', 'heat');
const START = 1_763_880_000_000;
const points = (slice: SeriesSlice | undefined) =>
	[...slice!.times].map((time, i) => [time, slice!.mean[i], slice!.qualities[i]]);

async function raw(store: Store, sensorId: string, from = -1e15, to = 1e15) {
	return points((await store.series.query({ sensorIds: [sensorId], from, to }))[0]);
}

describe('append and query', () => {
	test('what was appended is read back, before and after sealing and reopening', async () => {
		const store = await open();
		const rows: Row[] = Array.from({ length: 100 }, (_, i) => [
			i % 2 ? flow : heat,
			START + 500 * i,
			i / 10,
			i % 3 ? 0 : 2
		]);
		expect(await store.series.append(batchOf(rows))).toEqual({
			stored: 100,
			duplicates: 0,
			conflicts: 0,
			outOfOrder: 0
		});
		const expected = rows
			.filter(([sensor]) => sensor === flow)
			.map(([, time, value, quality]) => [time, value, quality]);
		expect(await raw(store, flow)).toEqual(expected);
		await store.series.seal({ all: true });
		expect(await raw(store, flow)).toEqual(expected);
		expect((await store.series.statistics()).journalEntries).toBe(0);
		const again = await open();
		expect(await raw(again, flow)).toEqual(expected);
		expect(await raw(again, flow, START + 10_500, START + 12_500)).toEqual(expected.slice(10, 13));
		expect(await again.series.extent('a/b/pump')).toEqual({ from: START + 500, to: START + 49_500, readings: 50 });
		expect(await again.series.extent('nobody')).toBeUndefined();
		expect((await again.series.latest([flow, 'a/b/pump:none'])).get(flow)).toEqual({
			time: START + 49_500,
			value: 9.9,
			quality: 2
		});
	});

	test('a duplicate is stored once and a contradiction keeps the first, across batches, seam and reload', async () => {
		const store = await open();
		const rows: Row[] = [
			[flow, START, 1],
			[flow, START + 1, 2],
			[flow, START + 1, 2],
			[flow, START + 1, 3]
		];
		expect(await store.series.append(batchOf(rows))).toEqual({ stored: 2, duplicates: 1, conflicts: 1, outOfOrder: 0 });
		expect(await store.series.append(batchOf(rows))).toMatchObject({ stored: 0, duplicates: 3, conflicts: 1 });
		await store.series.seal({ all: true });
		expect(await store.series.append(batchOf(rows))).toMatchObject({ stored: 0, duplicates: 3, conflicts: 1 });
		const other = await open();
		expect(await other.series.append(batchOf([...rows, [flow, START + 2, 4]]))).toMatchObject({
			stored: 1,
			duplicates: 3,
			conflicts: 1
		});
		// The first store has not seen what the other wrote.
		expect(await store.series.append(batchOf([[flow, START + 2, 4]]))).toMatchObject({ stored: 0, duplicates: 1 });
		await other.series.seal({ all: true });
		expect(await store.series.append(batchOf([[flow, START + 2, 5]]))).toMatchObject({ stored: 0, conflicts: 1 });
		expect(await raw(store, flow)).toEqual([
			[START, 1, 0],
			[START + 1, 2, 0],
			[START + 2, 4, 0]
		]);
	});

	test('any order of arrival, any sealing, any two contexts: the same as a plain map', async () => {
		const row = fc.tuple(
			fc.constantFrom(flow, speed, heat),
			fc.nat(40).map((n) => START + n * 7_000_000),
			fc.nat(2)
		);
		const step = fc.record({ rows: fc.array(row, { maxLength: 12 }), seal: fc.boolean(), who: fc.nat(1) });
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
				const stores = [await open(), await open()];
				const model = new Map<string, Map<number, number>>();
				for (const { rows, seal, who } of steps) {
					const expected = { stored: 0, duplicates: 0, conflicts: 0 };
					for (const [sensor, time, value] of rows) {
						const known = model.get(sensor) ?? model.set(sensor, new Map()).get(sensor)!;
						const there = known.get(time);
						if (there === undefined) {
							known.set(time, value);
							expected.stored++;
						} else if (there === value) expected.duplicates++;
						else expected.conflicts++;
					}
					expect(await stores[who]!.series.append(batchOf(rows))).toMatchObject(expected);
					if (seal) await stores[1 - who]!.series.seal({ all: true });
					for (const [sensor, known] of model) {
						const wanted = [...known].sort((a, b) => a[0] - b[0]).map(([time, value]) => [time, value, 0]);
						expect(await raw(stores[who]!, sensor)).toEqual(wanted);
						const [binned] = await stores[1 - who]!.series.query({
							sensorIds: [sensor],
							from: START,
							to: START + 300_000_000,
							maxPoints: 20
						});
						expect(binned!.counts.reduce((a, b) => a + b, 0)).toBe(known.size);
					}
				}
				await stores[0]!.destroy();
				stores[1]!.close();
			}),
			{ numRuns: 25 }
		);
	});

	test('concurrent appends of several callers all count', async () => {
		const [one, two] = [await open(), await open()];
		const receipts = await Promise.all(
			Array.from({ length: 20 }, (_, i) =>
				(i % 2 ? one : two).series.append(
					batchOf([
						[flow, START + (i >> 1), 1],
						[speed, START + i, 2]
					])
				)
			)
		);
		expect(receipts.reduce((sum, receipt) => sum + receipt.stored, 0)).toBe(30);
		expect(receipts.reduce((sum, receipt) => sum + receipt.duplicates, 0)).toBe(10);
		expect(await raw(one, flow)).toHaveLength(10);
	});

	test('questions of all kinds asked at once are all answered, while another context writes and seals', async () => {
		const [writer, reader] = [await open(), await open()];
		const machines = ['a/one', 'a/two', 'a/three', 'a/four'];
		const failures: unknown[] = [];
		for (let round = 0; round < 15; round++) {
			const rows = machines.flatMap((machine) =>
				Array.from({ length: 5 }, (_, i): Row => [`${machine}:flow`, START + round * 1000 + i, i])
			);
			await writer.series.append(batchOf(rows));
			if (round % 5 === 4) await writer.series.seal({ all: true });
			const questions = machines.flatMap((machine) => {
				const sensorIds = [`${machine}:flow`];
				const span = { sensorIds, from: START, to: START + 1e6 };
				return [
					reader.series.query(span),
					reader.series.latest(sensorIds),
					reader.series.extent(machine),
					reader.series.query({ ...span, maxPoints: 10 }),
					reader.registry.sensors(),
					reader.series.statistics()
				];
			});
			for (const answer of await Promise.allSettled<unknown>(questions))
				if (answer.status === 'rejected') failures.push(answer.reason);
		}
		expect(failures).toEqual([]);
		expect(await raw(reader, 'a/one:flow')).toHaveLength(75);
	});

	test('values are kept exact to the declared resolution, bit for bit without one', async () => {
		const store = await open();
		await store.registry.upsert(
			[],
			[{ id: flow, machineId: 'a/b/pump', name: 'flow', kind: 'flow', resolution: 0.05, firstSeen: 0 }]
		);
		await store.series.append(
			batchOf([
				[flow, START, 1.0300001],
				[speed, START, 1.0300001]
			])
		);
		await store.series.seal({ all: true });
		expect(await raw(store, flow)).toEqual([[START, 1.05, 0]]);
		expect(await raw(store, speed)).toEqual([[START, 1.0300001, 0]]);
		expect(await store.series.append(batchOf([[flow, START, 1.0300001]]))).toMatchObject({ duplicates: 1 });
	});

	test('a batch with a time that is no number is refused whole, with the sensor named', async () => {
		const store = await open();
		await expect(store.series.append(batchOf([[flow, NaN, 1]]))).rejects.toMatchObject({
			code: 'invalid-input',
			details: { sensorId: flow }
		});
	});
});

describe('long spans', () => {
	test('rollups say the same as the raw data: count, min, max, mean, worst quality, with the live tail', async () => {
		const store = await open();
		const value = (i: number) => Math.round(1000 * Math.sin(i / 700) + (i % 17)) / 10;
		const total = 40_000;
		for (let i = 0; i < total; i += 5000) {
			const rows: Row[] = Array.from({ length: 5000 }, (_, k) => [
				flow,
				START + 1000 * (i + k),
				value(i + k),
				i + k === 12_345 ? 1 : 0
			]);
			await store.series.append(batchOf(rows));
			if (i < 30_000) await store.series.seal({ all: true });
		}
		// Late data, into rolled-up territory.
		await store.series.append(batchOf([[flow, START + 500, 999]]));
		for (const seal of [false, true]) {
			if (seal) await store.series.seal({ all: true });
			for (const maxPoints of [5, 50, 300, 2000]) {
				const to = START + 1000 * total;
				const [slice] = await store.series.query({ sensorIds: [flow], from: START, to, maxPoints });
				const { times, counts, min, max, mean, qualities } = slice!;
				expect(times.length).toBeLessThanOrEqual(maxPoints + 1);
				expect(times.length).toBeGreaterThanOrEqual(Math.min(4, maxPoints - 1));
				expect(counts.reduce((a, b) => a + b, 0)).toBe(total + 1);
				expect(Math.max(...max)).toBe(999);
				expect(qualities.filter((quality) => quality === 1)).toHaveLength(1);
				const width = times[1]! - times[0]!;
				for (const bin of [1, times.length >> 1, times.length - 2]) {
					const inside: number[] = [];
					for (let i = 0; i < total; i++) {
						const time = START + 1000 * i;
						if (time >= times[bin]! && time < times[bin]! + width) inside.push(value(i));
					}
					expect(counts[bin]).toBe(inside.length);
					expect(min[bin]).toBe(Math.min(...inside));
					expect(max[bin]).toBe(Math.max(...inside));
					expect(mean[bin]).toBeCloseTo(inside.reduce((a, b) => a + b, 0) / inside.length, 4);
				}
			}
		}
	});
});

describe('machines', () => {
	test('deleting one leaves the others, in every context', async () => {
		const [one, two] = [await open(), await open()];
		await one.series.append(
			batchOf([
				[flow, START, 1],
				[heat, START, 2]
			])
		);
		await one.series.seal({ all: true });
		await two.series.append(
			batchOf([
				[flow, START + 1, 1],
				[heat, START + 1, 2]
			])
		);
		await one.series.deleteMachine('a/b/pump');
		for (const store of [one, two]) {
			expect(await raw(store, flow)).toEqual([]);
			expect(await raw(store, heat)).toHaveLength(2);
			expect(await store.series.extent('a/b/pump')).toBeUndefined();
			expect((await store.series.latest([flow])).size).toBe(0);
		}
		expect(await two.series.append(batchOf([[flow, START, 5]]))).toMatchObject({ stored: 1 });
	});
});
