/** Readings to aligned rows: the clock, held values, breaks, and that stored and live data give the same rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Quality } from '$lib/contracts';
import { Resampler, alignColumns, learnStep, splitSegments, type SampleColumn } from '$lib/manipulation';

const sensorNames = ['flow', 'speed'];
const column = (samples: readonly (readonly [number, number])[]): SampleColumn => ({
	times: Float64Array.from(samples, ([time]) => time),
	mean: Float64Array.from(samples, ([, value]) => value),
	qualities: new Uint8Array(samples.length)
});

describe('learnStep', () => {
	it('finds the usual interval in spite of jitter, gaps and order', () => {
		expect(learnStep([0, 1001, 1998, 3002, 4000, 9000, 10_000])).toBe(1000);
		expect(learnStep([400, 0, 100, 200, 300])).toBe(100);
		expect(learnStep([0, 600_000, 1_200_000])).toBe(600_000);
	});
	it('stays within 0.1 s and 1 h, and gives nothing for too little', () => {
		expect(learnStep([0, 10, 20, 30])).toBe(100);
		expect(learnStep([0, 1e8, 2e8, 3e8])).toBe(3_600_000);
		expect(learnStep([0, 1000])).toBeUndefined();
		expect(learnStep([5, 5, 5, 5])).toBeUndefined();
	});
});

describe('Resampler', () => {
	it('gives a row out as soon as every sensor has reported', () => {
		const resampler = new Resampler({ sensorNames, stepMs: 1000 });
		resampler.push(0, 5_250, 1, Quality.good);
		expect(resampler.take()).toEqual([]);
		resampler.push(1, 5_250, 2, Quality.good);
		expect(resampler.take().map(({ time, values }) => [time, ...values])).toEqual([[5_250, 1, 2]]);
	});

	it('holds a value for a few steps, then knows nothing of it', () => {
		const resampler = new Resampler({ sensorNames, stepMs: 1000, holdSteps: 2 });
		resampler.push(0, 0, 1, Quality.good);
		resampler.push(1, 0, 7, Quality.good);
		for (let step = 1; step <= 4; step++) resampler.push(0, step * 1000, 1 + step, Quality.good);
		resampler.flush();
		expect(resampler.take().map(({ values }) => values[1])).toEqual([7, 7, 7, NaN, NaN]);
	});

	it('bridges a short silence and breaks the stream at a long one', () => {
		const resampler = new Resampler({ sensorNames: ['flow'], stepMs: 1000, gapSteps: 3 });
		for (const time of [0, 1000, 3000, 10_000, 11_000]) resampler.push(0, time, time, Quality.good);
		const rows = resampler.take();
		expect(rows.map(({ time }) => time)).toEqual([0, 1000, 2000, 3000, 10_000, 11_000]);
		expect(rows.map(({ breakBefore }) => breakBefore)).toEqual([true, false, false, false, true, false]);
		expect(rows[2]!.values[0]).toBe(1000);
	});

	it('leaves out what is bad, not a number, or later than its row', () => {
		const resampler = new Resampler({ sensorNames: ['flow'], stepMs: 1000 });
		resampler.push(0, 0, 1, Quality.good);
		resampler.push(0, 1000, 99, Quality.bad);
		resampler.push(0, 1000, 98, Quality.uncertain);
		resampler.push(0, 1000, Number.NaN, Quality.good);
		resampler.push(0, 2000, 3, Quality.good);
		resampler.push(0, 0, 50, Quality.good);
		expect(resampler.take().map(({ values }) => values[0])).toEqual([1, 1, 3]);
	});

	it('makes the same rows of stored columns as of live readings, however they are grouped', () => {
		const samples = fc.array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: -5, max: 5 })), {
			maxLength: 60
		});
		fc.assert(
			fc.property(samples, samples, fc.integer({ min: 1, max: 20 }), (a, b, group) => {
				const byTime = (list: readonly (readonly [number, number])[]) =>
					[...new Map(list)].map(([t, v]) => [t, v] as const).sort((x, y) => x[0] - y[0]);
				const columns = [byTime(a), byTime(b)];
				const stored = alignColumns({ sensorNames, stepMs: 1000 }, columns.map(column));
				const live = new Resampler({ sensorNames, stepMs: 1000 });
				const readings = columns
					.flatMap((list, sensor) => list.map(([time, value]) => ({ sensor, time, value })))
					.sort((x, y) => x.time - y.time || x.sensor - y.sensor);
				const rows = [];
				for (let i = 0; i < readings.length; i += group) {
					for (const { sensor, time, value } of readings.slice(i, i + group))
						live.push(sensor, time, value, Quality.good);
					rows.push(...live.take());
				}
				live.flush();
				rows.push(...live.take());
				expect(rows).toEqual(stored);
				for (let i = 1; i < rows.length; i++) {
					const steps = (rows[i]!.time - rows[i - 1]!.time) / 1000;
					expect(rows[i]!.breakBefore).toBe(steps > 1);
					expect(steps).toBeGreaterThanOrEqual(1);
				}
			})
		);
	});
});

describe('splitSegments', () => {
	it('cuts at breaks and unknown values and leaves out what is too short', () => {
		const row = (value: number, breakBefore = false) => ({ time: 0, values: Float32Array.of(value), breakBefore });
		const rows = [row(1, true), row(2), row(3), row(NaN), row(4), row(5), row(6), row(7, true), row(8)];
		expect(splitSegments(rows, 3).map((segment) => segment.map(({ values }) => values[0]))).toEqual([
			[1, 2, 3],
			[4, 5, 6]
		]);
	});
});
