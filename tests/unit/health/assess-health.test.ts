/** Health index, grades with hysteresis, and the spans of being unwell. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnomalySpan, DetectedState, HealthGrade } from '$lib/contracts';
import { assessHealth, healthIndex, initialHealth, spanEndSteps, type HealthState } from '$lib/health';
import { gradeOf } from '$lib/contracts';

const stepMs = 1000;
const detected = (step: number, score: number, unscored?: DetectedState['unscored']): DetectedState => ({
	machineId: 'plant/pump',
	time: step * stepMs,
	modelId: 'm',
	score: unscored ? Number.NaN : score,
	anomalous: !unscored && score >= 1,
	unscored,
	mode: 'running',
	deviations: [{ sensorName: 'flow', share: 1, actual: 1, expected: 2, band: 0.1 }]
});

function play(scores: readonly (number | 'stopped')[]) {
	let state: HealthState = initialHealth;
	const spans = new Map<string, AnomalySpan>();
	const reports = scores.map((score, step) => {
		const assessed = assessHealth(
			state,
			score === 'stopped' ? detected(step, 0, 'stopped') : detected(step, score),
			stepMs
		);
		state = assessed.state;
		if (assessed.span) spans.set(assessed.span.id, assessed.span);
		return assessed.report;
	});
	return { reports, spans: [...spans.values()] };
}
const steady = <T>(value: T, steps: number) => Array.from({ length: steps }, () => value);

describe('healthIndex', () => {
	it('is 100 as trained, 80 at the threshold, and only falls with the score', () => {
		expect(healthIndex(0)).toBe(100);
		expect(healthIndex(1)).toBe(80);
		expect(healthIndex(2)).toBe(50);
		expect(healthIndex(Number.NaN)).toBeNaN();
		fc.assert(
			fc.property(fc.double({ min: 0, max: 50, noNaN: true }), fc.double({ min: 0, max: 50, noNaN: true }), (a, b) => {
				expect(healthIndex(Math.max(a, b))).toBeLessThanOrEqual(healthIndex(Math.min(a, b)));
			})
		);
	});
});

describe('gradeOf', () => {
	it('grades by the index, and needs 3 points more to get better', () => {
		expect(gradeOf(80, 'unknown')).toBe('good');
		expect(gradeOf(79.9, 'good')).toBe('watch');
		expect(gradeOf(81, 'watch')).toBe('watch');
		expect(gradeOf(83, 'watch')).toBe('good');
		expect(gradeOf(95, 'critical')).toBe('good');
		expect(gradeOf(29, 'good')).toBe('critical');
		expect(gradeOf(Number.NaN, 'good')).toBe('unknown');
	});
	it('does not flap on an index that wavers by a point', () => {
		fc.assert(
			fc.property(
				fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 20, maxLength: 60 }),
				fc.constantFrom(80, 60, 30),
				(noise, border) => {
					let grade: HealthGrade = 'unknown';
					let changes = 0;
					for (const offset of noise) {
						const next = gradeOf(border + offset, grade);
						if (grade !== 'unknown' && next !== grade) changes++;
						grade = next;
					}
					expect(changes).toBeLessThanOrEqual(1);
				}
			)
		);
	});
});

describe('assessHealth', () => {
	it('opens one span for a lasting anomaly, keeps its start, and ends it when the calm began', () => {
		const { reports, spans } = play([...steady(0.3, 50), ...steady(2, 100), ...steady(0.3, 100)]);
		expect(spans).toHaveLength(1);
		expect(spans[0]).toMatchObject({ start: 50_000, end: 150_000, peakScore: 2, modelId: 'm' });
		expect(reports[149]).toMatchObject({ unwellSince: 50_000, anomalous: true });
		expect(reports[249]).toMatchObject({ unwellSince: undefined, anomalous: false, grade: 'good' });
	});

	it('joins what dips for less than the off-delay', () => {
		const { spans } = play([...steady(2, 20), ...steady(0.2, spanEndSteps - 2), ...steady(2, 20), ...steady(0.2, 50)]);
		expect(spans).toHaveLength(1);
	});

	it('gives no index for a machine that stands still, and goes on with the same span when it runs again', () => {
		const { reports, spans } = play([...steady(2, 30), ...steady('stopped' as const, 100), ...steady(2, 30)]);
		expect(reports[60]).toMatchObject({ unscored: 'stopped', grade: 'unknown', anomalous: false, unwellSince: 0 });
		expect(reports[60]!.index).toBeNaN();
		expect(reports[159]).toMatchObject({ unwellSince: 0, anomalous: true });
		expect(spans).toHaveLength(1);
	});

	it('tells an anomaly that stands from a peak that passes', () => {
		const lasting = (scores: readonly (number | 'stopped')[]) => play(scores).reports.at(-1)!.lastingScore;
		expect(lasting([...steady(0.5, 600), ...steady(1.2, 60)])).toBeLessThan(1);
		expect(lasting([...steady(0.5, 600), ...steady(40, 60)])).toBeLessThan(1);
		expect(lasting([...steady(0.5, 600), ...steady(1.2, 600)])).toBeGreaterThan(1);
		const paused = play([...steady(1.2, 900), ...steady('stopped' as const, 900), 1.2]).reports.at(-1)!;
		expect(paused.lastingScore).toBeGreaterThan(1);
	});

	it('has spans in order and apart, whatever the scores', () => {
		fc.assert(
			fc.property(fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { maxLength: 300 }), (scores) => {
				const { spans } = play(scores);
				spans.forEach((span, i) => {
					const end = span.end ?? Number.POSITIVE_INFINITY;
					expect(end).toBeGreaterThanOrEqual(span.start);
					if (i > 0) expect(span.start).toBeGreaterThan(spans[i - 1]!.end!);
				});
			})
		);
	});
});
