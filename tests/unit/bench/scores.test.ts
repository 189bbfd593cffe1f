/** Scores of the benchmarks on verdicts whose worth is known. */
import { describe, expect, it } from 'vitest';
import { changepointScore, countChangepoints } from '../../bench/scores/changepoint-score';
import { countRows, rowScore } from '../../bench/scores/row-score';

const times = Array.from({ length: 400 }, (_, r) => r * 1000);
const changepoints = times.map((_, r) => (r === 100 || r === 250 ? 1 : 0));
const between = (from: number, to: number) => times.map((_, r) => (r >= from && r < to ? 1 : 0));
const none = () => ({ score: 0, windows: 0, missed: 0, falsePositives: 0 });

describe('changepoint score', () => {
	it('gives 100 to flips at the changepoints, 0 to silence, less to late flips and to false ones', () => {
		const scoreOf = (flags: number[]) => changepointScore(countChangepoints(times, flags, changepoints, none()));
		expect(scoreOf(between(100, 250))).toBeCloseTo(100);
		expect(scoreOf(between(0, 0))).toBe(0);
		const late = scoreOf(between(130, 280));
		expect(late).toBeGreaterThan(50);
		expect(late).toBeLessThan(80);
		const withFalse = between(100, 250).map((flag, r) => (r === 20 ? 1 : flag));
		expect(scoreOf(withFalse)).toBeCloseTo(100 - (100 * 2 * 0.11) / 4);
	});
	it('counts a first row that is already flagged as a flip, and what was missed', () => {
		const counts = countChangepoints(times, between(0, 400), changepoints, none());
		expect(counts).toMatchObject({ windows: 2, missed: 2, falsePositives: 1 });
	});
});

describe('row score', () => {
	it('is F1, FAR and MAR of pooled rows', () => {
		const counts = countRows([1, 1, 0, 0], [1, 0, 1, 0], { tp: 0, fp: 0, tn: 0, fn: 0 });
		expect(rowScore(counts)).toEqual({ f1: 0.5, far: 50, mar: 50, j: 0 });
	});
});
