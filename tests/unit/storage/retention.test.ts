import 'fake-indexeddb/auto';
import { describe, expect, test } from 'vitest';
import { applyRetention, daysUntilTrimming, noteUsage, retentionKey, type UsageSample } from '$lib/storage';
import { batchOf, openContext, type Row } from './open-store';

const START = 1_763_856_000_000;
const sensor = 'a/pump:flow';
const TOTAL = 30_000;

async function filled() {
	const store = await openContext();
	const rows: Row[] = Array.from({ length: TOTAL }, (_, i) => [sensor, START + 1000 * i, i % 100]);
	await store.series.append(batchOf(rows));
	await store.series.seal({ all: true });
	return store;
}
const usage = { usedBytes: 0, quotaBytes: 1e12, persistent: false };

describe('retention', () => {
	test('lets old raw data go, keeps what the rollups say of it, and counts nothing twice at the seam', async () => {
		const store = await filled();
		const policy = { days: { raw: 1 }, shareOfQuota: 0.8 };
		const done = await applyRetention(store, policy, { now: START + 86_400_000 + 20_000_000, usage });
		expect(done.removed).toBe(2);
		const extent = await store.series.extent('a/pump');
		expect(extent).toEqual({ from: START + 14_400_000, to: START + 1000 * (TOTAL - 1), readings: TOTAL - 14_400 });
		const [raw] = await store.series.query({ sensorIds: [sensor], from: START, to: START + 1e9 });
		expect(raw!.times).toHaveLength(TOTAL - 14_400);
		for (const maxPoints of [20, 200, 2000]) {
			const [slice] = await store.series.query({
				sensorIds: [sensor],
				from: START,
				to: START + 1000 * TOTAL,
				maxPoints
			});
			expect(slice!.counts.reduce((a, b) => a + b, 0)).toBe(TOTAL);
			expect([slice!.min[0], slice!.max[0]]).toEqual([0, maxPoints === 2000 ? 59 : 99]);
		}
		expect(await applyRetention(store, policy, { now: START + 86_400_000 + 20_000_000, usage })).toEqual({
			removed: 0,
			bytes: 0
		});
	});

	test('goes on from raw data when the share of the quota is passed, oldest first', async () => {
		const store = await filled();
		const before = await store.series.statistics();
		const quotaBytes = 1_000_000;
		const usedBytes = 0.8 * quotaBytes + before.bytesByTier.raw / 8;
		const { removed } = await applyRetention(
			store,
			{ days: {}, shareOfQuota: 0.8 },
			{ now: START, usage: { usedBytes, quotaBytes, persistent: true } }
		);
		expect(removed).toBeGreaterThan(0);
		const after = await store.series.statistics();
		expect(after.bytesByTier.raw).toBeLessThan(before.bytesByTier.raw);
		expect(after.bytesByTier.minute).toBe(before.bytesByTier.minute);
	});

	test('can be stopped between steps', async () => {
		const store = await filled();
		const stop = AbortSignal.abort();
		await expect(
			applyRetention(store, { days: { raw: 0 }, shareOfQuota: 1 }, { now: START, signal: stop, usage })
		).rejects.toMatchObject({ code: 'aborted' });
	});

	test('forecast: days until the oldest raw data goes, whatever was imported at once', () => {
		const hour = 3_600_000;
		let log: readonly UsageSample[] = [];
		// Ten bytes an hour, an import of 300 after a day, looked at twice an hour.
		for (let at = 0; at <= 48 * hour; at += hour / 2) {
			const usedBytes = 10 * (at / hour) + (at >= 24 * hour ? 300 : 0);
			log = noteUsage(log, { at, usedBytes }) ?? log;
			if (at === 5 * hour)
				expect(daysUntilTrimming(log, { usedBytes, quotaBytes: 3000, persistent: true }, 0.8)).toBeNaN();
		}
		expect(log).toHaveLength(49);
		const usage = { usedBytes: 780, quotaBytes: 3000, persistent: true };
		expect(daysUntilTrimming(log, usage, 0.8)).toBeCloseTo((2400 - 780) / 240);
		expect(daysUntilTrimming(log, { ...usage, usedBytes: 2500 }, 0.8)).toBe(0);
		expect(daysUntilTrimming(log, { ...usage, quotaBytes: NaN }, 0.8)).toBeNaN();
		const still = log.map(({ at }) => ({ at, usedBytes: 780 }));
		expect(daysUntilTrimming(still, usage, 0.8)).toBe(Infinity);
	});
});

describe('a full quota', () => {
	/** Refuses journal writes with a QuotaExceededError while `full()`. */
	function refuseWrites(full: () => boolean) {
		const original = IDBObjectStore.prototype.add;
		IDBObjectStore.prototype.add = function (...args) {
			if (this.name === 'journal' && full()) throw new DOMException('Quota exceeded', 'QuotaExceededError');
			return original.apply(this, args);
		};
		return () => {
			IDBObjectStore.prototype.add = original;
		};
	}

	test('lets the oldest raw data go and stores the new reading', async () => {
		const store = await filled();
		let refusals = 1;
		const restore = refuseWrites(() => refusals-- > 0);
		try {
			expect(await store.series.append(batchOf([[sensor, START + 1e9, 1]]))).toMatchObject({ stored: 1 });
		} finally {
			restore();
		}
		const extent = await store.series.extent('a/pump');
		expect(extent!.from).toBeGreaterThan(START);
		expect(extent!.to).toBe(START + 1e9);
		const [overview] = await store.series.query({
			sensorIds: [sensor],
			from: START,
			to: START + 1000 * TOTAL,
			maxPoints: 100
		});
		expect(overview!.counts.reduce((a, b) => a + b, 0)).toBe(TOTAL);
	});

	test('says so when there is nothing left to let go, and goes on when there is room again', async () => {
		const store = await openContext();
		let full = true;
		const restore = refuseWrites(() => full);
		try {
			await expect(store.series.append(batchOf([[sensor, START, 1]]))).rejects.toMatchObject({ code: 'storage-quota' });
			full = false;
			expect(await store.series.append(batchOf([[sensor, START, 1]]))).toMatchObject({ stored: 1 });
		} finally {
			restore();
		}
	});
});

describe('upkeep', () => {
	test('a journal that has become old is sealed by itself, and the policy in the settings applied', async () => {
		let clock = START + 1000 * TOTAL;
		const store = await openContext({ autoSeal: true, now: () => clock });
		await store.settings.set(retentionKey, { days: { raw: 0 }, shareOfQuota: 1 });
		const rows: Row[] = Array.from({ length: TOTAL }, (_, i) => [sensor, START + 1000 * i, i % 100]);
		await store.series.append(batchOf(rows));
		clock += 3_600_000;
		await store.series.append(batchOf([[sensor, clock, 1]]));
		await expect
			.poll(async () => (await store.series.statistics()).readings, { timeout: 20_000 })
			.toBeLessThan(TOTAL - 14_400 + 2);
		expect((await store.series.statistics()).journalEntries).toBe(0);
		const [overview] = await store.series.query({ sensorIds: [sensor], from: START, to: clock, maxPoints: 100 });
		expect(overview!.counts.reduce((a, b) => a + b, 0)).toBe(TOTAL + 1);
	});
});
