/** What verdicts leave behind, on a real store: nothing is claimed that is not stored, many machines take turns, callers share a write. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { derivedSeries, sensorIdOf, type HealthReport } from '$lib/contracts';
import type { Verdict } from '$lib/pipeline';
import type { Store } from '$lib/storage/store';
import { VerdictWriter } from '$lib/workers/inference/verdict-writer';
import { recordKey, type ScoringRecord } from '$lib/workers/inference/scored-intervals';
import { openEmptyStore } from '../../tools/empty-store';

let store: Store;
let now: number;
beforeEach(async () => {
	store = await openEmptyStore('plant');
	now = 1_000_000;
});
afterEach(() => store.destroy());

const machineOf = (m: number) => `site/machine-${m}`;

/** A row judged at `time`. */
function judge(writer: VerdictWriter, machineId: string, time: number): void {
	const report: Partial<HealthReport> = { machineId, time, score: 0.2, index: 98, mode: 'running' };
	writer.add(machineId, { report } as Verdict, { alarms: true });
	writer.markScored(machineId, [time - 1_000, time], 1_000, 0);
}

const scoredTo = async (machineId: string) =>
	(await store.settings.get<ScoringRecord>(recordKey(machineId)))?.intervals.at(-1)?.[1];
const newestScore = async (machineId: string) =>
	(
		await store.series.query({ sensorIds: [sensorIdOf(machineId, derivedSeries.score)], from: 0, to: Infinity })
	)[0]?.times.at(-1);
const noted = async (machines: number) => {
	const ends = await Promise.all(Array.from({ length: machines }, (_, m) => scoredTo(machineOf(m))));
	return ends.filter((end) => end !== undefined).length;
};

/** The store, but for what some functions of one part do instead. */
function storeWith<K extends 'series' | 'settings'>(part: K, change: Partial<Store[K]>): Store {
	const changed = Object.assign(Object.create(store[part]) as Store[K], change);
	return Object.assign(Object.create(store) as Store, { [part]: changed });
}

describe('the verdict writer', () => {
	test('notes no row as judged whose score is not stored, also when it was judged while others were being written', async () => {
		const id = machineOf(0);
		let meanwhile = () => undefined as void;
		const slow = storeWith('series', {
			append: async (batch) => {
				const receipt = await store.series.append(batch);
				meanwhile();
				return receipt;
			}
		});
		const writer = new VerdictWriter(slow, () => now);
		judge(writer, id, 5_000);
		meanwhile = () => judge(writer, id, 6_000);
		await writer.flush();
		expect(await newestScore(id)).toBe(5_000);
		expect(await scoredTo(id)).toBe(5_000);
		meanwhile = () => undefined;
		await writer.flush(true);
		expect(await newestScore(id)).toBe(6_000);
		expect(await scoredTo(id)).toBe(6_000);
	});

	test('notes many machines in turn, a tenth a second, the longest-waiting first, and all of them at the end', async () => {
		const machines = 600;
		const writer = new VerdictWriter(store, () => now);
		const judgeAll = (time: number) => {
			for (let m = 0; m < machines; m++) judge(writer, machineOf(m), time);
		};
		for (let second = 1; second <= 10; second++) {
			judgeAll(second * 1_000);
			await writer.flush();
			// Asked again within the second: scores are stored, turns are not taken faster.
			await writer.flush();
			expect(await noted(machines)).toBe(60 * second);
			now += 1_000;
		}
		await writer.flush(true);
		for (const m of [0, 1, 500, machines - 1]) expect(await scoredTo(machineOf(m))).toBe(10_000);
	});

	test('what storage has refused is written with the next call', async () => {
		const id = machineOf(0);
		let refuse = true;
		const refusing = storeWith('settings', {
			setAll: (values) => (refuse ? Promise.reject(new Error('no space')) : store.settings.setAll(values))
		});
		const writer = new VerdictWriter(refusing, () => now);
		judge(writer, id, 5_000);
		await expect(writer.flush()).rejects.toThrow('no space');
		expect(await newestScore(id)).toBe(5_000);
		refuse = false;
		now += 1_000;
		await writer.flush();
		expect(await scoredTo(id)).toBe(5_000);
	});

	test('everybody who asks while something is being written is served by the next write', async () => {
		let writes = 0;
		const counting = storeWith('series', {
			append: (batch) => {
				writes++;
				return store.series.append(batch);
			}
		});
		const writer = new VerdictWriter(counting, () => now);
		judge(writer, machineOf(0), 5_000);
		const first = writer.flush();
		await Promise.resolve();
		await Promise.resolve();
		judge(writer, machineOf(1), 5_000);
		await Promise.all([first, ...Array.from({ length: 50 }, () => writer.flush())]);
		expect(await newestScore(machineOf(0))).toBe(5_000);
		expect(await newestScore(machineOf(1))).toBe(5_000);
		expect(writes).toBeLessThanOrEqual(2);
	});
});
