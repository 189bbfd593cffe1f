/** A machine's day as features: nothing later than the day itself, and labels that say what followed. */
import { describe, expect, test } from 'vitest';
import { dayFeatureNames, dayFeatures, failsWithin, type MachineDays } from '../../../src/lib/prognostics';

const machine = (change: Partial<MachineDays> = {}): MachineDays => ({
	telemetry: Float64Array.from({ length: 20 }, (_, day) => 100 + day),
	channelNames: ['vibration'],
	days: 20,
	errors: [{ kind: 'error1', at: [3.5, 9.25, 9.5] }],
	replacements: [{ component: 'comp1', at: [-10, 8.25] }],
	failures: [12.25],
	constants: [{ name: 'age years', value: 7 }],
	...change
});

function row(of: MachineDays, day: number): Record<string, number> {
	const names = dayFeatureNames(of);
	const rows = dayFeatures(of);
	return Object.fromEntries(names.map((name, f) => [name, rows[day * names.length + f]!]));
}

describe('features of a machine-day', () => {
	test('count errors and the age of components up to the end of the day', () => {
		expect(row(machine(), 9)).toMatchObject({
			vibration: 109,
			'error1 today': 2,
			'error1, 7 days': 3,
			'days since comp1': 1.75,
			'days since failure': 365,
			'age years': 7
		});
		expect(row(machine(), 7)['days since comp1']).toBe(18);
	});

	test('know nothing of later days', () => {
		const later = machine({
			telemetry: Float64Array.from({ length: 20 }, (_, day) => (day <= 9 ? 100 + day : -5)),
			errors: [{ kind: 'error1', at: [3.5, 9.25, 9.5, 10.1, 12] }],
			replacements: [{ component: 'comp1', at: [-10, 8.25, 11] }],
			failures: [10.25, 12.25]
		});
		expect(row(later, 9)).toEqual(row(machine(), 9));
	});

	test('a day without telemetry leaves numbers', () => {
		const gap = machine({ telemetry: new Float64Array(20).fill(Number.NaN) });
		expect([...dayFeatures(gap)].every(Number.isFinite)).toBe(true);
	});

	test('a failure is ahead of the days before it only', () => {
		expect([...failsWithin([12.25], 20, 1)].flatMap((label, day) => (label ? [day] : []))).toEqual([11]);
		expect([...failsWithin([12.25], 20, 7)].flatMap((label, day) => (label ? [day] : []))).toEqual([
			5, 6, 7, 8, 9, 10, 11
		]);
	});
});
