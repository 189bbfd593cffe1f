/** Remaining life from run-to-failure histories: conditions, features that only look back, intervals, training and refusals. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { UnitHistories, UnitHistory } from '../../../src/lib/contracts';
import { startEngine, type Engine, type FitCheckpoint } from '../../../src/lib/neural';
import { normalFrom, randomFrom } from '../../../src/lib/neural/random';
import {
	calibrateInterval,
	estimateFrom,
	learnConditions,
	lifeFeatures,
	probabilityWithin,
	RulEnsemble,
	scaleLife,
	windowsEndingAt
} from '../../../src/lib/prognostics';
import type { RulTrial } from '../../../src/lib/contracts';
import { keepBack, searchRul, trainRul } from '../../../src/lib/training';

const sensors = 3;

/** Units under two conditions; sensor 0 grows towards the end of life, sensor 1 only shows the condition, sensor 2 is constant. */
function makeUnits(count: number, seed: number): UnitHistory[] {
	const uniform = randomFrom(seed);
	const normal = normalFrom(seed + 1);
	return Array.from({ length: count }, (_, u) => {
		const steps = 60 + Math.floor(40 * uniform());
		const settings = new Float32Array(steps);
		const values = new Float32Array(steps * sensors);
		for (let t = 0; t < steps; t++) {
			settings[t] = uniform() < 0.5 ? 10 : 20;
			const wear = Math.exp(-(steps - 1 - t) / 20);
			values[t * sensors] = 100 * settings[t]! + 5 * wear + 0.3 * normal();
			values[t * sensors + 1] = 3 * settings[t]! + 0.1 * normal();
			values[t * sensors + 2] = 7;
		}
		return { unitId: String(u), steps, settings, sensors: values, failed: true };
	});
}

const histories = (units: UnitHistory[]): UnitHistories => ({
	sensorNames: ['wearing', 'condition', 'constant'],
	settingNames: ['load'],
	stepName: 'cycle',
	units
});

describe('operating conditions', () => {
	test('settings that jump between values are conditions; only the sensor that ages is used', () => {
		const conditions = learnConditions(makeUnits(20, 1), 1, sensors, 50);
		expect(conditions.centres.map(([centre]) => Math.round(centre!)).sort()).toEqual([10, 20]);
		expect(conditions.sensors).toEqual([0]);
	});

	test('a setting that is only rounded noise is one condition', () => {
		const units = makeUnits(20, 2).map((unit) => {
			const load = Float32Array.from(unit.settings, (_, t) => 0.001 * (t % 5));
			const values = unit.sensors.map((value, i) =>
				i % sensors === 0 ? value - 100 * unit.settings[Math.floor(i / sensors)]! : value
			);
			return { ...unit, settings: load, sensors: values };
		});
		expect(learnConditions(units, 1, sensors, 50).centres).toEqual([[]]);
	});

	test('scaling takes the condition away and bridges missing values', () => {
		const units = makeUnits(20, 3);
		const conditions = learnConditions(units, 1, sensors, 50);
		const unit = units[0]!;
		const values = unit.sensors.slice();
		values[4 * sensors] = NaN;
		const scaled = scaleLife(conditions, { ...unit, sensors: values });
		expect(scaled.every(Number.isFinite)).toBe(true);
		expect(scaled[4]).toBe(scaled[3]);
		const early = scaled.slice(0, 20);
		expect(Math.max(...early) - Math.min(...early)).toBeLessThan(3);
	});

	test('units that show nothing of their age are refused', () => {
		const flat = makeUnits(12, 4).map((unit) => ({ ...unit, sensors: unit.sensors.map(() => 1) }));
		expect(() => learnConditions(flat, 1, sensors, 50)).toThrow(/No sensor changes/);
	});
});

describe('life features', () => {
	const spec = { raw: true, spans: [5, 15], sinceNew: true, lifeMean: true, age: true };

	test('a row is the same whatever comes after it', () => {
		const values = Float32Array.from({ length: 80 }, (_, i) => Math.sin(i));
		const whole = lifeFeatures(spec, values, 2);
		const part = lifeFeatures(spec, values.slice(0, 40), 2);
		expect(Array.from(part)).toEqual(Array.from(whole.subarray(0, part.length)));
	});

	test('a window before the life began repeats its first row', () => {
		const windows = windowsEndingAt(Float32Array.of(1, 2, 3), 1, [1], 4);
		expect(Array.from(windows)).toEqual([1, 1, 1, 2]);
	});
});

