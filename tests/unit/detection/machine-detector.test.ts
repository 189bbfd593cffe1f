/** One machine's detector: scores, modes, stuck and silent sensors, on residuals given by hand. */
import { describe, expect, it } from 'vitest';
import type { ModelVersion } from '$lib/contracts';
import { MachineDetector, calibrate, learnStopLevels, type ObservedRow } from '$lib/detection';
import { MachinePipeline } from '$lib/pipeline';

/** Two sensors: a load (current) and a temperature, each scaled one to one around its mean. */
const means = [10, 50];
function draw(seed: number): () => number {
	let state = seed;
	const uniform = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
	return () => uniform() + uniform() + uniform() + uniform() - 2;
}

function version(rows = 5000): ModelVersion {
	const next = draw(1);
	const own = new Float32Array(rows * 2);
	const scaled = new Float32Array(rows * 2);
	for (let i = 0; i < own.length; i++) {
		scaled[i] = 0.2 * next();
		own[i] = means[i % 2]! + scaled[i]!;
	}
	const expected = new Float32Array(rows * 2);
	const kinds = ['current', 'temperature'] as const;
	const stop = learnStopLevels(
		kinds,
		Array.from({ length: rows }, (_, r) => own.subarray(2 * r, 2 * r + 2))
	);
	return {
		id: 'm',
		scaler: { sensorNames: ['current', 'temperature'], mean: means, deviation: [1, 1] },
		calibration: calibrate([{ rows, own, scaled, expected }], kinds, stop)
	} as unknown as ModelVersion;
}

const model = version();

class Bench {
	readonly detector = new MachineDetector('pump', model);
	private readonly next = draw(99);
	private time = 0;
	/** One row with these offsets from normal; the network expects the means. */
	step(offsets: readonly [number, number] = [0, 0], change: Partial<ObservedRow> = {}) {
		this.time += 1000;
		const values = means.map((mean, i) => mean + offsets[i]! + 0.2 * this.next());
		return this.detector.observe({ time: this.time, values, breakBefore: this.time === 1000, ...change }, [0, 0]).state;
	}
	run(steps: number, offsets: readonly [number, number] = [0, 0]) {
		let state = this.step(offsets);
		for (let i = 1; i < steps; i++) state = this.step(offsets);
		return state;
	}
}

