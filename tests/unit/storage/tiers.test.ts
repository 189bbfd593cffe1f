import 'fake-indexeddb/auto';
import { describe, expect, test } from 'vitest';
import { storageTiers } from '$lib/storage';
import { batchOf, openContext, type Row } from './open-store';

const START = 1_735_689_600_000;
const MINUTE = 60_000;
const DAYS = 130;
const fast = 'a/pump:flow';
const slow = 'a/pump:oil';

/** Deterministic numbers in [0, 1). */
function random(seed: number) {
	let state = seed;
	return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
}

describe('all tiers', () => {
	test('a hundred days in batches of any size, late data, sealing at any time: every width says what the readings say', async () => {
		const store = await openContext();
		const next = random(42);
		const known = new Map<string, Map<number, number>>([
			[fast, new Map()],
			[slow, new Map()]
		]);
		const times = Array.from({ length: DAYS * 1440 }, (_, i) => START + MINUTE * i);
		// One reading in 300 comes up to ten days late.
		const order = times
			.map((time, i) => ({ time, at: i + (next() < 1 / 300 ? Math.floor(next() * 14_400) : 0) }))
			.sort((a, b) => a.at - b.at);
		for (let at = 0; at < order.length;) {
			const size = 1 + Math.floor(next() * 9000);
			const rows: Row[] = [];
			for (const { time } of order.slice(at, at + size)) {
				rows.push([fast, time, Math.round(1000 * next()) / 10]);
				if (time % (30 * MINUTE) === 0) rows.push([slow, time, Math.round(100 * next())]);
			}
			for (const [sensor, time, value] of rows) known.get(sensor)!.set(time, value);
			expect(await store.series.append(batchOf(rows))).toMatchObject({ stored: rows.length });
			at += size;
			if (next() < 0.8) await store.series.seal({ all: true });
		}
		const { bytesByTier } = await store.series.statistics();
		for (const tier of storageTiers) expect(bytesByTier[tier], tier).toBeGreaterThan(0);
		for (const sensorId of [fast, slow]) {
			const readings = [...known.get(sensorId)!].sort((a, b) => a[0] - b[0]);
			const [raw] = await store.series.query({ sensorIds: [sensorId], from: START, to: START + 1e11 });
			expect([...raw!.times]).toEqual(readings.map(([time]) => time));
			expect([...raw!.mean]).toEqual(readings.map(([, value]) => value));
			for (const [days, maxPoints] of [
				[DAYS, 100],
				[DAYS, 1500],
				[60, 5000],
				[9.3, 1000],
				[2, 100],
				[1 / 24, 200]
			] as const) {
				const from = START + 31 * MINUTE;
				const to = from + days * 1440 * MINUTE;
				const [slice] = await store.series.query({
					sensorIds: [sensorId],
					from,
					to: Math.min(to, START + DAYS * 1440 * MINUTE - 1),
					maxPoints
				});
				const { times: starts, counts, min, max, mean } = slice!;
				expect(starts.length).toBeLessThanOrEqual(maxPoints + 1);
				if (slice!.tier === 'raw') continue;
				// The smallest step between bins is a whole number of widths; every bin holds what lies in it.
				let width = Infinity;
				for (let i = 1; i < starts.length; i++) width = Math.min(width, starts[i]! - starts[i - 1]!);
				let bin = 0;
				let inside: number[] = [];
				const check = () => {
					expect([counts[bin], min[bin], max[bin]]).toEqual([inside.length, Math.min(...inside), Math.max(...inside)]);
					expect(mean[bin]).toBeCloseTo(inside.reduce((a, b) => a + b, 0) / inside.length, 3);
				};
				for (const [time, value] of readings) {
					if (time < starts[0]!) continue;
					if (bin + 1 < starts.length && time >= starts[bin + 1]!) {
						check();
						bin++;
						inside = [];
					}
					if (bin === starts.length - 1) break;
					inside.push(value);
				}
				expect(bin).toBe(starts.length - 1);
			}
		}
	});

	test('a duplicate is known however far back and however deep it lies', async () => {
		const store = await openContext();
		const rows: Row[] = Array.from({ length: 20_000 }, (_, i) => [fast, START + 1000 * i, i % 50]);
		await store.series.append(batchOf(rows));
		await store.series.seal({ all: true });
		const again = await openContext();
		expect(await again.series.append(batchOf(rows))).toEqual({
			stored: 0,
			duplicates: 20_000,
			conflicts: 0,
			outOfOrder: 0
		});
		expect(await again.series.append(batchOf(rows.map(([s, t, v]) => [s, t, v + 1])))).toMatchObject({
			conflicts: 20_000
		});
		expect((await again.series.statistics()).readings).toBe(20_000);
	});
});