describe('intervals', () => {
	const normal = normalFrom(9);
	const uniform = randomFrom(10);
	/** Errors that grow with the prediction, as they do. */
	const draw = (units: number, from: number) =>
		Array.from({ length: units * 40 }, (_, i) => {
			const actual = 100 * uniform();
			const predicted = Math.max(0, actual + (2 + actual / 10) * normal());
			return { unit: from + Math.floor(i / 40), predicted, actual };
		});

	test('ninety of a hundred new units lie inside, near the end and far from it', () => {
		const calibration = calibrateInterval(draw(100, 0));
		const fresh = draw(400, 1000);
		for (const [low, high] of [
			[0, 25],
			[25, 100]
		] as const) {
			const part = fresh.filter(({ predicted }) => predicted >= low && predicted < high);
			const inside = part.filter(({ predicted, actual }) => {
				const estimate = estimateFrom(calibration, predicted, 125);
				return actual >= estimate.low && actual <= estimate.high;
			});
			expect(inside.length / part.length).toBeGreaterThan(0.86);
			expect(inside.length / part.length).toBeLessThan(0.95);
		}
	});

	test('the interval narrows towards the end', () => {
		const calibration = calibrateInterval(draw(100, 0));
		const width = (predicted: number) => {
			const { low, high } = estimateFrom(calibration, predicted, 125);
			return high - low;
		};
		expect(width(8)).toBeLessThan(width(60));
	});

	test('probability grows with the time looked at, and is never 0 or 1', () => {
		const calibration = calibrateInterval(draw(100, 0));
		const at = [1, 10, 20, 30, 60, 200].map((steps) => probabilityWithin(calibration, 20, steps, 125));
		expect([...at].sort((a, b) => a - b)).toEqual(at);
		expect(at[0]).toBeGreaterThan(0);
		expect(at[0]).toBeLessThan(0.05);
		expect(at[2]).toBeCloseTo(0.5, 0);
		expect(at.at(-1)).toBeLessThan(1);
		expect(at.at(-2)).toBeGreaterThan(0.97);
	});
});

