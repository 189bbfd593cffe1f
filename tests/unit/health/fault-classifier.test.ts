/** The fault classifier: learns what differs between conditions, holds whole groups out, refuses what it cannot use. */
import { describe, expect, test } from 'vitest';
import { classifyFault, trainFaultClassifier, type LabelledFeatures } from '../../../src/lib/health';

let state = 7;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
const normal = () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b, -6);

/** Four recordings a condition; `tone` differs between conditions, `room` between recordings, `noise` between samples. */
function examples(perRecording = 20): LabelledFeatures {
	const rows: Float64Array[] = [];
	const conditions: string[] = [];
	const groups: string[] = [];
	for (const [c, condition] of ['healthy', 'outer race', 'imbalance'].entries())
		for (const recording of [0, 1, 2, 3])
			for (let i = 0; i < perRecording; i++) {
				rows.push(Float64Array.of(3 * c + normal(), 10 * recording + normal(), normal(), 4));
				conditions.push(condition);
				groups.push(`${condition}-${recording}`);
			}
	return { featureIds: ['tone', 'room', 'noise', 'constant'], rows, conditions, groups };
}

describe('the fault classifier', () => {
	test('names the condition, says how sure it is and what told it', () => {
		const model = trainFaultClassifier(examples());
		expect(model.conditions).toEqual(['healthy', 'imbalance', 'outer race']);
		const found = classifyFault(model, [6, 50, 0, 4]);
		expect(found.condition).toBe('imbalance');
		expect(found.probability).toBeGreaterThan(0.7);
		expect(found.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
		expect(found.evidence[0]!.featureId).toBe('tone');
	});

	test('states its accuracy on groups that it did not learn from', () => {
		const model = trainFaultClassifier(examples());
		expect(model.heldOutAccuracy).toBeGreaterThan(0.8);
		// The same rows with conditions that only a recording tells apart: held out as a whole, it cannot know.
		const { rows, featureIds } = examples();
		const random = trainFaultClassifier({
			featureIds,
			rows: rows.map((row) => row.map((value, i) => (i === 1 ? 30 * Math.floor(5 * uniform()) : 0 * value))),
			conditions: rows.map((_, i) => (Math.floor(i / 20) % 2 === 0 ? 'one' : 'two')),
			groups: rows.map((_, i) => Math.floor(i / 20))
		});
		expect(random.heldOutAccuracy).toBeLessThan(0.7);
	});

	test('the same examples give the same model', () => {
		const set = examples();
		expect(trainFaultClassifier(set)).toEqual(trainFaultClassifier(set));
	});

	test('a model crosses a worker boundary', () => {
		const model = trainFaultClassifier(examples());
		expect(classifyFault(structuredClone(model), [0, 0, 0, 4])).toEqual(classifyFault(model, [0, 0, 0, 4]));
	});

	test('a feature that never moved is left alone when it moves later', () => {
		const model = trainFaultClassifier(examples());
		expect(classifyFault(model, [0, 0, 0, 1e9]).condition).toBe('healthy');
	});

	test('refuses, with what is wrong and where', () => {
		const set = examples(3);
		const spoilt = set.rows.map((row) => row.slice());
		spoilt[4]![2] = Number.NaN;
		expect(() => trainFaultClassifier({ ...set, rows: spoilt })).toThrow(/Sample 5: noise is not a number/);
		expect(() => trainFaultClassifier({ ...set, conditions: set.rows.map(() => 'healthy') })).toThrow(/at least two/);
		const lone = set.conditions.map((condition, i) => (i === 0 ? 'seldom' : condition));
		expect(() => trainFaultClassifier({ ...set, conditions: lone })).toThrow(/two examples of "seldom"/);
		expect(() => trainFaultClassifier({ ...set, groups: ['one'] })).toThrow(/1 groups/);
		expect(() => classifyFault(trainFaultClassifier(set), [1, 2])).toThrow(/reads 4 features; it was given 2/);
	});
});
