/** Members of the vote on residuals given by hand: what normal running is, a fault found, its end found although others drifted. */
import { describe, expect, it } from 'vitest';
import { EnsembleDetector, learnWatch } from '$lib/detection';
import { normalFrom } from '$lib/neural/random';
import { ewmaChart, hotelling, isolationForest, movingMahalanobis } from '$lib/detection/statistical';

const sensors = 3;
const kinds = ['pressure', 'flow', 'temperature'] as const;
const options = { kinds, stepMs: 1000, falseAlarmsPerWeek: 1 };

/** Rows of noise around zero; the temperature climbs by `climb` per row; `offset` is added by row and sensor. */
function rowsOf(count: number, seed: number, climb = 0, offset: (r: number, i: number) => number = () => 0) {
	const next = normalFrom(seed);
	const values = new Float32Array(count * sensors);
	for (let r = 0; r < count; r++)
		for (let i = 0; i < sensors; i++) values[r * sensors + i] = next() + (i === 2 ? climb * r : 0) + offset(r, i);
	return { rows: count, values };
}

function run(detector: EnsembleDetector, { rows, values }: { rows: number; values: Float32Array }): number[] {
	return Array.from({ length: rows }, (_, r) =>
		detector.take({ levels: [values.subarray(r * sensors, (r + 1) * sensors)] })
	);
}

const detectorFor = (training: ReturnType<typeof rowsOf>, names: readonly ('levels' | 'predictor')[] = ['levels']) =>
	new EnsembleDetector({
		members: names.map((name) => ({ name, weight: 1, watch: learnWatch([training], options) })),
		reconstructors: [],
		falseAlarmsPerWeek: 1,
		rows: training.rows
	});

describe('the ensemble', () => {
	it('stays below 1 in normal running, also while a temperature drifts on as it did in training', () => {
		const scores = run(detectorFor(rowsOf(600, 1, 0.004)), rowsOf(2000, 2, 0.004));
		expect(scores.filter(Number.isNaN).length).toBeLessThan(80);
		expect(scores.filter((score) => score >= 1)).toEqual([]);
	});

	it('finds a step within its windows, holds it while it stands and ends it when the sensor is back', () => {
		const step = (r: number, i: number) => (i === 1 && r >= 500 && r < 800 ? 4 : 0);
		const scores = run(detectorFor(rowsOf(600, 1)), rowsOf(1200, 3, 0, step));
		expect(scores.slice(60, 500).every((score) => score < 1)).toBe(true);
		expect(scores.findIndex((score) => score >= 1)).toBeLessThan(530);
		expect(scores.slice(540, 800).every((score) => score >= 1)).toBe(true);
		expect(scores.slice(860).every((score) => score < 1)).toBe(true);
	});

	it('ends an anomaly although another sensor has drifted meanwhile', () => {
		const step = (r: number, i: number) =>
			i === 1 && r >= 500 && r < 800 ? 6 : i === 2 && r >= 500 ? Math.min(2, (r - 500) / 150) : 0;
		const scores = run(detectorFor(rowsOf(600, 1, 0.004)), rowsOf(1200, 4, 0, step));
		expect(scores.slice(560, 790).every((score) => score >= 1)).toBe(true);
		expect(scores.slice(870).every((score) => score < 1)).toBe(true);
	});

	it('takes a fault that swings back and leaves again for one that stands, not for a new level', () => {
		const swing = (r: number, i: number) => (i === 1 && ((r >= 500 && r < 560) || (r >= 580 && r < 900)) ? 5 : 0);
		const scores = run(detectorFor(rowsOf(600, 1)), rowsOf(1200, 8, 0, swing));
		expect(scores.slice(0, 500).filter((score) => score >= 1)).toEqual([]);
		expect(scores.slice(600, 900).every((score) => score >= 1)).toBe(true);
		expect(scores.slice(970).every((score) => score < 1)).toBe(true);
	});

	it('lets no member alone decide: one at its threshold needs the others near theirs', () => {
		const detector = detectorFor(rowsOf(600, 1), ['levels', 'predictor']);
		const faulty = rowsOf(400, 5, 0, (r, i) => (i === 0 && r > 150 ? 1.1 : 0));
		const calm = rowsOf(400, 6);
		let most = 0;
		for (let r = 0; r < 400; r++) {
			const at = [r * sensors, (r + 1) * sensors] as const;
			const score = detector.take({
				levels: [faulty.values.subarray(...at)],
				predictor: [calm.values.subarray(...at)]
			});
			if (r > 60) most = Math.max(most, score);
		}
		expect(detector.leading).toBe(detector.levels);
		expect(most).toBeLessThan(detector.levels!.score);
	});

	it('takes a missing value as no evidence, and a gap as a new beginning of the means', () => {
		const detector = detectorFor(rowsOf(600, 1));
		run(detector, rowsOf(200, 7));
		for (let r = 0; r < 100; r++)
			expect(detector.take({ levels: [[Number.NaN, Number.NaN, Number.NaN]] })).toBeLessThan(1);
		detector.forgetRows();
		expect(run(detector, rowsOf(10, 8)).every(Number.isNaN)).toBe(true);
	});

	it('says how many rows are missing when gaps leave too few', () => {
		expect(() => learnWatch([rowsOf(100, 1)], options)).toThrow(/120 rows/);
	});
});

describe('statistical detectors', () => {
	const { values } = rowsOf(500, 9);
	const normal = { values, sensors };
	it.each([
		['EWMA', () => ewmaChart(normal)],
		['moving Mahalanobis distance', () => movingMahalanobis(normal)],
		['T-squared and Q', () => hotelling(normal)],
		['isolation forest', () => isolationForest(normal, 1)]
	] as const)('%s: far rows are anomalous, rows like those of training are not', (_, create) => {
		const detector = create();
		const usual = rowsOf(300, 10).values;
		let flagged = 0;
		for (let r = 0; r < 300; r++) if (detector(usual.subarray(r * 3, r * 3 + 3)) > 1) flagged++;
		expect(flagged).toBeLessThan(12);
		let score = 0;
		for (let r = 0; r < 60; r++) score = detector([9, -9, 9]);
		expect(score).toBeGreaterThan(1);
	});
});
