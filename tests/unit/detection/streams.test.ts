/** Watches of single streams: what is new is found once, what is known is not, and long ranges are compared with normal running. */
import { expect, test } from 'vitest';
import { RangeWatch, RecordWatch, anomalySequences } from '../../../src/lib/detection';

let state = 11;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
const daily = (i: number) => Math.sin(i / 23) + 0.2 * (uniform() - 0.5);

test('a stream that repeats itself is not new; a level it never had is, once', () => {
	const watch = new RecordWatch();
	const calm = Array.from({ length: 3000 }, (_, i) => watch.observe(daily(i)));
	expect(Math.max(...calm.slice(1000))).toBeLessThan(0.1);
	const shifted = Array.from({ length: 400 }, (_, i) => watch.observe(daily(i) + 3));
	const findings = shifted.filter((novelty) => novelty > 0.3);
	expect(shifted.findIndex((novelty) => novelty > 0.3)).toBeLessThan(25);
	expect(findings.length).toBeLessThan(4);
	const again = Array.from({ length: 400 }, (_, i) => watch.observe(daily(i) + 3));
	expect(Math.max(...again.slice(30))).toBeLessThan(0.3);
	expect(() => watch.observe(Number.NaN)).toThrow(/must be a number/);
});

test('a record watch uses no value that comes later', () => {
	const values = Array.from({ length: 800 }, (_, i) => daily(i) + (i > 500 ? 2 : 0));
	const all = new RecordWatch();
	const whole = values.map((value) => all.observe(value));
	const part = new RecordWatch();
	expect(values.slice(0, 600).map((value) => part.observe(value))).toEqual(whole.slice(0, 600));
});

test('a range watch knows the levels and the unrest of normal running', () => {
	const normal = Array.from({ length: 2000 }, (_, i) => 0.5 * daily(i));
	const judge = (values: readonly number[]) => {
		const watch = new RangeWatch(normal);
		watch.forgetRows();
		return values.map((value) => watch.observe(value));
	};
	const calm = judge(Array.from({ length: 700 }, (_, i) => 0.5 * daily(i)));
	const flat = judge(Array.from({ length: 1500 }, (_, i) => (i < 700 ? 0.5 * daily(i) : 0.1)));
	expect(Math.max(...calm)).toBeLessThan(0.2 * Math.max(...flat));
	const found = anomalySequences(flat, { mergeRows: 0, leastShare: 0.3 });
	expect(found.every(({ from }) => from >= 700)).toBe(true);
	expect(found[0]!.from).toBeLessThan(1100);
	expect(() => new RangeWatch(normal.slice(0, 10))).toThrow(/needs 50 values/);
});

test('findings near each other are one sequence; small ones beside a large one are left out', () => {
	const scores = [0, 2, 0, 3, 0, 0, 0, 0, 1.1, 0, 0, 0, 0, 20, 20];
	expect(anomalySequences(scores, { mergeRows: 2, leastShare: 0 })).toEqual([
		{ from: 1, to: 3, peak: 3 },
		{ from: 8, to: 8, peak: 1.1 },
		{ from: 13, to: 14, peak: 20 }
	]);
	expect(anomalySequences(scores, { mergeRows: 2, leastShare: 0.13 }).map(({ from }) => from)).toEqual([1, 13]);
	expect(anomalySequences([0, 0.5, 1], { mergeRows: 2, leastShare: 0 })).toEqual([]);
});