describe('MachineDetector', () => {
	it('warms up, then scores normal running well below 1', () => {
		const bench = new Bench();
		expect(bench.step().unscored).toBe('warming-up');
		const scores = Array.from({ length: 3000 }, () => bench.step().score).filter((score) => !Number.isNaN(score));
		expect(scores.length).toBeGreaterThan(2900);
		expect(Math.max(...scores)).toBeLessThan(1);
	});

	it('flags a lasting shift, ranks its sensor first, and shows actual against expected in its own unit', () => {
		const bench = new Bench();
		bench.run(100);
		const state = bench.run(120, [0, 0.5]);
		expect(state.anomalous).toBe(true);
		expect(state.deviations[0]!.sensorName).toBe('temperature');
		expect(state.deviations.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
		expect(state.deviations[0]!.actual).toBeCloseTo(50.5, 0);
		expect(state.deviations[0]!.expected).toBeCloseTo(50, 1);
		expect(state.deviations[0]!.band).toBeGreaterThan(0);
		expect(bench.run(400).anomalous).toBe(false);
	});

	it('does not score a machine that stands still, nor its start', () => {
		const bench = new Bench();
		bench.run(100);
		const off = bench.run(50, [-10, -20]);
		expect(off).toMatchObject({ mode: 'off', unscored: 'stopped' });
		const start = bench.run(20, [3, -15]);
		expect(start.mode).toBe('start-up');
		expect(start.anomalous).toBe(false);
		expect(bench.run(100).anomalous).toBe(false);
	});

	it('takes one row without load, or two, for no stop: what stands goes on', () => {
		const bench = new Bench();
		bench.run(100);
		expect(bench.run(120, [0, 0.5]).anomalous).toBe(true);
		for (const rows of [1, 2]) {
			expect(bench.run(rows, [-10, 0.5])).toMatchObject({ mode: 'running', anomalous: true });
			// Back again, it has jumped like any load, and is judged on.
			expect(bench.run(40, [0, 0.5])).toMatchObject({ mode: 'running', anomalous: true });
		}
		expect(bench.run(3, [-10, 0.5])).toMatchObject({ mode: 'off', unscored: 'stopped' });
	});

	it('finds a sensor that repeats its value, and one that no longer sends', () => {
		const stuck = new Bench();
		stuck.run(100);
		let state = stuck.step();
		for (let i = 0; i < 80; i++) state = stuck.step([0, 0], { values: [10 + 0.1 * Math.sin(i * 7), 50.03125] });
		expect(state.anomalous).toBe(true);
		expect(state.deviations[0]).toMatchObject({ sensorName: 'temperature', note: 'stuck' });

		const silent = new Bench();
		silent.run(100);
		for (let i = 0; i < 70; i++) state = silent.step([0, 0], { values: [10 + 0.1 * Math.sin(i * 7), Number.NaN] });
		expect(state.deviations[0]).toMatchObject({ sensorName: 'temperature', note: 'silent' });
		expect(state.anomalous).toBe(true);
	});

	it('says which sensors are missing from the start, and forgets its state at a break', () => {
		const bench = new Bench();
		let state = bench.step([0, 0], { values: [10, Number.NaN] });
		for (let i = 0; i < 10; i++) state = bench.step([0, 0], { values: [10, Number.NaN] });
		expect(state.unscored).toBe('missing-sensors');
		const other = new Bench();
		other.run(150, [0, 2]);
		const after = other.step([0, 0], { breakBefore: true });
		expect(after.unscored).toBe('warming-up');
		expect(other.run(60).anomalous).toBe(false);
	});

	it('gives the network finite inputs whatever comes', () => {
		const bench = new Bench();
		for (const values of [
			[Number.NaN, Number.NaN],
			[1e30, -1e30],
			[10, 50]
		]) {
			const { input } = bench.detector.observe({ time: 0, values, breakBefore: false }, undefined);
			expect([...input].every(Number.isFinite)).toBe(true);
		}
	});
});

describe('calibrate', () => {
	it('refuses too little data, saying how much there is', () => {
		expect(() => version(20)).toThrow(/20 rows/);
	});
});

describe('what counts as normal running', () => {
	/** Three hours with the temperature off for some minutes in the middle. */
	function judged(minutes: number, shift: number) {
		const pipeline = new MachinePipeline('pump', { ...model, stepMs: 1000 });
		const next = draw(99);
		let found = 0;
		let raised = false;
		for (let row = 0; row < 10_800; row++) {
			const off = row >= 5_400 && row < 5_400 + 60 * minutes ? shift : 0;
			const values = Float32Array.from(means, (mean, i) => mean + (i === 1 ? off : 0) + 0.2 * next());
			const verdict = pipeline.judge({ time: row * 1000, values, breakBefore: row === 0 }, [0, 0]);
			if (verdict.report.anomalous) found++;
			if (verdict.alarmChange?.kind === 'raise') raised = true;
		}
		const days = pipeline.tail.endedDays;
		const hours = days.reduce((sum, day) => sum + day.hours, 0);
		return { found, raised, hours, highest: Math.max(...days.flatMap(({ peaks }) => peaks)) };
	}
	it('is what raises no alarm: a finding that passes without one is counted with its score, an alarm is not', () => {
		const [calm, passing, alarm] = [judged(0, 0), judged(0.5, 0.15), judged(10, 0.3)];
		expect(calm).toMatchObject({ found: 0, raised: false });
		expect(passing.found).toBeGreaterThan(20);
		expect(passing.raised).toBe(false);
		expect(passing.hours).toBe(calm.hours);
		expect(passing.highest).toBeGreaterThan(1);
		expect(alarm.raised).toBe(true);
		expect(calm.hours - alarm.hours).toBeGreaterThan(10 / 60);
		expect(alarm.highest).toBe(calm.highest);
	});
});
