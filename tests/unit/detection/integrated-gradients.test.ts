import { describe, expect, test } from 'vitest';
import type { ModelPackage, ModelVersion } from '$lib/contracts';
import { attribute, expectedCourse, expectedWindow, networkSpecOf, sharesOf } from '$lib/detection';
import { planNetwork } from '$lib/neural/network-spec';
import { normalFrom, randomFrom } from '$lib/neural/random';

const sensors = 4;
const names = ['flow', 'pressure', 'speed', 'power'];

/** A predictor with random weights of a trained network's size. */
function packageOf(seed: number): ModelPackage {
	const spec = { kind: 'lstm-predictor' as const, features: sensors, units: [12, 6], windowSteps: 20 };
	const plan = planNetwork(networkSpecOf(spec));
	const random = randomFrom(seed);
	const weights = Float32Array.from({ length: plan.weightCount }, () => random() - 0.5);
	const version = {
		id: 'm',
		spec,
		scaler: { sensorNames: names, mean: [100, 5, 1500, 7], deviation: [10, 0.5, 100, 1] },
		calibration: {
			residualDeviation: [0.2, 0.3, 0.2, 0.4],
			residualMean: [0.01, 0, 0, -0.02],
			smoothing: 0.05,
			threshold: 1
		}
	} as unknown as ModelVersion;
	return { version, weights: weights.buffer };
}

function windowOf(rows: number, seed: number, fault?: { sensor: number; from: number; by: number }): Float32Array {
	const normal = normalFrom(seed);
	return Float32Array.from({ length: rows * sensors }, (_, k) => {
		const off = fault && k % sensors === fault.sensor && Math.floor(k / sensors) >= fault.from ? fault.by : 0;
		return 0.3 * normal() + off;
	});
}

const calmOf = (rows: number, levels = [0, 0, 0, 0]) =>
	Array.from({ length: rows * sensors }, (_, k) => levels[k % sensors]!);

describe('integrated gradients', () => {
	test('completeness: the parts add up to the growth of the residual', async () => {
		for (const seed of [1, 2, 3]) {
			const fault = { sensor: seed % sensors, from: 20, by: 2 };
			const found = await attribute({
				pkg: packageOf(seed),
				window: windowOf(60, seed, fault),
				rows: 60,
				judgedRows: 10,
				reference: calmOf(60)
			});
			expect(found.residual).toBeGreaterThan(found.referenceResidual);
			expect(found.completenessError).toBeLessThan(0.01);
		}
	});

	test('the sensor that moved comes first; one that stayed as it was gets nothing', async () => {
		const window = windowOf(60, 9, { sensor: 1, from: 30, by: 4 });
		for (let k = 2; k < window.length; k += sensors) window[k] = 0.5;
		const found = await attribute({
			pkg: packageOf(4),
			window,
			rows: 60,
			judgedRows: 10,
			reference: calmOf(60, [0, 0, 0.5, 0])
		});
		expect(sharesOf(found)[0]!.sensorName).toBe('pressure');
		expect(found.parts[2]).toBe(0);
	});

	test('what the network goes along with is a part of that sensor, and the parts still add up', async () => {
		const pkg = packageOf(2);
		const window = windowOf(60, 5);
		const request = { pkg, window, rows: 60, judgedRows: 10, reference: expectedWindow(pkg, window, 60) };
		const without = await attribute(request);
		const found = await attribute({ ...request, byOthers: [0, 0, 1e3, 0] });
		expect(found.parts[2]! - without.parts[2]!).toBeCloseTo(1e3);
		expect(found.residual - without.residual).toBeCloseTo(1e3);
		expect(sharesOf(found)[0]!.sensorName).toBe('speed');
		expect(found.completenessError).toBeLessThan(0.01);
	});

	test('the window as expected is the reference, and a residual of almost nothing where there was none', async () => {
		const pkg = packageOf(7);
		const calm = windowOf(60, 3);
		const reference = expectedWindow(pkg, calm, 60);
		expect(Array.from(reference.slice(0, sensors))).toEqual(Array.from(calm.slice(0, sensors)));
		const found = await attribute({ pkg, window: calm, rows: 60, judgedRows: 10, reference });
		expect(found.referenceResidual).toBeLessThan(found.residual);
	});

	test('stops when told to, and refuses a window without a past', async () => {
		const request = { pkg: packageOf(5), window: windowOf(40, 1), rows: 40, judgedRows: 10, reference: calmOf(40) };
		await expect(attribute({ ...request, proceed: async () => false })).rejects.toMatchObject({ code: 'aborted' });
		await expect(attribute({ ...request, judgedRows: 40 })).rejects.toMatchObject({ code: 'invalid-input' });
	});
});

describe('expected course', () => {
	test('begins anew after a gap, and is in own units with a band', () => {
		const rows = Array.from({ length: 120 }, (_, r) => ({
			time: r * 1000 + (r >= 60 ? 600_000 : 0),
			values: [100, 5, Number.NaN, 7],
			breakBefore: r === 0 || r === 60
		}));
		const { times, expected, band } = expectedCourse(packageOf(6), rows);
		expect(times).toHaveLength(80);
		expect(times[40]).toBe(80_000 + 600_000);
		expect(Array.from(expected[0]!.slice(0, 40))).toEqual(Array.from(expected[0]!.slice(40)));
		expect(Math.abs(expected[2]![0]! - 1500)).toBeLessThan(500);
		expect(band[0]).toBeCloseTo(3 * 10 * 0.2, 5);
	});
});
