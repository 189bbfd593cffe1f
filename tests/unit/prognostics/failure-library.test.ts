/** Time to failure by likeness to known failures: a made-up library, and machines whose end is known. */
import { describe, expect, test } from 'vitest';
import type { FailureLibrary, HealthReport } from '../../../src/lib/contracts';
import { MachinePrognosis, pathOf } from '../../../src/lib/prognostics';
import { normalFrom } from '../../../src/lib/neural/random';

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 5);
const sensorNames = ['vibration', 'temperature'];
const points = 40;
/** Score 0.4 while normal; a fault takes it to 30, in vibration or in temperature. */
const scoreAt = (share: number) => 0.4 * (30 / 0.4) ** Math.max(0, share);
const sharesOf = (fault: string, share: number) =>
	share <= 0 ? [0.5, 0.5] : fault === 'bearing-wear' ? [0.95, 0.05] : [0.1, 0.9];
const life = (fault: string, hours: number) => ({
	fault,
	hours,
	path: Array.from({ length: points }, (_, p) => p / (points - 1)).flatMap((share) => [
		...pathOf(scoreAt(share), sharesOf(fault, share))
	])
});
const library: FailureLibrary = {
	modelId: 'model',
	sensorNames,
	points,
	normal: [...pathOf(0.4, [0.5, 0.5])],
	spread: [0.15, 0.1, 0.1],
	lives: [life('bearing-wear', 300), life('bearing-wear', 420), life('cooling-clog', 360)],
	description: 'made up'
};

/** What is said `hoursBefore` the failure of a machine whose fault began `length` hours before it; hourly reports. */
function sayBefore(hoursBefore: number, fault: string, length: number, known: FailureLibrary | null = library) {
	const prognosis = new MachinePrognosis('m', 360_000);
	if (known) prognosis.learnFailures(known);
	const normal = normalFrom(5);
	const onset = 100;
	let said;
	for (let hour = 0; hour <= onset + length - hoursBefore; hour++) {
		const share = (hour - onset) / length;
		const score = scoreAt(share) * Math.exp(0.1 * normal());
		const parts = sharesOf(fault, share);
		const report: HealthReport = {
			machineId: 'm',
			time: start + hour * hourMs,
			index: 100 / (1 + (score / 2) ** 2),
			grade: 'good',
			score,
			anomalous: score >= 1,
			mode: 'running',
			contributors: sensorNames.map((sensorName, i) => ({
				sensorName,
				share: parts[i]!,
				actual: 0,
				expected: 0,
				band: 1
			})),
			modelId: 'model'
		} as HealthReport;
		said = prognosis.observe(report);
	}
	return said!;
}

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

	test('a calibration moves the median, widens the interval and says what it was measured on', () => {
		const calibration = { shift: -0.3, widen: 2, within: [null, null, null], brier: 0.1, reliability: [], lives: 12 };
		const plain = sayBefore(100, 'bearing-wear', 360);
		const said = sayBefore(100, 'bearing-wear', 360, { ...library, calibration });
		expect(said.rulHours!.median).toBeLessThan(plain.rulHours!.median);
		expect(said.rulHours!.high / said.rulHours!.low).toBeGreaterThan(plain.rulHours!.high / plain.rulHours!.low);
		expect(said.failure!.calibration).toEqual(calibration);
	});

	test('a machine that runs as it should has no time to failure', () => {
		expect(sayBefore(360, 'bearing-wear', 360).rulHours).toBeUndefined();
	});

	test('without a library, the health trend says what it can', () => {
		expect(sayBefore(72, 'bearing-wear', 300, null).failure).toBeUndefined();
	});
});
