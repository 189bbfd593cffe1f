/** Training on the engine in Node: sizes by the data, proposals, the same seed the same model, a fault found afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type Engine } from '$lib/neural';
import { expectedCourse } from '$lib/detection';
import type { AlignedRow } from '$lib/manipulation';
import {
	corruptWindows,
	judgeRecording,
	minimumTrainingRows,
	planTraining,
	proposeSpan,
	sensorsToLeaveOut,
	sha256Hex,
	trainDetector,
	trainPredictor
} from '$lib/training';

const sensorNames = ['load', 'temperature', 'level'];
const kinds = ['power', 'temperature', 'level'] as const;

/** A load that swings, a temperature that follows it, a level of its own; `shift` is added to the temperature from `from` on. */
function recording(length: number, seed: number, from = Infinity, shift = 0): AlignedRow[] {
	let state = seed;
	const noise = () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5) * 0.4;
	let temperature = 60;
	return Array.from({ length }, (_, i) => {
		const load = 20 + 5 * Math.sin(i / 9) + noise();
		temperature += 0.2 * (40 + load - temperature);
		const values = Float32Array.of(load, temperature + noise() + (i >= from ? shift : 0), 3 + noise());
		return { time: i * 1000, values, breakBefore: i === 0 };
	});
}

let engine: Engine;
beforeAll(async () => {
	engine = await startEngine({ backends: ['wasm', 'cpu'], purpose: 'training' });
});
afterAll(() => engine.dispose());

const job = {
	id: 'm',
	target: { machineId: 'pump' },
	origin: 'trained-here',
	createdAt: 0,
	description: '',
	seed: 4,
	maxEpochs: 3
} as const;

describe('planTraining', () => {
	it('grows the network with the data and never needs a knob', () => {
		const sizes = [300, 3000, 30_000].map((rows) => planTraining(rows).units.reduce((a, b) => a + b));
		expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
		for (const rows of [minimumTrainingRows, 400, 5000, 100_000]) {
			const { windowSteps, stride, copies, holdOut } = planTraining(rows);
			expect((rows * (1 - holdOut)) / stride).toBeLessThan(2500);
			expect(rows * holdOut).toBeGreaterThan(windowSteps);
			expect(copies).toBeGreaterThanOrEqual(1);
		}
	});
});

describe('corruptWindows', () => {
	const windows = {
		inputs: new Float32Array(40 * 8 * 2).fill(1),
		targets: new Float32Array(40 * 8 * 2).fill(1),
		count: 40,
		steps: 8,
		features: 2
	};
	it('alters inputs only, the same way for the same seed, and leaves some windows as they are', () => {
		const a = corruptWindows(windows, 3, 5);
		expect(a.count).toBe(120);
		expect(a.targets.every((value) => value === 1)).toBe(true);
		expect(a.inputs).toEqual(corruptWindows(windows, 3, 5).inputs);
		expect(a.inputs).not.toEqual(corruptWindows(windows, 3, 6).inputs);
		const altered = Array.from({ length: 120 }, (_, w) =>
			a.inputs.subarray(w * 16, (w + 1) * 16).some((value) => value !== 1)
		);
		const share = altered.filter(Boolean).length / 120;
		expect(share).toBeGreaterThan(0.4);
		expect(share).toBeLessThan(0.8);
	});
});

describe('proposeSpan', () => {
	const rows = recording(3000, 1);
	const scoresOf = (high: (i: number) => boolean) => ({
		times: Float64Array.from(rows, ({ time }) => time),
		mean: Float64Array.from(rows, (_, i) => (high(i) ? 3 : 0.3))
	});
	it('takes the longest stretch that no score speaks against', () => {
		const span = proposeSpan(
			rows,
			1000,
			scoresOf((i) => i > 1800 && i < 1900),
			'live'
		);
		expect(span.from).toBe(0);
		expect(span.to).toBeLessThan(1_800_000);
		expect(span.enough).toBe(true);
		expect(span.reason).toMatch(/3\.0/);
	});
	it("takes the beginning of a recording of which nothing is known, and all of a live machine's history", () => {
		expect(proposeSpan(rows, 1000, undefined, 'import')).toMatchObject({ from: 0, rows: 1200 });
		expect(proposeSpan(rows, 1000, undefined, 'live').rows).toBe(3000);
		expect(proposeSpan(rows.slice(0, 400), 1000, undefined, 'import')).toMatchObject({ rows: 400, enough: true });
	});
	it('says how much is missing', () => {
		const span = proposeSpan(rows.slice(0, 100), 1000, undefined, 'live');
		expect(span.enough).toBe(false);
		expect(span.reason).toContain('100');
		expect(proposeSpan([], 1000, undefined, 'live').enough).toBe(false);
	});
});

