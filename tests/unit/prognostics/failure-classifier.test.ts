/** Why a failure classifier says what it says: reasons are complete, fair, and in points of the probability that is shown. */
import { describe, expect, test } from 'vitest';
import {
	sensorOfColumn,
	thresholdOfCosts,
	type RiskLstm,
	type RiskTable,
	type RiskTargetModel
} from '../../../src/lib/contracts';
import { randomFrom } from '../../../src/lib/neural/random';
import {
	alignTable,
	calibrated,
	explainTarget,
	fitLogistic,
	forestProbability,
	forestShapley,
	growForest,
	lastRows,
	riskFeatureNames,
	rowFeatures,
	rowSpecOf,
	targetProbabilities
} from '../../../src/lib/prognostics';

const features = 4;
const uniform = randomFrom(11);
const rows = Float64Array.from({ length: 400 * features }, () => uniform());
const labels = Uint8Array.from({ length: 400 }, (_, i) =>
	rows[i * features]! + 0.5 * rows[i * features + 1]! * rows[i * features + 2]! > 0.95 ? 1 : 0
);
const forest = growForest(rows, features, labels, { trees: 12, featureShare: 0.7, leastLeaf: 3, seed: 2 });
const linear = fitLogistic(rows, features, labels);
const model: RiskTargetModel = { forest, linear, forestCurve: { slope: 1.4, offset: -0.3 } };
const recurrent = lstmOf(3, 5);
const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);

/** Weights drawn, not learnt: reasons must be complete of any. */
function lstmOf(steps: number, units: number): { steps: number; lstm: RiskLstm } {
	const draw = randomFrom(5);
	const count = 4 * units * (features + units + 1) + units + 1;
	const weights = Float32Array.from({ length: count }, () => 1.5 * (draw() - 0.5));
	const half = new Float64Array(features).fill(0.5);
	return { steps, lstm: { mean: half, deviation: half, units, steps, weights, curve: { slope: 1.4, offset: -0.3 } } };
}

test('the last rows of a machine are what an LSTM reads; the first stands for those before it', () => {
	const three = Float64Array.of(1, 2, 3, 4, 5, 6);
	expect([...lastRows(three, 2, 2)]).toEqual([3, 4, 5, 6]);
	expect([...lastRows(three, 2, 4)]).toEqual([1, 2, 1, 2, 3, 4, 5, 6]);
});

/** What a tree says when only these features are known: the others are averaged over as its rows went. */
function known(tree: (typeof forest.trees)[number], row: number, subset: ReadonlySet<number>, node = 0): number {
	const feature = tree.feature[node]!;
	if (feature < 0) return tree.share[node]!;
	const left = tree.left[node]!;
	if (subset.has(feature))
		return known(tree, row, subset, rows[row * features + feature]! <= tree.threshold[node]! ? left : left + 1);
	return (
		(tree.cover[left]! * known(tree, row, subset, left) + tree.cover[left + 1]! * known(tree, row, subset, left + 1)) /
		tree.cover[node]!
	);
}

function shapleyByDefinition(row: number, feature: number): number {
	const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
	const others = [0, 1, 2, 3].filter((f) => f !== feature);
	let value = 0;
	for (let mask = 0; mask < 1 << others.length; mask++) {
		const subset = new Set(others.filter((_, k) => mask & (1 << k)));
		const weight = (factorial(subset.size) * factorial(features - subset.size - 1)) / factorial(features);
		const gain = forest.trees.map((tree) => known(tree, row, new Set([...subset, feature])) - known(tree, row, subset));
		value += (weight * sum(gain)) / forest.trees.length;
	}
	return value;
}

