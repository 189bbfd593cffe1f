/** Time to failure by likeness to known failures: a made-up library, and machines whose end is known. */
import { describe, expect, test } from 'vitest';
import type { FailureLibrary, HealthReport } from '../../../src/lib/contracts';
import { MachinePrognosis } from '../../../src/lib/prognostics';
import { normalFrom } from '../../../src/lib/neural/random';

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 5);
const sensorNames = ['vibration', 'temperature'];
const points = 40;
/** Levels at the failure; they grow evenly on the way there. */
const atFailure: Record<string, readonly [number, number]> = { 'bearing-wear': [4, 1], 'cooling-clog': [0.5, 4] };
const levelsAt = (fault: string, share: number) => atFailure[fault]!.map((level) => level * Math.max(0, share));
const diagonal = (variance: number) =>
	Array.from({ length: 4 }, (_, i) => Array.from({ length: i + 1 }, (_, j) => (i === j ? variance : 0))).flat();
const library: FailureLibrary = {
	format: 3,
	modelId: 'model',
	sensorNames,
	expectation: {
		mean: [0, 0],
		deviation: [1, 1],
		smoothingRows: [4],
		weights: new Array<number>(10).fill(0),
		residual: [1, 1]
	},
	covariance: diagonal(0.02),
	between: [0.3, 0.3, 0.3, 0.3],
	points,
	faults: Object.keys(atFailure).map((fault) => ({
		fault,
		lives: 5,
		path: Array.from({ length: points }, (_, p) => p / (points - 1)).flatMap((share) => [
			...levelsAt(fault, share),
			...levelsAt(fault, share)
		]),
		covariance: diagonal(0.04)
	})),
	lifeHours: [230, 260, 290, 320, 350, 380, 420, 460, 500, 530],
	lives: 10,
	description: 'made up'
};

const onset = 100;

/** A machine whose fault begins after `onset` hours and takes `length`: what is said of hours `from` to `to`, an hour a report. */
function run(prognosis: MachinePrognosis, fault: string, length: number, from: number, to: number) {
	const normal = normalFrom(5 + from);
	let said;
	for (let hour = from; hour <= to; hour++) {
		const values = levelsAt(fault, (hour - onset) / length).map((level) => Math.expm1(level) + 0.1 * normal());
		const score = 0.4 + values[0]! / 5 + values[1]! / 5;
		const report: HealthReport = {
			machineId: 'm',
			time: start + hour * hourMs,
			index: 100 / (1 + (score / 2) ** 2),
			grade: 'good',
			score: Math.max(0.05, score),
			anomalous: score >= 1,
			mode: 'running',
			contributors: sensorNames.map((sensorName, i) => ({
				sensorName,
				share: 0.5,
				actual: values[i]!,
				expected: 0,
				band: 1
			})),
			modelId: 'model'
		};
		said = prognosis.observe(report, { values, breakBefore: false });
	}
	return said!;
}

function fresh(known: FailureLibrary | null = library): MachinePrognosis {
	const prognosis = new MachinePrognosis('m', 360_000);
	if (known) prognosis.learnFailures(known, [1, 1]);
	return prognosis;
}

/** What is said `hoursBefore` the failure. */
const sayBefore = (hoursBefore: number, fault: string, length: number, known: FailureLibrary | null = library) =>
	run(fresh(known), fault, length, 0, onset + length - hoursBefore);

