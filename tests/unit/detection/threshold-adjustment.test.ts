import { describe, expect, test } from 'vitest';
import { adjustThreshold, factorBounds, returnLevel, type ThresholdEvidence } from '$lib/detection';
import { randomFrom } from '$lib/neural/random';

const week = 168;
const calm: ThresholdEvidence = {
	factor: 1,
	perWeek: 1,
	hoursWatched: 4 * week,
	hourlyPeaks: [],
	falsePeaks: [],
	truePeaks: []
};

/** Follows the advice until it has no more to say. */
function settle(evidence: ThresholdEvidence): { factor: number; steps: number } {
	let { factor } = evidence;
	for (let steps = 0; ; steps++) {
		const change = adjustThreshold({ ...evidence, factor });
		if (!change || steps === 100) return { factor, steps };
		factor = change.factor;
	}
}

describe('threshold adjustment', () => {
	test('as many false alarms as were accepted change nothing', () => {
		expect(adjustThreshold({ ...calm, falsePeaks: [1.4, 1.2, 1.1, 1.3] })).toBeUndefined();
	});

	test('more of them raise the threshold, a tenth at a time, to just above the one that is too many', () => {
		const evidence = { ...calm, falsePeaks: [1.9, 1.8, 1.7, 1.6, 1.45, 1.2] };
		const first = adjustThreshold(evidence)!;
		expect(first.factor).toBeCloseTo(1.1, 5);
		expect(first.why).toContain('6 anomalies were judged false');
		const { factor } = settle(evidence);
		expect(factor).toBeGreaterThan(1.45);
		expect(factor).toBeLessThan(1.6);
	});

	test('a confirmed fault goes on being found, whatever is judged false', () => {
		const { factor } = settle({ ...calm, falsePeaks: Array(20).fill(1.8), truePeaks: [1.3, 5] });
		expect(factor).toBeLessThan(1.3);
		expect(factor).toBeGreaterThan(1.1);
	});

	test('the factor never leaves its bounds', () => {
		expect(settle({ ...calm, falsePeaks: Array(50).fill(9) }).factor).toBe(factorBounds[1]);
		const quiet = Array.from({ length: 400 }, (_, i) => 0.1 + 0.0001 * (i % 7));
		expect(settle({ ...calm, hourlyPeaks: quiet }).factor).toBe(factorBounds[0]);
	});

	test('less than a week of running says nothing of the tail', () => {
		expect(adjustThreshold({ ...calm, hourlyPeaks: Array(100).fill(0.2) })).toBeUndefined();
	});

	test('the return level is exceeded as often as was chosen', () => {
		const random = randomFrom(7);
		const draw = () => 0.5 - 0.08 * Math.log(-Math.log(random()));
		const level = returnLevel(Array.from({ length: 672 }, draw), 7);
		let over = 0;
		for (let i = 0; i < 200 * week; i++) if (draw() > level) over++;
		expect(over / 200).toBeGreaterThan(7 / 2);
		expect(over / 200).toBeLessThan(7 * 2);
	});
});