describe('reasons', () => {
	test('of a forest are its Shapley values, as their definition gives them', () => {
		for (const row of [0, 17, labels.indexOf(1)])
			for (let f = 0; f < features; f++)
				expect(forestShapley(forest, rows, row).byFeature[f]).toBeCloseTo(shapleyByDefinition(row, f), 9);
	});

	test('are complete: with the base they sum to the probability', () => {
		for (let row = 0; row < 400; row += 7) {
			const raw = forestShapley(forest, rows, row);
			expect(raw.base + sum(raw.byFeature)).toBeCloseTo(forestProbability(forest, rows, row), 9);
			for (const method of ['forest', 'linear'] as const) {
				const { base, byFeature } = explainTarget(model, method, rows, row);
				expect(base + sum(byFeature)).toBeCloseTo(targetProbabilities(model, method, rows, 400)[row]!, 9);
			}
		}
	});

	test('of an LSTM are complete too, over all rows that it reads, and fall to what differs from the mean row', () => {
		const { steps, lstm } = recurrent;
		// Only the second feature, and only before the row that is told, is not as usual.
		const window = Float64Array.from({ length: steps * features }, (_, k) => (k === 1 || k === features + 1 ? 2 : 0.5));
		const said = targetProbabilities({ ...model, lstm }, 'lstm', window, 1)[0]!;
		const { base, byFeature } = explainTarget({ ...model, lstm }, 'lstm', window, 0);
		const usual = targetProbabilities({ ...model, lstm }, 'lstm', new Float64Array(steps * features).fill(0.5), 1)[0]!;
		expect(said).not.toBeCloseTo(usual, 3);
		expect(base).toBeCloseTo(usual, 6);
		expect(base + sum(byFeature)).toBeCloseTo(said, 6);
		expect([...byFeature].map((part) => part !== 0)).toEqual([false, true, false, false]);
	});

	test('keep sign and order through the calibration', () => {
		const row = labels.indexOf(1);
		const raw = forestShapley(forest, rows, row).byFeature;
		const shown = explainTarget(model, 'forest', rows, row).byFeature;
		expect(shown.map(Math.sign)).toEqual(raw.map(Math.sign));
		expect(targetProbabilities(model, 'forest', rows, 400)[row]).toBe(
			calibrated(model.forestCurve, forestProbability(forest, rows, row))
		);
	});
});

test('the threshold is where a visit costs as much as leaving it', () => {
	const costs = { missed: 9_000, needless: 1_000 };
	const threshold = thresholdOfCosts(costs);
	expect(threshold).toBeCloseTo(0.1, 12);
	expect(threshold * costs.missed).toBeCloseTo((1 - threshold) * costs.needless, 9);
	expect(thresholdOfCosts({ missed: 1, needless: 1 })).toBe(0.5);
});

test('a column with its unit is read from the sensor of that name', () => {
	expect(['Torque [Nm]', 'flow (l/min)', 'speed'].map(sensorOfColumn)).toEqual(['Torque', 'flow', 'speed']);
});

describe('features of a row', () => {
	const table: RiskTable = {
		inputs: [{ name: 'kind', categories: ['L', 'M'] }, { name: 'torque' }, { name: 'speed' }],
		values: Float64Array.from([0, 40, 1500, 1, 50, 1400, 0, Number.NaN, 1300]),
		ids: ['a', 'b', 'c'],
		labels: Uint8Array.from([0, 1, 0]),
		modes: []
	};
	const spec = rowSpecOf(table, true);
	const named = (values: Float64Array, row: number) => {
		const names = riskFeatureNames(spec);
		return Object.fromEntries(names.map((name, f) => [name, values[row * names.length + f]]));
	};

	test('are numbers, words as 0/1, products and differences; what is unknown is the median', () => {
		const values = rowFeatures(spec, table.values, 3);
		expect(named(values, 1)).toEqual({
			'kind is L': 0,
			'kind is M': 1,
			torque: 50,
			speed: 1400,
			'torque × speed': 70_000,
			'torque − speed': -1350
		});
		expect(named(values, 2)['torque']).toBe(50);
	});

	test('are found by name in another table, words by their word; what is lacking is named', () => {
		const other: RiskTable = {
			...table,
			inputs: [{ name: 'speed' }, { name: 'kind', categories: ['M', 'X'] }, { name: 'torque' }],
			values: Float64Array.from([1, 0, 2, 3, 1, 4]),
			ids: ['x', 'y']
		};
		expect([...alignTable(spec, other)]).toEqual([1, 2, 1, Number.NaN, 4, 3]);
		expect(() => alignTable(spec, { ...other, inputs: other.inputs.slice(0, 2) })).toThrow(/not there: torque/);
	});
});
