import { describe, expect, it } from 'vitest';
import { coverageFor, joinTail, LiveTail, needsQuery } from '$lib/charts/live-tail';
import type { SeriesSlice } from '$lib/contracts';

function slice(tier: SeriesSlice['tier'], samples: readonly (readonly [number, number, number?])[]): SeriesSlice {
	const mean = Float64Array.from(samples, ([, value]) => value);
	return {
		sensorId: 'm:s',
		tier,
		times: Float64Array.from(samples, ([time]) => time),
		min: mean.slice(),
		max: mean.slice(),
		mean,
		counts: new Uint32Array(samples.length).fill(1),
		qualities: Uint8Array.from(samples, ([, , quality]) => quality ?? 0)
	};
}

function tailOf(...times: number[]): LiveTail {
	const tail = new LiveTail();
	for (const time of times) tail.add(time, time * 10);
	return tail;
}

describe('the seam between stored and live', () => {
	it('has no double where the slice already holds what was heard live', () => {
		const trace = joinTail(slice('raw', [[1, 10], [2, 20], [3, 30]]), tailOf(2, 3, 4, 5), 2); // prettier-ignore
		expect([...trace.times]).toEqual([1, 2, 3, 4, 5]);
		expect([...trace.mean]).toEqual([10, 20, 30, 40, 50]);
	});

	it('has no gap when readings were committed while the query ran', () => {
		// 3 and 4 came after the query was made; the slice holds 3 already, but not 4.
		const trace = joinTail(slice('raw', [[1, 10], [2, 20], [3, 30]]), tailOf(1, 2, 3, 4), 2); // prettier-ignore
		expect([...trace.times]).toEqual([1, 2, 3, 4]);
	});

	it('continues bins with the samples heard since the query', () => {
		const trace = joinTail(slice('minute', [[0, 1], [60_000, 2]]), tailOf(61_000, 90_000, 95_000), 90_000); // prettier-ignore
		expect([...trace.times]).toEqual([0, 60_000, 95_000]);
	});

	it('is the live tail alone while nothing is stored', () => {
		expect([...joinTail(undefined, tailOf(7, 8), undefined).times]).toEqual([7, 8]);
		expect([...joinTail(slice('raw', []), tailOf(7, 8), undefined).times]).toEqual([7, 8]);
	});

	it('leaves out stored values that are physically impossible, and shows the break', () => {
		const trace = joinTail(slice('raw', [[1, 10], [2, 9999, 2], [3, 30]]), new LiveTail(), undefined); // prettier-ignore
		expect([...trace.mean]).toEqual([10, NaN, 30]);
	});
});

describe('the tail', () => {
	it('puts a late sample at its place, says so, and keeps the first of two at the same time', () => {
		const tail = tailOf(1, 2, 5);
		expect(tail.add(3, 33)).toBe(false);
		expect(tail.add(5, 99)).toBe(true);
		expect([...tail.times]).toEqual([1, 2, 3, 5]);
		expect([...tail.values]).toEqual([10, 20, 33, 50]);
	});

	it('grows past its first capacity and forgets what is old', () => {
		const tail = tailOf(...Array.from({ length: 1000 }, (_, i) => i));
		expect(tail.length).toBe(1000);
		tail.trim(990);
		expect([...tail.times]).toEqual([990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
	});
});

describe('when to ask storage again', () => {
	const view = { from: 1_000_000, to: 2_000_000 };
	const asked = coverageFor(view, 500);
	const coverage = { from: asked.from, to: asked.to, resolutionMs: (asked.to - asked.from) / asked.maxPoints };

	it('does not while the view stays inside what was asked for', () => {
		expect(needsQuery(view, coverage, 500)).toBe(false);
		expect(needsQuery({ from: 1_300_000, to: 2_300_000 }, coverage, 500)).toBe(false);
	});
	it('does when the view leaves it', () => {
		expect(needsQuery({ from: 400_000, to: 1_400_000 }, coverage, 500)).toBe(true);
		expect(needsQuery({ from: 1_600_000, to: 2_600_000 }, coverage, 500)).toBe(true);
	});
	it('does when points would be wider than pixels', () => {
		expect(needsQuery({ from: 1_400_000, to: 1_900_000 }, coverage, 500)).toBe(true);
	});
	it('does not zooming in on raw data, which is as fine as it gets', () => {
		expect(needsQuery({ from: 1_400_000, to: 2_000_000 }, { ...coverage, resolutionMs: 0 }, 500)).toBe(false);
	});
});
