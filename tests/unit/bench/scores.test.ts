/** Scores of the benchmarks on verdicts whose worth is known. */
import { describe, expect, it } from 'vitest';
import { changepointScore, countChangepoints } from '../../bench/scores/changepoint-score';
import { nabProfiles, nabScore } from '../../bench/scores/nab-score';
import { countOverlaps, overlapScore } from '../../bench/scores/overlap-score';
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

describe('score of streams', () => {
	const score = (flags: readonly number[]) =>
		nabScore(
			[
				{
					scores: Array.from({ length: 1000 }, (_, r) => (flags.includes(r) ? 0.9 : 0)),
					windows: [[400, 499]],
					probation: 150
				}
			],
			nabProfiles.standard
		);

	it('is 100 for the first row of the window, 0 for silence, and less for later and for false flags', () => {
		expect(score([400]).score).toBeCloseTo(100);
		expect(score([]).score).toBe(0);
		expect(score([450]).score).toBeLessThan(95);
		// One false alarm before the window costs 0.11 of the two that a window is worth.
		expect(score([400, 300]).score).toBeCloseTo(100 - 5.5);
		// Probation is not scored.
		expect(score([400, 100]).score).toBeCloseTo(100);
		expect(score([300, 301]).score).toBe(0);
	});
});

describe('overlap counting', () => {
	it('counts a label once however many sequences meet it, and each sequence that meets none', () => {
		const counts = { hits: 0, falseAlarms: 0, misses: 0 };
		countOverlaps(
			[
				[5, 10],
				[12, 15],
				[90, 95]
			],
			[
				[10, 13],
				[50, 60]
			],
			counts
		);
		expect(counts).toEqual({ hits: 1, falseAlarms: 1, misses: 1 });
		expect(overlapScore(counts).f1).toBeCloseTo(0.5);
	});
});