describe('trainPredictor', () => {
	const data = { sensorNames, kinds, stepMs: 1000, recordings: [recording(500, 2)] };

	it('gives the same weights for the same seed, with everything that scoring needs', async () => {
		const [a, b] = [await trainPredictor(engine, data, job), await trainPredictor(engine, data, job)];
		expect(new Float32Array(a.weights)).toEqual(new Float32Array(b.weights));
		expect(a.version.weightsSha256).toBe(await sha256Hex(a.weights));
		expect(a.version.scaler.sensorNames).toEqual(sensorNames);
		expect(a.version.calibration.statistics!.length).toBeGreaterThan(0);
		expect(a.version.metrics.persistenceLoss).toBeGreaterThan(0);
		expect(a.version.dataSpan).toMatchObject({ from: 0, to: 499_000 });
	});

	it('finds a shift that is small against the swing of normal running, and none without it', async () => {
		const options = { seed: 4, maxEpochs: 15 };
		const of = (name: string, rows: AlignedRow[]) => ({ name, sensorNames, kinds, stepMs: 1000, rows });
		const faulty = await judgeRecording(engine, of('faulty', recording(1400, 2, 1000, 2)), 799_000, options);
		expect(faulty.alarms).toHaveLength(1);
		expect(faulty.alarms[0]!.since).toBeGreaterThanOrEqual(1_000_000);
		expect(faulty.alarms[0]!.since).toBeLessThan(1_200_000);
		expect(faulty.alarms[0]!.contributors[0]!.sensorName).toBe('temperature');
		const healthy = await judgeRecording(engine, of('healthy', recording(1400, 2)), 799_000, options);
		expect(healthy.alarms).toEqual([]);
	});

	it('refuses too little, and stops when told to', async () => {
		await expect(trainPredictor(engine, { ...data, recordings: [recording(100, 1)] }, job)).rejects.toMatchObject({
			code: 'not-enough-data'
		});
		const abort = new AbortController();
		const running = trainPredictor(engine, data, {
			...job,
			maxEpochs: 500,
			signal: abort.signal,
			onProgress: () => abort.abort()
		});
		await expect(running).rejects.toMatchObject({ code: 'aborted' });
	});
});

describe('trainDetector', () => {
	/** A row every ten seconds: two hours of running are 720 rows, of which at least 1,000 are asked. */
	const stepMs = 10_000;
	const slowly = (rows: AlignedRow[]) => rows.map((row, r) => ({ ...row, time: r * stepMs }));
	const quickJob = { ...job, maxEpochs: 2 };
	const train = (rows: AlignedRow[], columns = 3) =>
		trainDetector(
			engine,
			{
				sensorNames: sensorNames.slice(0, columns),
				kinds: kinds.slice(0, columns),
				stepMs,
				recordings: [rows.map((row) => ({ ...row, values: row.values.slice(0, columns) }))]
			},
			quickJob
		);

	it('judges each sensor by the others once there is enough running, by a vote before', async () => {
		const long = await train(slowly(recording(1_100, 2)));
		expect(long.version.relations?.threshold).toHaveLength(3);
		expect(long.version.ensemble).toBeUndefined();
		const short = await train(slowly(recording(600, 2)));
		expect(short.version.relations).toBeUndefined();
		expect(short.version.ensemble?.members.map(({ name }) => name)).toContain('autoencoder');
	}, 60_000);

	it('lets a vote judge two sensors, of which neither says which is wrong, and a counter, of which no other says anything', async () => {
		const two = await train(slowly(recording(1_100, 2)), 2);
		expect(two.version.ensemble).toBeDefined();
		const counting = slowly(recording(1_100, 2)).map((row, r) => ({
			...row,
			values: Float32Array.of(row.values[0]!, row.values[1]!, r)
		}));
		const counter = await train(counting);
		expect(counter.version.relations).toBeUndefined();
		expect(counter.version.ensemble).toBeDefined();
	}, 60_000);

	it('finds a temperature that no longer follows the load, though it stays within its range, and nothing else', async () => {
		const options = { seed: 4, maxEpochs: 2 };
		// Two sensors beside it agree on the load: it is the temperature that is wrong.
		const withPressure = (rows: AlignedRow[]) =>
			rows.map((row) => ({ ...row, values: Float32Array.of(...row.values.slice(0, 2), row.values[0]! / 5) }));
		const of = (name: string, rows: AlignedRow[]) => ({
			...{ name, stepMs, rows: slowly(withPressure(rows)) },
			...{ sensorNames: ['load', 'temperature', 'pressure'], kinds: ['power', 'temperature', 'pressure'] as const }
		});
		const until = 1_099 * stepMs;
		const faulty = await judgeRecording(engine, of('faulty', recording(1_800, 2, 1_400, 3)), until, options);
		expect(faulty.alarms).toHaveLength(1);
		expect(faulty.alarms[0]!.since).toBeGreaterThanOrEqual(1_400 * stepMs);
		expect(faulty.alarms[0]!.since).toBeLessThan(1_500 * stepMs);
		expect(faulty.alarms[0]!.contributors[0]!.sensorName).toBe('temperature');
		const healthy = await judgeRecording(engine, of('healthy', recording(1_800, 2)), until, options);
		expect(healthy.alarms).toEqual([]);

		// The chart of the past expects what the verdicts did: it does not go along with the fault.
		const rows = of('faulty', recording(1_800, 2, 1_400, 3)).rows.slice(1_200);
		const { times, expected, band } = expectedCourse(faulty.model, rows);
		const off = [...times].map((time, t) => rows.find((row) => row.time === time)!.values[1]! - expected[1]![t]!);
		const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
		const begins = times.findIndex((time) => time >= 1_400 * stepMs);
		expect(Math.abs(mean(off.slice(0, begins)))).toBeLessThan(band[1]! / 2);
		expect(mean(off.slice(begins, begins + 100))).toBeGreaterThan(2.5);
		expect(mean(off.slice(begins, begins + 100))).toBeGreaterThan(band[1]!);
	}, 60_000);
});

describe('sensorsToLeaveOut', () => {
	it('names what only ever rises and what sends too seldom, and nothing else', () => {
		const rows = Array.from({ length: 400 }, (_, r) => ({
			values: Float32Array.of(Math.floor(r / 4), r % 10 === 0 ? Number.NaN : Math.sin(r), Math.sin(r), 7)
		}));
		expect(sensorsToLeaveOut(['hours', 'sample', 'level', 'constant'], rows)).toEqual([
			{ sensorName: 'hours', why: 'counter' },
			{ sensorName: 'sample', why: 'seldom' }
		]);
	});
});
