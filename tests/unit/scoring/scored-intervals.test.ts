/** What has been scored and what is missing: held against a plain set of seconds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addInterval, missingIntervals, type Interval } from '$lib/workers/inference/scored-intervals';
import { baseAddress } from '$lib/workers/model-source';

describe('addInterval and missingIntervals', () => {
	it('agree with a set of steps, in whatever order stretches are scored', () => {
		const stretch = fc.tuple(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 15 }));
		fc.assert(
			fc.property(fc.array(stretch, { maxLength: 12 }), (stretches) => {
				let intervals: Interval[] = [];
				const scored = new Set<number>();
				for (const [from, length] of stretches) {
					intervals = addInterval(intervals, [from * 1000, (from + length) * 1000], 1000);
					for (let step = from; step <= from + length; step++) scored.add(step);
				}
				for (let i = 1; i < intervals.length; i++)
					expect(intervals[i]![0] - intervals[i - 1]![1]).toBeGreaterThan(1000);
				const covered = (step: number) => intervals.some(([a, b]) => step * 1000 >= a && step * 1000 <= b);
				for (let step = 0; step < 100; step++) expect(covered(step)).toBe(scored.has(step));
				const missing = missingIntervals(intervals, 0, 99_000, 1000);
				for (let step = 0; step < 100; step++) {
					const inside = missing.some(([a, b]) => step * 1000 > a && step * 1000 < b);
					if (inside) expect(scored.has(step)).toBe(false);
				}
				for (let i = 1; i < missing.length; i++) expect(missing[i]![1]).toBeLessThanOrEqual(missing[i - 1]![0]);
			})
		);
	});
	it('calls no gap what is shorter than the slack', () => {
		expect(
			missingIntervals(
				[
					[0, 10_000],
					[10_900, 20_000]
				],
				0,
				20_500,
				1000
			)
		).toEqual([]);
	});
});

describe('baseAddress', () => {
	it('finds the app from the address of a worker script, built or served for development', () => {
		expect(baseAddress('https://plant.example/app/_app/immutable/workers/inference-abc.js')).toBe(
			'https://plant.example/app/'
		);
		expect(baseAddress('http://localhost:5173/src/lib/workers/inference.worker.ts?worker_file&type=module')).toBe(
			'http://localhost:5173/'
		);
		expect(baseAddress('http://localhost:5173/@fs/home/x/src/lib/workers/inference.worker.ts')).toBe(
			'http://localhost:5173/'
		);
	});
});