describe('training', () => {
	let engine: Engine;
	beforeAll(async () => {
		engine = await startEngine({ purpose: 'training', backends: ['wasm', 'cpu'] });
		return () => engine.dispose();
	});
	const job = {
		id: 'test',
		title: 'Test units',
		origin: 'trained-here' as const,
		createdAt: 0,
		description: 'made for a test',
		seed: 5,
		plan: {
			network: {
				features: { raw: true, spans: [5], sinceNew: false, lifeMean: false, age: true },
				windowSteps: 8,
				units: [8],
				dropout: 0,
				capSteps: 50
			},
			folds: 2,
			repeats: 1,
			updates: 300,
			batchSize: 64,
			learningRate: 1e-2
		}
	};

	test('units never seen are told far better than by their mean; the same seed gives the same weights', async () => {
		const train = histories(makeUnits(24, 11));
		const { pkg, backtest } = await trainRul(engine, train, job);
		const { metrics } = pkg.version;
		expect(metrics.crossValidatedRmse).toBeLessThan(0.7 * metrics.constantRmse);
		expect(metrics.crossValidatedRmse).toBeLessThan(metrics.ridgeRmse!);
		expect(backtest.predicted).toHaveLength(train.units.reduce((sum, { steps }) => sum + steps - 10, 0));
		const ensemble = new RulEnsemble(engine, pkg);
		const fresh = makeUnits(12, 77);
		let squares = 0;
		let count = 0;
		for (const unit of fresh) {
			const ends = [unit.steps - 31, unit.steps - 16, unit.steps - 6];
			const estimates = await ensemble.estimate(unit, ends);
			estimates.forEach(({ median }, i) => {
				squares += (median - (unit.steps - 1 - ends[i]!)) ** 2;
				count++;
			});
		}
		ensemble.dispose();
		expect(Math.sqrt(squares / count)).toBeLessThan(10);
		const again = await trainRul(engine, train, job);
		expect(again.pkg.version.weightsSha256).toBe(pkg.version.weightsSha256);
	});

	test('too few failures, a unit given twice and sizes that do not fit are refused by name', async () => {
		const units = makeUnits(20, 12);
		const running = units.map((unit) => ({ ...unit, failed: false }));
		await expect(trainRul(engine, histories(running), job)).rejects.toMatchObject({ code: 'not-enough-data' });
		const twice = histories([...units, { ...units[3]!, steps: units[3]!.steps }]);
		await expect(trainRul(engine, twice, job)).rejects.toThrow(/Unit 3 occurs twice/);
		const short = histories([{ ...units[0]!, sensors: units[0]!.sensors.slice(1) }, ...units.slice(1)]);
		await expect(trainRul(engine, short, job)).rejects.toThrow(/Unit 0: expected/);
	});

	test('a search begins with the plan as it stands, keeps to its minutes, and is judged on units it never saw', async () => {
		const { known, heldOut } = keepBack(makeUnits(20, 14), 3);
		expect([known.length, heldOut.length]).toEqual([16, 4]);
		expect(keepBack(makeUnits(11, 14), 3).heldOut).toEqual([]);
		// A clock that goes on by ten seconds with each trial.
		let seconds = 0;
		const seen: RulTrial[] = [];
		const { trials, plan } = await searchRul(engine, histories(known), {
			searchId: 'search',
			title: 'Bearings',
			seed: 3,
			minutes: 0.5,
			plan: { ...job.plan, updates: 30 },
			now: () => 1000 * seconds,
			onTrial: (trial) => {
				seen.push(trial);
				seconds += 10;
			}
		});
		expect(seen).toHaveLength(4);
		expect(seen[0]).toMatchObject({ number: 1, units: job.plan.network.units, learningRate: job.plan.learningRate });
		expect(trials.map(({ rmse }) => rmse)).toEqual(seen.map(({ rmse }) => rmse).sort((a, b) => a - b));
		expect(plan.network.units).toEqual(trials[0]!.units);
		const { pkg, backtest } = await trainRul(engine, histories(known), {
			...job,
			plan: { ...plan, updates: 30 },
			heldOut
		});
		expect(backtest.judgedBy).toBe('held-out');
		expect(backtest.unitIds).toEqual(heldOut.map(({ unitId }) => unitId));
		expect(pkg.version.metrics.heldOut?.units).toBe(4);
		await expect(trainRul(engine, histories(known), { ...job, heldOut: known.slice(0, 1) })).rejects.toThrow(
			/occurs twice/
		);
	});

	test('broken off and taken up again it gives the same weights, and learns no finished network twice', async () => {
		const units = histories(makeUnits(20, 15));
		const whole = await trainRul(engine, units, { ...job, plan: { ...job.plan, updates: 60 } });
		const kept = new Map<string, FitCheckpoint>();
		const learnt: number[] = [];
		const checkpoints = {
			load: (fit: string) => Promise.resolve(kept.get(fit)),
			save: async (fit: string, checkpoint: FitCheckpoint) => void kept.set(fit, checkpoint)
		};
		const run = (stopAt: number) => {
			const abort = new AbortController();
			return trainRul(engine, units, {
				...job,
				plan: { ...job.plan, updates: 60 },
				checkpoints,
				signal: abort.signal,
				onProgress: ({ member, epoch }) => {
					learnt.push(member);
					if (member === stopAt && epoch > 2) abort.abort();
				}
			});
		};
		await expect(run(2)).rejects.toMatchObject({ code: 'aborted' });
		expect(kept.size).toBe(2);
		learnt.length = 0;
		const { pkg } = await run(Infinity);
		expect(learnt.filter((member) => member === 1).length).toBeLessThanOrEqual(1);
		expect(pkg.version.weightsSha256).toBe(whole.pkg.version.weightsSha256);
	});

	test('a search that is taken up again tries what it had not tried, in the time that is left', async () => {
		let seconds = 0;
		const search = (done: readonly RulTrial[]) => {
			const seen: RulTrial[] = [];
			return searchRul(engine, histories(makeUnits(16, 16)), {
				searchId: 'search',
				title: 'Bearings',
				seed: 3,
				minutes: 0.5,
				plan: { ...job.plan, updates: 20 },
				done,
				now: () => 1000 * seconds,
				onTrial: (trial) => {
					seen.push({ ...trial, seconds: 10 });
					seconds += 10;
				}
			}).then(({ trials }) => ({ trials, seen }));
		};
		const { seen } = await search([]);
		const later = await search(seen.slice(0, 2));
		// Two trials took ten seconds each of thirty: there is time for one more of that length.
		expect(later.seen.map(({ number }) => number)).toEqual([3]);
		const three = seen.slice(0, 3).map(({ rmse }) => rmse);
		expect(later.trials.map(({ rmse }) => rmse)).toEqual(three.sort((a, b) => a - b));
	});

	test('cancelling rejects with aborted', async () => {
		const abort = new AbortController();
		const training = trainRul(engine, histories(makeUnits(24, 13)), {
			...job,
			signal: abort.signal,
			onProgress: () => abort.abort()
		});
		await expect(training).rejects.toMatchObject({ code: 'aborted' });
	});
});
