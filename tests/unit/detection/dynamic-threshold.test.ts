/** Errors of a whole recording: what stands out is found without a threshold set beforehand, and nothing where nothing does. */
import { expect, test } from 'vitest';
import { outstandingErrors, smoothErrors } from '$lib/detection';
import { randomFrom } from '$lib/neural/random';

/** Absolute errors of normal running, with bursts of a size. */
function errorsWith(rows: number, bursts: readonly { from: number; to: number; size: number }[]): Float64Array {
	const random = randomFrom(3);
	return Float64Array.from({ length: rows }, (_, r) => {
		const burst = bursts.find(({ from, to }) => r >= from && r <= to);
		return 0.5 + random() + (burst?.size ?? 0);
	});
}

test('one burst is one finding around it, several times over its threshold', () => {
	const [finding, ...others] = outstandingErrors(smoothErrors(errorsWith(6000, [{ from: 3000, to: 3100, size: 8 }])), {
		leastError: 0
	});
	expect(others).toEqual([]);
	expect(finding!.from).toBeGreaterThan(2800);
	expect(finding!.from).toBeLessThan(3100);
	expect(finding!.to).toBeGreaterThan(3100);
	expect(finding!.to).toBeLessThan(3600);
	expect(finding!.peak).toBeGreaterThan(1);
});

test('a small rise beside a large one is pruned; in a window of its own it is found', () => {
	const smoothed = smoothErrors(
		errorsWith(9000, [
			{ from: 2000, to: 2200, size: 20 },
			{ from: 7000, to: 7200, size: 3 }
		])
	);
	const meets = (row: number) => (one: { from: number; to: number }) => one.from <= row && one.to >= row;
	const whole = outstandingErrors(smoothed, { leastError: 0 });
	expect(whole.some(meets(2150))).toBe(true);
	expect(whole.some(meets(7150))).toBe(false);
	const parts = outstandingErrors(smoothed, { leastError: 0, windowRows: 2100 });
	expect(parts.some(meets(2150))).toBe(true);
	expect(parts.some(meets(7150))).toBe(true);
});

test('calm and constant errors, errors too small to matter, and no errors at all give no finding', () => {
	expect(outstandingErrors(smoothErrors(errorsWith(6000, [])), { leastError: 0 })).toEqual([]);
	expect(outstandingErrors(smoothErrors(new Float64Array(3000).fill(1)), { leastError: 0 })).toEqual([]);
	const burst = smoothErrors(errorsWith(6000, [{ from: 3000, to: 3100, size: 8 }]));
	expect(outstandingErrors(burst, { leastError: 100 })).toEqual([]);
	expect(outstandingErrors(smoothErrors(new Float64Array(500).fill(Number.NaN)), { leastError: 0 })).toEqual([]);
	expect(outstandingErrors(new Float64Array(0), { leastError: 0 })).toEqual([]);
});

test('rows without an error are left out, and smoothing goes on after them', () => {
	const errors = errorsWith(6000, [{ from: 3000, to: 3100, size: 8 }]);
	errors.fill(Number.NaN, 3050, 3060);
	const smoothed = smoothErrors(errors);
	expect([...smoothed.subarray(3050, 3060)].every(Number.isNaN)).toBe(true);
	expect(smoothed[3060]).toBeGreaterThan(smoothed[3049]! - 0.2);
	expect(outstandingErrors(smoothed, { leastError: 0 })).toHaveLength(1);
});
