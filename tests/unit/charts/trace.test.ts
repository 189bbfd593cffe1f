import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { drawTrace, gapLimit, gapsWithin, lowerBound, nearestIndex, runsWithin, type Trace } from '$lib/charts/trace';

function traceOf(samples: readonly (readonly [time: number, value: number])[]): Trace {
	const times = Float64Array.from(samples, ([time]) => time);
	const values = Float64Array.from(samples, ([, value]) => value);
	return { times, min: values, max: values, mean: values, gapMs: gapLimit(times) };
}

function record() {
	const strokes: [number, number][][] = [];
	return {
		strokes,
		moveTo: (x: number, y: number) => strokes.push([[x, y]]),
		lineTo: (x: number, y: number) => strokes.at(-1)!.push([x, y])
	};
}

const everySecond = (count: number, value: (i: number) => number, from = 0) =>
	Array.from({ length: count }, (_, i) => [from + i * 1000, value(i)] as const);

describe('gaps', () => {
	it('breaks the line where samples are missing for more than four usual steps', () => {
		const trace = traceOf([...everySecond(10, () => 1), ...everySecond(10, () => 2, 20_000)]);
		expect(runsWithin(trace, 0, 40_000)).toEqual([
			[0, 10],
			[10, 20]
		]);
		expect(gapsWithin(trace, 0, 40_000)).toEqual([{ from: 9_000, to: 20_000 }]);
		const pen = record();
		drawTrace(
			pen,
			trace,
			0,
			40_000,
			(time) => time / 100,
			(value) => value
		);
		expect(pen.strokes).toHaveLength(2);
	});

	it('joins samples over one missing value of a slow series', () => {
		const trace = traceOf([0, 1, 2, 4, 5].map((i) => [i * 60_000, i]));
		expect(runsWithin(trace, 0, 300_000)).toHaveLength(1);
	});

	it('breaks at a value that is no number', () => {
		const trace = traceOf(everySecond(9, (i) => (i === 4 ? NaN : i)));
		expect(runsWithin(trace, 0, 9_000)).toEqual([
			[0, 4],
			[5, 9]
		]);
	});

	it('shows a lone sample between gaps', () => {
		const trace = traceOf([...everySecond(5, () => 1), [60_000, 7], ...everySecond(5, () => 1, 120_000)]);
		const pen = record();
		drawTrace(
			pen,
			trace,
			0,
			130_000,
			(time) => time / 1000,
			(value) => value
		);
		expect(pen.strokes.some((stroke) => stroke.some(([x, y]) => Math.abs(x - 60) <= 1 && y === 7))).toBe(true);
	});
});

describe('reduction', () => {
	it('keeps the lowest and the highest value of every pixel column', () => {
		fc.assert(
			fc.property(
				fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 400 }),
				fc.integer({ min: 3, max: 60 }),
				(values, width) => {
					const trace = traceOf(everySecond(values.length, (i) => values[i]!));
					const x = (time: number) => (time / (values.length * 1000)) * width;
					const pen = record();
					drawTrace(pen, trace, 0, values.length * 1000, x, (value) => value);
					const drawn = new Map<number, number[]>();
					for (const [px, py] of pen.strokes.flat()) {
						const column = Math.floor(px);
						drawn.set(column, [...(drawn.get(column) ?? []), py]);
					}
					const all = new Map<number, number[]>();
					values.forEach((value, i) => {
						const column = Math.floor(x(i * 1000));
						all.set(column, [...(all.get(column) ?? []), value]);
					});
					for (const [column, own] of all) {
						expect(Math.min(...drawn.get(column)!)).toBe(Math.min(...own));
						expect(Math.max(...drawn.get(column)!)).toBe(Math.max(...own));
					}
				}
			),
			{ seed: 11, numRuns: 60 }
		);
	});

	it('draws a number of points bound by the width, however many samples there are', () => {
		const trace = traceOf(everySecond(50_000, (i) => Math.sin(i)));
		const pen = record();
		drawTrace(
			pen,
			trace,
			0,
			50_000_000,
			(time) => time / 100_000,
			(value) => value
		);
		expect(pen.strokes.flat().length).toBeLessThanOrEqual(500 * 4 + 8);
	});
});

describe('looking up', () => {
	it('finds the first sample at or after a time', () => {
		expect([0, 10, 15, 99].map((time) => lowerBound([0, 10, 20], time))).toEqual([0, 1, 2, 3]);
	});
	it('finds the nearest sample, but none further away than asked', () => {
		expect(nearestIndex([0, 10, 20], 14)).toBe(1);
		expect(nearestIndex([0, 10, 20], 16)).toBe(2);
		expect(nearestIndex([0, 10, 20], 90, 50)).toBe(-1);
		expect(nearestIndex([], 5)).toBe(-1);
	});
});
