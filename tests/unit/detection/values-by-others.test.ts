/** What a network goes along with is told by the other sensors: a machine's values against its own level, beside a network that expects the last row again. */
import { describe, expect, test } from 'vitest';
import type { ModelVersion } from '$lib/contracts';
import { MachineDetector, calibrate, learnStopLevels, type ScoredSegment } from '$lib/detection';
import { SpikeFreeRow } from '$lib/detection/own-level/own-values-watch';
import { normalFrom } from '$lib/neural/random';

const means = [10, 50];
const kinds = ['current', 'temperature'] as const;
const normal = normalFrom(3);

/** Rows of one individual, scaled: a load that wanders, and warmth that follows its square within minutes from a level of its own. */
function individual(ownLevel: number): () => [number, number] {
	let load = 0;
	let warmth = 0;
	return () => {
		load = 0.99 * load + 0.1 * normal();
		warmth += (load * load - warmth) / 300;
		return [load + 0.02 * normal(), ownLevel + warmth + 0.02 * normal()];
	};
}

function segmentOf(rows: number, next: () => [number, number]): ScoredSegment {
	const scaled = Float32Array.from(Array.from({ length: rows }, next).flat());
	const expected = new Float32Array(scaled.length).fill(Number.NaN, 0, 2);
	expected.set(scaled.subarray(0, -2), 2);
	return { rows, own: scaled.map((value, i) => value + means[i % 2]!), scaled, expected };
}

const segments = Array.from({ length: 20 }, () => segmentOf(2400, individual(normal())));
const stop = learnStopLevels(
	kinds,
	segments.flatMap(({ own, rows }) => Array.from({ length: rows }, (_, r) => own.subarray(2 * r, 2 * r + 2)))
);
const calibration = calibrate(segments, kinds, stop);
const model = {
	id: 'm',
	scaler: { sensorNames: ['current', 'temperature'], mean: means, deviation: [1, 1] },
	calibration
} as unknown as ModelVersion;

class Bench {
	private readonly detector: MachineDetector;
	private readonly next = individual(1.5);
	private last: readonly number[] | undefined;
	private time = 0;
	constructor(version: ModelVersion = model) {
		this.detector = new MachineDetector('pump', version);
	}
	step(change: readonly [number, number] = [0, 0]) {
		this.time += 1000;
		const row = this.next().map((value, i) => value + change[i]!);
		const values = row.map((value, i) => value + means[i]!);
		const { state } = this.detector.observe({ time: this.time, values, breakBefore: this.time === 1000 }, this.last);
		this.last = row;
		return state;
	}
	/** Gives the largest score and the last state. */
	run(rows: number, change: (row: number) => readonly [number, number] = () => [0, 0]) {
		let peak = 0;
		let state = this.step(change(0));
		for (let r = 1; r < rows; r++) {
			state = this.step(change(r));
			if (state.score > peak) peak = state.score;
		}
		return { peak, state };
	}
}

const creep = (row: number): readonly [number, number] => [0, row / 1000];

describe('values by the other sensors', () => {
	test('a temperature that creeps away from what the load makes of it is found, and shown against that', () => {
		const bench = new Bench();
		expect(bench.run(2400).peak).toBeLessThan(1);
		const { state } = bench.run(1000, creep);
		expect(state.anomalous).toBe(true);
		const [first] = state.deviations;
		expect(first!.sensorName).toBe('temperature');
		// It has crept by one; the network, which sees it, has crept along.
		expect(first!.actual - first!.expected).toBeGreaterThan(0.3);
		expect(first!.actual - first!.expected).toBeGreaterThan(first!.band);
		expect(Math.abs(first!.actual - first!.ofNetwork!.expected)).toBeLessThan(0.05);
	});

	test('without them it is not', () => {
		const { ownValues: _, ...others } = calibration;
		const bench = new Bench({ ...model, calibration: others });
		bench.run(2400);
		expect(bench.run(1000, creep).state.anomalous).toBe(false);
	});

	test('one wrong telegram changes nothing of what is watched', () => {
		const row = new SpikeFreeRow(2);
		for (const current of [1, 1.1, 300, 0.9, 1, 1.1]) {
			const [watched] = row.take([current, Number.NaN]);
			expect(watched).toBeGreaterThan(0.8);
			expect(watched).toBeLessThan(1.2);
		}
		row.reset();
		// Further out than this says no more.
		expect([...row.take([-300, 2])]).toEqual([-8, 2]);
	});

	test('a small step becomes the level of this machine within hours; a large one stays a finding', () => {
		const stepped = (size: number) => {
			const bench = new Bench();
			bench.run(2400);
			const step = () => [0, size] as const;
			const { peak } = bench.run(1200, step);
			return { peak, after: bench.run(4 * 3600, step).state };
		};
		const small = stepped(0.5);
		expect(small.peak).toBeGreaterThan(1);
		expect(small.after.anomalous).toBe(false);
		expect(stepped(2).after.anomalous).toBe(true);
	});
});
