import { describe, expect, test } from 'vitest';
import { adjustThreshold, factorBounds, type TailLevel, type ThresholdEvidence } from '$lib/detection';

const week = 168;
const calm: ThresholdEvidence = {
	factor: 1,
	perWeek: 1,
	hoursWatched: 4 * week,
	tail: undefined,
	falsePeaks: [],
	truePeaks: []
};

const tailAt = (level: number, half = 0.1): TailLevel => ({
	...{ level, low: level - half, high: level + half },
	...{ peaks: 60, hours: 300 }
});

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
		expect(first.why).toContain('6 alarms were judged false');
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
		expect(settle({ ...calm, tail: tailAt(0.3) }).factor).toBe(factorBounds[0]);
		expect(settle({ ...calm, tail: tailAt(7) }).factor).toBe(factorBounds[1]);
	});

	test('normal running raises the threshold to where the chosen rate lies, and lowers it only as far as that is sure', () => {
		expect(settle({ ...calm, tail: tailAt(1.25) }).factor).toBeCloseTo(1.25, 1);
		expect(settle({ ...calm, tail: tailAt(0.82, 0.1) }).factor).toBeCloseTo(0.92, 1);
		expect(adjustThreshold({ ...calm, tail: tailAt(0.82, 0.2) })).toBeUndefined();
		expect(adjustThreshold({ ...calm, tail: tailAt(1.25) })!.why).toContain('60 peaks in 300 hours of normal running');
	});

	test('what verdicts have raised it above, normal running does not bring back', () => {
		// Two false alarms in a day: one week accepts one.
		const judged = { ...calm, hoursWatched: 24, falsePeaks: [1.3, 1.2] };
		const { factor } = settle(judged);
		expect(factor).toBeGreaterThan(1.3);
		const held = settle({ ...judged, factor, tail: tailAt(0.8) });
		expect(held.factor).toBeGreaterThan(1.3);
		// After two weeks both are within what is accepted.
		expect(settle({ ...judged, factor, hoursWatched: 2 * week, tail: tailAt(0.8) }).factor).toBeLessThan(1);
	});
});
