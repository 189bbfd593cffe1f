/** A failure classifier looked back on: what a threshold catches and costs, and what its words say. */
import { describe, expect, test } from 'vitest';
import {
	defaultRiskCosts,
	thresholdOfCosts,
	type FailureModelVersion,
	type RiskPrediction
} from '../../../src/lib/contracts';
import { randomFrom } from '../../../src/lib/neural/random';
import { atThreshold, cheapest, everyThreshold, rankedOutcomes } from '../../../src/lib/state/prognostics/risk-figures';
import { fleetErrors, rowMappingErrors, withRowRole } from '../../../src/lib/state/prognostics/risk-files.svelte';
import { predictionsCsv, whyWords } from '../../../src/lib/state/prognostics/risk-words';

const costs = { missed: 100, needless: 10 };

describe('costs by threshold', () => {
	const ranked = rankedOutcomes([0.9, 0.2, Number.NaN, 0.6, 0.1], [1, 1, 1, 0, 0]);

	test('count what is caught, missed and visited for nothing; rows that were not judged are left out', () => {
		expect(atThreshold(ranked, 0.5, costs)).toEqual({
			threshold: 0.5,
			caught: 1,
			missed: 1,
			needless: 1,
			precision: 0.5,
			recall: 0.5,
			cost: (1000 * 110) / 4
		});
	});

	test('from never a visit to always one; the cheapest is the least of all', () => {
		const every = everyThreshold(ranked, costs);
		expect(every[0]).toMatchObject({ caught: 0, missed: 2, needless: 0 });
		expect(every.at(-1)).toMatchObject({ caught: 2, missed: 0, needless: 2 });
		expect(cheapest(every)).toMatchObject({ caught: 2, needless: 1, threshold: 0.2 });
	});

	test('where probabilities mean what they say, the threshold of the costs is as cheap as any, dearer failures lower it', () => {
		const random = randomFrom(2);
		const said = Array.from({ length: 20_000 }, () => random() ** 3);
		const came = said.map((p) => (random() < p ? 1 : 0));
		const rows = rankedOutcomes(said, came);
		for (const of of [costs, { missed: 30, needless: 10 }]) {
			const own = atThreshold(rows, thresholdOfCosts(of), of).cost;
			expect(own).toBeLessThan(1.03 * cheapest(everyThreshold(rows, of)).cost);
			expect(own).toBeLessThan(Math.min(everyThreshold(rows, of)[0]!.cost, everyThreshold(rows, of).at(-1)!.cost));
		}
		expect(thresholdOfCosts({ missed: 1000, needless: 10 })).toBeLessThan(thresholdOfCosts(costs));
	});
});

describe('mapping', () => {
	const mapping = {
		delimiter: ',',
		idColumn: 'id',
		unitColumn: '',
		orderColumn: '',
		inputs: ['a', 'b'],
		label: 'failed',
		modes: ['wear']
	};

	test('a column has one meaning: making it the label takes it from the inputs', () => {
		const next = withRowRole(mapping, ['id', 'a', 'b', 'failed', 'wear'], 'b', 'label');
		expect(next).toMatchObject({ label: 'b', inputs: ['a'], modes: ['wear'] });
		expect(withRowRole(next, ['id', 'a', 'b', 'failed', 'wear'], 'failed', 'input').inputs).toEqual(['a', 'failed']);
	});

	test('what stands in the way is said', () => {
		expect(rowMappingErrors(mapping, true)).toEqual([]);
		expect(rowMappingErrors({ ...mapping, label: '', inputs: ['a', 'wear'] }, true)).toEqual([
			'Choose the column that says whether a row failed.',
			'"wear" says that or how a row failed: it is the answer, and cannot be an input as well.'
		]);
		const telemetry = {
			role: 'telemetry',
			delimiter: ',',
			machineColumn: 'machine',
			timeColumn: '',
			kindColumn: '',
			values: ['volt']
		} as const;
		expect(fleetErrors([{ file: { name: 't.csv' }, mapping: telemetry }], true)).toEqual([
			'One of the files must be the log of failures.',
			't.csv: choose the column that holds the time.'
		]);
	});
});

test('predictions as a file: one line each, what holds a comma quoted, the reasons in words', () => {
	const prediction: RiskPrediction = {
		id: 'L1,a',
		probabilities: [0.5],
		modes: [{ name: 'wear', probability: 0.4 }],
		base: 0.03,
		rest: 0.01,
		reasons: [
			{ feature: 'torque × wear', value: 13_220, points: 0.45, above: 1 },
			{ feature: 'Type is L', value: 1, points: 0.01, above: 0.4 }
		]
	};
	const version = {
		features: { kind: 'rows' },
		targets: [{}],
		thresholds: [thresholdOfCosts(defaultRiskCosts)],
		modes: [{ name: 'wear' }]
	} as unknown as FailureModelVersion;
	expect(whyWords(prediction)).toBe(
		'torque × wear: 13220, higher than 99 % of what was learnt from (+45.0 points); Type is L (+1.0 points)'
	);
	expect(predictionsCsv(version, [prediction]).split('\r\n')).toEqual([
		'row,probability of failure,visit worth it,probability of wear,why',
		'"L1,a",0.5000,yes,0.4000,"torque × wear: 13220, higher than 99 % of what was learnt from (+45.0 points); Type is L (+1.0 points)"',
		''
	]);
});
