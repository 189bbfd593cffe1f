/** Every fault shows in the sensors its class declares, as strongly as declared, and grows by its law. */
import { describe, expect, it } from 'vitest';
import { growthLaws, machineClasses, severityAt, shareAtSeverity, type GrowthLawId } from '../../../simulator';
import { measureEffects } from '../../../simulator/measure-effects';

const cases = machineClasses.flatMap((machineClass) =>
	machineClass.faults.map((fault) => [`${machineClass.id}: ${fault.id}`, machineClass, fault] as const)
);
// not the run that the declared figures were measured on
const options = { machines: 4, hours: 1.5, seed: 202 };

describe('faults', () => {
	it.each(cases)('%s shows where its class says', (_, machineClass, fault) => {
		const declared = Object.entries(fault.effects).sort(([, a], [, b]) => b - a);
		const full = measureEffects(machineClass, fault, 1, options);
		for (const [name, effect] of declared) {
			// a level that falls and is topped up depends on how long it was watched
			const tolerance = name === 'tankLevel' ? 0.7 : 0.5;
			expect(Math.abs(full[name]! - effect), `${name} declared ${effect}, measured ${full[name]}`).toBeLessThan(
				0.4 + tolerance * effect
			);
		}
		for (const [name, effect] of Object.entries(full))
			if (!(name in fault.effects)) expect(effect, `${name} is not declared`).toBeLessThan(0.9);

		const half = measureEffects(machineClass, fault, 0.5, options);
		const [strongest] = declared[0]!;
		expect(half[strongest]! + (half[declared[1]?.[0] ?? ''] ?? 0)).toBeGreaterThan(1.5);
		expect(half[strongest]!).toBeGreaterThan(0.4);
		expect(half[strongest]!).toBeLessThan(full[strongest]! * 1.1 + 0.5);
	});

	it.each(cases)('%s names at least one affected sensor and its source', (_, machineClass, fault) => {
		expect(Object.keys(fault.effects).length).toBeGreaterThan(0);
		expect(fault.source).toMatch(/\d{3}|ch\. \d|curve|DIN|ISO/);
		expect(machineClass.sensors.length).toBeGreaterThan(0);
	});

	it.each(machineClasses.map((c) => [c.id, c] as const))(
		'%s shows nothing while the fault has not begun',
		(_, machineClass) => {
			const effects = measureEffects(machineClass, machineClass.faults[0]!, 0, options);
			for (const [name, effect] of Object.entries(effects)) expect(effect, name).toBeLessThan(1e-9);
		}
	);

	it('most show in several sensors at once', () => {
		const several = cases.filter(([, , fault]) => Object.keys(fault.effects).length >= 2);
		expect(several.length / cases.length).toBeGreaterThan(0.9);
	});
});

describe.each(Object.keys(growthLaws) as GrowthLawId[])('growth law %s', (law) => {
	it('rises from 0 at onset to 1 at the event and stays there', () => {
		expect(severityAt(law, 100, 200, 50)).toBe(0);
		expect(severityAt(law, 100, 200, 100)).toBe(0);
		let last = 0;
		for (let at = 101; at < 200; at++) {
			const severity = severityAt(law, 100, 200, at);
			expect(severity).toBeGreaterThan(last);
			last = severity;
		}
		expect(severityAt(law, 100, 200, 200 - 1e-9)).toBeCloseTo(1, 6);
		expect(severityAt(law, 100, 200, 300)).toBe(1);
	});

	it('gives back the share at which a severity is reached', () => {
		for (const severity of [0.1, 0.5, 0.9])
			expect(growthLaws[law].severity(shareAtSeverity(law, severity))).toBeCloseTo(severity, 6);
	});
});
