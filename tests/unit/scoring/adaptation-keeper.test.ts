import { expect, test, vi } from 'vitest';
import { openContext } from '../storage/open-store';
import {
	adaptationKey,
	addEntry,
	falseAlarmTargetKey,
	type Adaptation,
	type Alarm,
	type AnomalyVerdict
} from '$lib/contracts';
import { ScoreTail } from '$lib/detection';
import { AdaptationKeeper } from '$lib/workers/inference/adaptation-keeper';

const hour = 3_600_000;
const now = 100 * 24 * hour;

/** Days of normal running, the last of them yesterday; without `high`, nothing is known of how high the score came. */
function watchedFor(days: number, high?: number): ScoreTail {
	const tail = new ScoreTail(600, 1_000);
	for (let day = 100 - days; day < 100; day++) {
		const peaks = Array.from(
			{ length: high === undefined ? 0 : 24 },
			(_, i) => high! - 0.01 * (i + 1) + 0.0001 * (day % 7)
		);
		tail.absorb({ days: [{ day, hours: 24, runs: 100, peaks }] });
	}
	return tail;
}

test('verdicts move a machine to another threshold, once, with an entry in the log; another model starts anew', async () => {
	const store = await openContext();
	const tail = watchedFor(7);
	const told: [string, number][] = [];
	const keeper = new AdaptationKeeper(
		store,
		() => now,
		(id, { thresholdFactor }) => told.push([id, thresholdFactor]),
		() => tail
	);
	const stop = keeper.follow();
	expect((await keeper.adaptationOf('p', 'm1')).thresholdFactor).toBe(1);
	await keeper.reviewNext();
	expect(told).toEqual([]);

	const say = (i: number) =>
		store.verdicts.update(`p@${i}`, (stored) =>
			addEntry(
				stored,
				{
					id: `p@${i}`,
					machineId: 'p',
					start: now - i * hour,
					end: now,
					peakScore: 1.5,
					contributors: [],
					modelId: 'm1'
				},
				{ at: now, by: 'Ana', outcome: 'false' }
			)
		);
	const raise = (i: number) => {
		const since = now - i * hour - 60_000;
		const alarm: Alarm = {
			...{ id: `p#anomaly@${i}`, machineId: 'p', kind: 'anomaly', priority: 'low', state: 'normal' },
			...{
				since,
				raisedAt: since + 60_000,
				returnedAt: now,
				peakScore: 1.5,
				reason: '',
				contributors: [],
				modelId: 'm1'
			}
		};
		return store.alarms.update(alarm.id, () => alarm);
	};
	// Findings that passed without an alarm are normal running that has been counted already.
	for (const i of [4, 5, 6]) await say(i);
	await vi.waitUntil(async () => (await store.verdicts.list()).length === 3);
	await keeper.reviewNext();
	expect(told).toEqual([]);
	// Two where one a week is accepted.
	for (const i of [2, 3]) {
		await raise(i);
		await say(i);
	}
	await vi.waitUntil(async () => {
		await keeper.reviewNext();
		return told.length > 0;
	});
	expect(told[0]).toEqual(['p', 1.1]);
	const kept = await store.settings.get<Adaptation>(adaptationKey('p'));
	expect(kept).toMatchObject({ thresholdFactor: 1.1, log: [{ what: 'threshold', from: 1, to: 1.1 }] });
	expect(kept!.log[0]!.why).toContain('2 alarms were judged false');
	// Nothing new was said: nothing more happens today.
	await keeper.reviewNext();
	expect(told).toHaveLength(1);

	// A stricter choice of the person's is looked at at once.
	await store.settings.set(falseAlarmTargetKey, { perWeek: 7 / 91, machines: {} });
	await vi.waitUntil(async () => {
		await keeper.reviewNext();
		return told.length > 1;
	});
	expect(told[1]![1]).toBeCloseTo(1.21, 2);
	stop();

	// A worker that starts later goes on from what was kept, for the same model only.
	const later = new AdaptationKeeper(
		store,
		() => now,
		() => undefined
	);
	expect((await later.adaptationOf('p', 'm1')).thresholdFactor).toBeCloseTo(1.21, 2);
	expect(
		await new AdaptationKeeper(
			store,
			() => now,
			() => undefined
		).adaptationOf('p', 'm2')
	).toMatchObject({ thresholdFactor: 1 });
});

test('normal running moves the threshold once a day, is noted for a person meanwhile, and a reload goes on from there', async () => {
	const store = await openContext();
	let time = now;
	const told: number[] = [];
	const keeperOf = (tail: ScoreTail) =>
		new AdaptationKeeper(
			store,
			() => time,
			(_, { thresholdFactor }) => told.push(thresholdFactor),
			() => tail
		);
	const keeper = keeperOf(watchedFor(10, 0.4));
	await keeper.adaptationOf('p', 'm1');
	await keeper.reviewNext();
	// Far below the calibrated threshold: down by a tenth, and no more today.
	expect(told).toEqual([0.9]);
	const kept = () => store.settings.get<Adaptation>(adaptationKey('p'));
	expect(await kept()).toMatchObject({ watched: { since: now - 240 * hour, hours: 240 } });
	expect((await kept())!.watched!.chosenLevel!.level).toBeLessThan(0.8);
	expect((await kept())!.log[0]!.why).toContain('hours of normal running say');
	time += hour;
	await keeper.reviewNext();
	expect(told).toEqual([0.9]);

	const later = keeperOf(watchedFor(11, 0.4));
	expect((await later.adaptationOf('p', 'm1')).thresholdFactor).toBe(0.9);
	await later.reviewNext();
	expect(told).toEqual([0.9]);
	expect((await kept())!.watched!.hours).toBe(264);
	time += 24 * hour;
	await later.reviewNext();
	expect(told).toEqual([0.9, 0.81]);
});

test('a verdict reaches other tabs', async () => {
	const store = await openContext();
	const other = await openContext();
	const seen = new Promise<AnomalyVerdict[]>((resolve) => {
		const stop = other.verdicts.watch({ machineId: 'p' }, (verdicts) => {
			if (verdicts.length === 0) return;
			queueMicrotask(() => stop());
			resolve(verdicts);
		});
	});
	await store.verdicts.update('p@1', (stored) =>
		addEntry(
			stored,
			{ id: 'p@1', machineId: 'p', start: 1, peakScore: 2, contributors: [] },
			{ at: 5, by: 'Ana', outcome: 'known-cause', cause: 'weather', note: 'storm' }
		)
	);
	expect((await seen)[0]!.entries).toEqual([
		{ at: 5, by: 'Ana', outcome: 'known-cause', cause: 'weather', note: 'storm' }
	]);
});
