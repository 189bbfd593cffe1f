/** Failure probability: the forest, the logistic regression and the figures that judge them. */
import { describe, expect, test } from 'vitest';
import { normalFrom, randomFrom } from '../../../src/lib/neural/random';
import {
	averagePrecision,
	bestF1Threshold,
	brierScore,
	f1At,
	fitLogistic,
	forestContributions,
	forestProbability,
	growForest,
	logisticProbability,
	reliability
} from '../../../src/lib/prognostics';

const options = { trees: 40, featureShare: 0.7, leastLeaf: 1, seed: 3 };

/** Fails where two of three features are both high: what no line can say. */
function corner(count: number, seed: number) {
	const uniform = randomFrom(seed);
	const rows = Float64Array.from({ length: count * 3 }, () => uniform());
	const labels = Uint8Array.from({ length: count }, (_, i) => (rows[i * 3]! > 0.7 && rows[i * 3 + 1]! > 0.6 ? 1 : 0));
	return { rows, labels };
}

describe('forest', () => {
	const train = corner(1500, 1);
	const forest = growForest(train.rows, 3, train.labels, options);

	test('tells rows it has not seen', () => {
		const fresh = corner(500, 2);
		const said = Float64Array.from(fresh.labels, (_, i) => forestProbability(forest, fresh.rows, i));
		expect(f1At(said, fresh.labels, 0.5)).toBeGreaterThan(0.93);
	});

	test('what each feature added sums to the probability, and the one that says nothing adds least', () => {
		const failing = train.labels.indexOf(1);
		const { base, byFeature } = forestContributions(forest, train.rows, failing);
		const sum = base + byFeature.reduce((total, value) => total + value, 0);
		expect(sum).toBeCloseTo(forestProbability(forest, train.rows, failing), 9);
		expect(Math.abs(byFeature[2]!)).toBeLessThan(Math.min(byFeature[0]!, byFeature[1]!));
	});

	test('the same seed grows the same trees; out-of-bag is not the training fit', () => {
		const again = growForest(train.rows, 3, train.labels, options);
		expect(again.trees).toEqual(forest.trees);
		const noise = normalFrom(5);
		const nothing = Float64Array.from({ length: 600 }, () => noise());
		const coin = randomFrom(6);
		const labels = Uint8Array.from({ length: 300 }, () => (coin() < 0.5 ? 1 : 0));
		const blind = growForest(nothing, 2, labels, options);
		expect(brierScore(blind.outOfBag, labels)).toBeGreaterThan(0.2);
	});

	test('splits between numbers that nothing lies between', () => {
		const low = 10.5;
		const high = low + 2 ** -49;
		const values = Float64Array.from({ length: 80 }, (_, i) => (i % 2 === 0 ? low : high));
		const grown = growForest(
			values,
			1,
			Uint8Array.from(values, (value) => (value === high ? 1 : 0)),
			options
		);
		for (const { share } of grown.trees) expect([...share].every(Number.isFinite)).toBe(true);
		expect(forestProbability(grown, values, 0)).toBe(0);
		expect(forestProbability(grown, values, 1)).toBe(1);
	});

	test('refuses what cannot be learnt from, by name', () => {
		expect(() =>
			growForest(
				train.rows,
				3,
				train.labels.map(() => 0),
				options
			)
		).toThrow(/same label/);
		expect(() => growForest(train.rows.slice(1), 3, train.labels, options)).toThrow(/Expected 1500 rows of 3/);
		const broken = train.rows.slice();
		broken[7] = NaN;
		expect(() => growForest(broken, 3, train.labels, options)).toThrow(/Row 3, feature 2/);
	});
});

describe('logistic regression', () => {
	test('finds the odds that made the labels', () => {
		const uniform = randomFrom(7);
		const normal = normalFrom(8);
		const rows = Float64Array.from({ length: 8000 }, () => 5 + 2 * normal());
		const odds = (i: number) => 1 / (1 + Math.exp(-(0.8 * (rows[2 * i]! - 5) - 0.4 * (rows[2 * i + 1]! - 5) - 1)));
		const labels = Uint8Array.from({ length: 4000 }, (_, i) => (uniform() < odds(i) ? 1 : 0));
		const fitted = fitLogistic(rows, 2, labels, 0.01);
		let most = 0;
		for (let i = 0; i < 4000; i++) most = Math.max(most, Math.abs(logisticProbability(fitted, rows, i) - odds(i)));
		expect(most).toBeLessThan(0.08);
	});
});

describe('figures', () => {
	test('average precision, F1 and its threshold, Brier and reliability of a small case by hand', () => {
		const said = [0.9, 0.8, 0.7, 0.1];
		const came = [1, 0, 1, 0];
		expect(averagePrecision(said, came)).toBeCloseTo((1 + 2 / 3) / 2, 12);
		expect(f1At(said, came, 0.5)).toBeCloseTo(0.8, 12);
		expect(f1At(said, came, bestF1Threshold(said, came))).toBeCloseTo(0.8, 12);
		expect(brierScore(said, came)).toBeCloseTo((0.01 + 0.64 + 0.09 + 0.01) / 4, 12);
		expect(reliability([0.05, 0.05, 0.95], [0, 1, 1])).toEqual([
			{ said: 0.05, came: 0.5, count: 2 },
			{ said: 0.95, came: 1, count: 1 }
		]);
	});
});
