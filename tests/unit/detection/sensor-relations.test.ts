/** What the other sensors explain of one, learnt on individuals that differ. */
import { expect, test } from 'vitest';
import { learnSensorRelations } from '../../../src/lib/detection/own-level/learn-sensor-relations';
import { SensorRelationTerms, relate } from '../../../src/lib/detection/own-level/sensor-relations';

let state = 11;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
const noise = () => uniform() + uniform() - 1;

/** Sensor 0's residual goes with the square of sensor 1's value, which wanders; individuals have an offset each. */
function machine(offset: number) {
	let load = 0;
	return () => {
		load = 0.99 * load + 0.2 * noise();
		return { residuals: [offset + 2 * load * load + 0.1 * noise(), 0.1 * noise()], scaled: [0, load] };
	};
}

const relations = learnSensorRelations(2, (visit, begin) => {
	for (let individual = 0; individual < 12; individual++) {
		begin();
		const next = machine(3 * noise());
		for (let r = 0; r < 2000; r++) {
			const { residuals, scaled } = next();
			visit(residuals, scaled, false);
		}
	}
});

function spreadLeft(change: number): { mean: number; deviation: number } {
	const next = machine(0);
	const terms = new SensorRelationTerms(2, relations);
	const left: number[] = [];
	const out = new Float64Array(2);
	for (let r = 0; r < 2000; r++) {
		const { residuals, scaled } = next();
		residuals[0]! += change;
		terms.notice(scaled);
		relate(relations, residuals, terms.update(residuals, scaled), out);
		left.push(out[0]!);
	}
	const mean = left.reduce((sum, value) => sum + value, 0) / left.length;
	return { mean, deviation: Math.sqrt(left.reduce((sum, value) => sum + (value - mean) ** 2, 0) / left.length) };
}

test('what load explains of a residual is gone, what the sensor does by itself stays', () => {
	const healthy = spreadLeft(0);
	// Noise alone has 0.04; the load's square, untouched, some 0.5.
	expect(healthy.deviation).toBeLessThan(0.15);
	expect(spreadLeft(1).mean - healthy.mean).toBeCloseTo(1, 1);
});

test('a sensor never explains itself; individuals that differ much leave little to being of the class', () => {
	for (let kind = 0; kind < 7; kind++)
		for (const sensor of [0, 1]) expect(relations.weights[sensor]![kind * 2 + sensor]).toBe(0);
	expect(relations.priorRows[0]!).toBeLessThan(relations.priorRows[1]!);
});

test('slow means begin with a row that counts, and go on through a stop', () => {
	/** Behind residuals, values and squares. */
	const at = 3 * 2;
	const terms = new SensorRelationTerms(2, { slowSmoothings: [0.1] });
	// Inrush.
	for (let r = 0; r < 5; r++) terms.notice([4, 4]);
	const slow = () => terms.update([0, 0], [1, 1])[at]!;
	terms.notice([1, 1]);
	expect(slow()).toBe(1);
	terms.notice([-4, -4]);
	terms.notice([1, 1]);
	expect(slow()).toBeCloseTo(0.9 * (1 - 0.5) + 0.1, 6);
});
