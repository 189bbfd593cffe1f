import { describe, expect, it } from 'vitest';
import type { AnomalySpan } from '$lib/contracts';
import { anomalyRate } from '$lib/state/machine/anomaly-rate';
import { FreshnessTracker, isStale } from '$lib/state/plant/freshness';
import { summarise, type SummedMachine } from '$lib/state/plant/fleet-summary';
import { compareIds } from '$lib/state/plant/rank';
import { SparkBins, sparkBinMs, sparkSpanMs } from '$lib/state/plant/spark-bins';

const minute = 60_000;

describe('freshness', () => {
	it('calls a value stale after five of the usual intervals', () => {
		const tracker = new FreshnessTracker();
		for (let i = 0; i < 6; i++) tracker.observe(i * minute);
		expect(tracker.staleAfterMs).toBe(5 * minute);
		expect(isStale(tracker.lastAt, tracker.staleAfterMs, 5 * minute + 4 * minute)).toBe(false);
		expect(isStale(tracker.lastAt, tracker.staleAfterMs, 5 * minute + 6 * minute)).toBe(true);
	});
	it('waits at least five seconds for quick sensors', () => {
		const tracker = new FreshnessTracker();
		for (let i = 0; i < 6; i++) tracker.observe(i * 100);
		expect(tracker.staleAfterMs).toBe(5_000);
	});
	it('takes no notice of one long pause, nor of old values that arrive late', () => {
		const tracker = new FreshnessTracker();
		for (const second of [0, 1, 2, 3, 600, 601, 602, 2, 3]) tracker.observe(second * 1000);
		expect(tracker.usualIntervalMs).toBe(1000);
		expect(tracker.lastAt).toBe(602_000);
	});
	it('is stale while nothing has ever come', () => {
		expect(isStale(undefined, 5_000, 1)).toBe(true);
	});
});

describe('anomaly rate', () => {
	const span = (machineId: string, start: number, end?: number): AnomalySpan => ({
		id: `${machineId}@${start}`,
		machineId,
		start,
		end,
		peakScore: 2,
		contributors: [],
		modelId: 'm'
	});
	it('is anomalous machine-time over watched machine-time within the span', () => {
		const rate = anomalyRate(
			[span('a', -10 * minute, 15 * minute), span('b', 50 * minute)],
			[
				{ id: 'a', from: -100 * minute, to: 60 * minute },
				{ id: 'b', from: 0, to: 60 * minute }
			],
			0,
			60 * minute
		);
		expect(rate).toEqual({ share: 25 / 120, anomalousMs: 25 * minute, watchedMs: 120 * minute, machines: 2 });
	});
	it('counts overlapping spans of one machine once, and ends an open one where the machine was last judged', () => {
		const rate = anomalyRate(
			[span('a', 0, 20 * minute), span('a', 10 * minute)],
			[{ id: 'a', from: 0, to: 30 * minute }],
			0,
			60 * minute
		);
		expect(rate.anomalousMs).toBe(30 * minute);
		expect(rate.share).toBe(1);
	});
	it('is no number when nothing was watched', () => {
		expect(anomalyRate([], [], 0, minute).share).toBeNaN();
	});
});

describe('sparkline bins', () => {
	it('keeps the lowest value of each half minute and half an hour of them', () => {
		const bins = new SparkBins();
		expect(bins.add(1_000, 90)).toBe(true);
		expect(bins.add(2_000, 95)).toBe(false);
		expect(bins.add(3_000, 40)).toBe(true);
		expect(bins.points()).toEqual([{ time: 0, value: 40 }]);
		for (let i = 1; i <= 100; i++) bins.add(i * sparkBinMs, i);
		expect(bins.points()).toHaveLength(sparkSpanMs / sparkBinMs);
		expect(bins.add(0, 1)).toBe(false);
	});
});

describe('summary of the fleet', () => {
	const machine = (id: string, more: Partial<SummedMachine> = {}): SummedMachine => ({
		id,
		name: id,
		grade: 'good',
		anomalous: false,
		stale: false,
		recorded: false,
		index: 100,
		online: true,
		lastAt: 0,
		staleAfterMs: 5_000,
		record: { path: { plant: 'acme' } },
		...more
	});
	const of = (...machines: SummedMachine[]) => summarise(machines.sort((a, b) => compareIds(a.id, b.id)));

	it('puts alarms by priority before grades, unacknowledged before acknowledged, then names', () => {
		const { order, figures } = of(
			machine('pump-10'),
			machine('pump-2'),
			machine('watch', { grade: 'watch' }),
			machine('low', { alarm: { priority: 'low', state: 'unacknowledged' } }),
			machine('seen', { grade: 'critical', alarm: { priority: 'high', state: 'acknowledged' } }),
			machine('new', { grade: 'poor', alarm: { priority: 'high', state: 'unacknowledged' } }),
			machine('stale', { stale: true })
		);
		expect(order.map(({ id }) => id)).toEqual(['new', 'seen', 'low', 'watch', 'stale', 'pump-2', 'pump-10']);
		expect(figures).toMatchObject({ live: 7, needing: 3, judged: true });
	});

	it('counts recordings apart and names the first that are silent', () => {
		const { figures } = of(
			machine('history', { recorded: true, online: false, stale: true, lastAt: 99, staleAfterMs: 1 }),
			machine('silent', { online: false, stale: true, lastAt: 3, grade: 'unknown' }),
			machine('there', { lastAt: 7, staleAfterMs: 6_000, grade: 'unknown', record: { path: { plant: 'other' } } })
		);
		expect(figures).toMatchObject({
			live: 2,
			online: 1,
			offlineNames: ['silent'],
			recorded: 1,
			plantName: undefined,
			quickestStaleMs: 5_000,
			lastAt: 7
		});
		expect(of(machine('a'), machine('b')).figures.plantName).toBe('acme');
		expect(of().figures).toMatchObject({ live: 0, plantName: undefined, lastAt: undefined });
	});
});