describe('likeness to known failures', () => {
	test.each([
		['bearing-wear', 300],
		['cooling-clog', 400]
	])('%s over %i hours: the failure is inside the interval and the fault is named', (fault, length) => {
		const said = sayBefore(72, fault, length);
		expect(said.method).toBe('failure-library');
		expect(said.rulHours!.low).toBeLessThan(72);
		expect(said.rulHours!.high).toBeGreaterThan(72);
		expect(said.rulHours!.median).toBeGreaterThan(36);
		expect(said.rulHours!.median).toBeLessThan(144);
		expect(said.failure!.faults[0]!.fault).toBe(fault);
	});

	test('probabilities rise with time and with the horizon', () => {
		const early = sayBefore(200, 'bearing-wear', 360).eventProbability!;
		const late = sayBefore(24, 'bearing-wear', 360).eventProbability!;
		expect(late.within72h).toBeGreaterThan(early.within72h);
		for (const { within24h, within72h, within7d } of [early, late]) {
			expect(within72h).toBeGreaterThanOrEqual(within24h);
			expect(within7d).toBeGreaterThanOrEqual(within72h);
		}
	});

	test('where one known life in five was fast, a fast failure is foreseen better than where none was', () => {
		const slow = [480, 500, 520, 540, 560, 580, 600, 620];
		const within7d = (lifeHours: readonly number[]) => {
			const said = sayBefore(150, 'bearing-wear', 200, { ...library, lifeHours });
			return said.eventProbability!.within7d;
		};
		expect(within7d([...slow, 190, 210])).toBeGreaterThan(within7d(slow) + 0.1);
	});

	test('a calibration moves the median, widens the interval by the median said, and says what it was measured on', () => {
		const plain = sayBefore(100, 'bearing-wear', 360);
		const calibration = {
			interval: [
				{ below: plain.rulHours!.median / 2, shift: 5, low: 9, high: 9 },
				{ below: 1e6, shift: -0.3, low: 2, high: 2 }
			],
			within: [null, null, null],
			brier: 0.1,
			reliability: [],
			lives: 12
		};
		const said = sayBefore(100, 'bearing-wear', 360, { ...library, calibration });
		expect(said.rulHours!.median).toBeLessThan(plain.rulHours!.median);
		expect(said.rulHours!.high / said.rulHours!.low).toBeGreaterThan(plain.rulHours!.high / plain.rulHours!.low);
		expect(said.failure!.calibration).toEqual(calibration);
	});

	test('after a reload the stored course speaks with the next average; without it a dozen are missing', () => {
		const before = fresh();
		const reloadAt = onset + 300;
		const said = run(before, 'bearing-wear', 360, 0, reloadAt);
		const times = Array.from({ length: reloadAt }, (_, hour) => start + hour * hourMs);
		const scores = times.map(() => 2);
		const after = fresh();
		after.recall(times, scores, before.course);
		const again = run(after, 'bearing-wear', 360, reloadAt, reloadAt + 3);
		expect(again.method).toBe('failure-library');
		expect(Math.abs(again.rulHours!.median - said.rulHours!.median)).toBeLessThan(24);
		const forgetful = fresh();
		forgetful.recall(times, scores);
		expect(run(forgetful, 'bearing-wear', 360, reloadAt, reloadAt + 3).method).not.toBe('failure-library');
	});

	test('history followed without a word makes the course that another run goes on from', () => {
		const past = fresh();
		past.followOnly();
		const reloadAt = onset + 300;
		expect(run(past, 'bearing-wear', 360, 0, reloadAt).method).toBe('none');
		const live = fresh();
		const times = Array.from({ length: reloadAt }, (_, hour) => start + hour * hourMs);
		live.recall(
			times,
			times.map(() => 2),
			past.course
		);
		expect(run(live, 'bearing-wear', 360, reloadAt, reloadAt + 3).method).toBe('failure-library');
	});

	test('what older history tells is heard with the next row, not with the next look that is due', () => {
		const [past, live] = [fresh(), fresh()];
		past.followOnly();
		const [met, reached] = [onset + 260, onset + 300];
		run(past, 'bearing-wear', 360, 0, met);
		const before = run(live, 'bearing-wear', 360, met, reached);
		const times = Array.from({ length: met }, (_, hour) => start + hour * hourMs);
		live.recall(
			times,
			times.map(() => 2),
			past.course
		);
		const after = run(live, 'bearing-wear', 360, reached + 1, reached + 1);
		expect(after.time).toBeGreaterThan(before.time);
		// Begun at its worst it took that for its own beginning.
		expect(Math.abs(after.rulHours!.median - 60)).toBeLessThan(Math.abs((before.rulHours?.median ?? Infinity) - 60));
	});

	test('scores recalled a second time leave the levels seen in between where they were', () => {
		const prognosis = fresh();
		run(prognosis, 'bearing-wear', 360, 0, onset + 250);
		const course = prognosis.course;
		const times = Array.from({ length: onset + 250 }, (_, hour) => start + hour * hourMs);
		prognosis.recall(
			times,
			times.map(() => 1)
		);
		expect(prognosis.course.length).toBeGreaterThan(0.9 * course.length);
		expect(prognosis.course.at(-2)!.levels[0]).toBeCloseTo(course.at(-2)!.levels[0]!, 1);
	});

	test('a library that was refused is said where nothing else is', () => {
		const prognosis = fresh(null);
		prognosis.refuseFailures('What is known of failures with model is damaged (checksum differs)');
		expect(run(prognosis, 'bearing-wear', 360, 0, 20).missing).toContain('damaged');
	});

	test('a machine that runs as it should has no time to failure', () => {
		expect(sayBefore(360, 'bearing-wear', 360).rulHours).toBeUndefined();
	});

	test('without a library, the health trend says what it can', () => {
		expect(sayBefore(72, 'bearing-wear', 300, null).failure).toBeUndefined();
	});
});
