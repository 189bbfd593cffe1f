import { describe, expect, it } from 'vitest';
import { placeAnalogue } from '$lib/charts/analogue';
import { extentWithin, timeTicks, valueScale, valueTicks } from '$lib/charts/scales';
import { sparkPath } from '$lib/charts/spark-path';

describe('time ticks', () => {
	it('stand at round times inside the span, with room for their labels', () => {
		const from = new Date(2026, 10, 23, 6, 1, 7).getTime();
		const to = from + 3_600_000;
		const ticks = timeTicks(from, to, 700);
		expect(ticks.length).toBeGreaterThan(2);
		expect(ticks.length).toBeLessThanOrEqual(8);
		for (const { time } of ticks) {
			expect(time).toBeGreaterThanOrEqual(from);
			expect(time).toBeLessThanOrEqual(to);
			expect(time % 60_000).toBe(0);
		}
	});
	it('leave room for their labels whatever the span', () => {
		const from = new Date(2026, 10, 23, 6, 1, 7).getTime();
		for (const seconds of [5, 50, 400, 3_000, 25_000, 200_000, 3_000_000])
			for (const width of [330, 662, 900]) {
				const ticks = timeTicks(from, from + seconds * 1000, width);
				expect(ticks.length).toBeLessThanOrEqual(width / 104 + 1);
				expect(ticks.some(({ label }, i) => label === ticks[i + 1]?.label)).toBe(false);
			}
	});
	it('name the day at midnight', () => {
		const noon = new Date(2026, 10, 22, 12).getTime();
		const midnight = timeTicks(noon, noon + 24 * 3_600_000, 900).find((tick) => tick.major);
		expect(midnight?.label).toBe('23 Nov');
	});
	it('are none without width or span', () => {
		expect(timeTicks(0, 1000, 0)).toEqual([]);
		expect(timeTicks(5, 5, 500)).toEqual([]);
	});
});

describe('value scales', () => {
	it('hold the extent and do not blow up noise past the least span', () => {
		const scale = valueScale([10, 10.01], 100, { leastSpan: 5 });
		const [low, high] = scale.domain() as [number, number];
		expect(low).toBeLessThanOrEqual(7.6);
		expect(high).toBeGreaterThanOrEqual(12.4);
	});
	it('do not go below zero for a quantity that does not', () => {
		expect(valueScale([0, 50], 100).domain()[0]).toBe(0);
	});
	it('serve a constant and an empty series', () => {
		expect(valueTicks(valueScale([3, 3], 88), 88).length).toBeGreaterThan(0);
		expect(valueTicks(valueScale(undefined, 88), 88).length).toBeGreaterThan(0);
	});
	it('find the extent of what is in sight only', () => {
		const columns = { times: [0, 1, 2, 3], min: [-9, 1, NaN, 9], max: [9, 5, NaN, 99] };
		expect(extentWithin(columns, 1, 2)).toEqual([1, 5]);
		expect(extentWithin(columns, 10, 20)).toBeUndefined();
	});
});

describe('sparkline', () => {
	it('is broken where points are missing', () => {
		const points = [0, 1, 2, 8, 9].map((i) => ({ time: i * 10, value: 50 }));
		const path = sparkPath(points, { width: 100, height: 10, from: 0, to: 100, domain: [0, 100], gapMs: 30 });
		expect(path.match(/M/g)).toHaveLength(2);
	});
	it('leaves out what is older than the span', () => {
		const path = sparkPath([{ time: -50, value: 1 }], {
			width: 9,
			height: 9,
			from: 0,
			to: 9,
			domain: [0, 1],
			gapMs: 9
		});
		expect(path).toBe('');
	});
});

describe('analogue bar', () => {
	it('puts the normal range in the middle half of every bar', () => {
		expect(placeAnalogue(15, 10, 20)).toMatchObject({ normalFrom: 0.25, normalTo: 0.75, at: 0.5, state: 'normal' });
		expect(placeAnalogue(21, 10, 20)).toMatchObject({ state: 'high', beyond: false });
		expect(placeAnalogue(-500, 10, 20)).toMatchObject({ state: 'low', at: 0, beyond: true });
	});
	it('is none without a range', () => {
		expect(placeAnalogue(1, 2, 2)).toBeUndefined();
		expect(placeAnalogue(NaN, 0, 2)).toBeUndefined();
	});
});
