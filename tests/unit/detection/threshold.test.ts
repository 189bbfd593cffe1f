/** Thresholds and smoothing: what normal noise does not reach, what a drift does. */
import { describe, expect, it } from 'vitest';
import { ResidualTracker, combine, learnThreshold, paretoLevel } from '$lib/detection';

/** Seeded normal deviates (Box-Muller over a linear congruential generator). */
function noise(seed: number): () => number {
	let state = seed;
	const uniform = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
	return () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
}

describe('paretoLevel', () => {
	it('finds the far tail of a known distribution from a sample', () => {
		let state = 7;
		const uniform = () => (state = (state * 16807) % 2147483647) / 2147483647;
		const exponential = Array.from({ length: 20_000 }, () => -Math.log(1 - uniform()));
		// P(X > x) = exp(-x): the level of 1e-5 is 11.5.
		expect(paretoLevel(exponential, 1e-5)).toBeGreaterThan(9);
		expect(paretoLevel(exponential, 1e-5)).toBeLessThan(15);
	});
	it('says so when there is too little to fit', () => {
		expect(paretoLevel([1, 2, 3], 1e-6)).toBeNaN();
	});
});

describe('learnThreshold', () => {
	it('lies above everything normal, and further above when there is less of it', () => {
		const draw = noise(3);
		const values = Array.from({ length: 20_000 }, () => Math.abs(draw()));
		const long = learnThreshold(values, 0.05);
		const short = learnThreshold(values.slice(0, 120), 0.05);
		expect(long).toBeGreaterThan(Math.max(...values));
		expect(short / Math.max(...values.slice(0, 120))).toBeGreaterThan(long / Math.max(...values));
	});
});

describe('ResidualTracker', () => {
	const kinds = [
		{ kind: 'bias', smoothing: 0.05 },
		{ kind: 'energy', smoothing: 0.05 }
	] as const;
	it('is not moved by a spike, however large, and is by a lasting shift', () => {
		const tracker = new ResidualTracker(kinds, 1);
		const draw = noise(5);
		for (let i = 0; i < 300; i++) tracker.update([i === 200 ? 1e6 : draw()]);
		expect(Math.abs(tracker.smoothed[0]![0]!)).toBeLessThan(0.6);
		for (let i = 0; i < 60; i++) tracker.update([2 + draw()]);
		expect(tracker.smoothed[0]![0]).toBeGreaterThan(1.4);
	});
	it('sees unrest that has no bias', () => {
		const tracker = new ResidualTracker(kinds, 1);
		for (let i = 0; i < 200; i++) tracker.update([i % 2 ? 4 : -4]);
		expect(tracker.smoothed[1]![0]).toBeGreaterThan(10);
	});
	it('leaves a sensor alone while nothing is known of it', () => {
		const tracker = new ResidualTracker(kinds, 2);
		for (let i = 0; i < 50; i++) tracker.update([3, 3]);
		const before = tracker.smoothed[0]![1]!;
		for (let i = 0; i < 50; i++) tracker.update([0, Number.NaN]);
		expect(tracker.smoothed[0]![1]).toBe(before);
		expect(tracker.smoothed[0]![0]).toBeLessThan(before);
	});
});

describe('combine', () => {
	it('lets one sensor far off count, and does not add up small noise of many', () => {
		expect(combine([8, 0, 0, 0, 0, 0, 0, 0])).toBeGreaterThan(4.5);
		expect(combine(Array.from({ length: 100 }, () => 1))).toBeCloseTo(1);
	});
});
