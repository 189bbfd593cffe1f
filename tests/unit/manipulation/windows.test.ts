/** Scaling and windowing: what training sees is what live scoring sees. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutWindows, fitScaler, persistenceLoss, scaleRow, unscale } from '$lib/manipulation';

const rows = (values: readonly (readonly number[])[]) =>
	values.map((row, i) => ({ time: i * 1000, values: Float32Array.from(row), breakBefore: i === 0 }));

describe('fitScaler', () => {
	it('gives mean and deviation, and guards a constant column', () => {
		const scaler = fitScaler(
			['a', 'b'],
			rows([
				[1, 500],
				[3, 500],
				[NaN, 500]
			])
		);
		expect(scaler.mean).toEqual([2, 500]);
		expect(scaler.deviation[0]).toBeCloseTo(1);
		expect(scaler.deviation[1]).toBeGreaterThan(0.1);
		const out = new Float32Array(2);
		scaleRow(scaler, [2, 500.1], out);
		expect(Math.abs(out[1]!)).toBeLessThan(1);
	});
	it('names the sensor that has no value', () => {
		expect(() => fitScaler(['a', 'b'], rows([[1, NaN]]))).toThrow(/b/);
	});
	it("comes back to the sensor's own unit", () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 50 }), (values) => {
				const scaler = fitScaler(['a'], rows(values.map((value) => [value])));
				const out = new Float32Array(1);
				scaleRow(scaler, [values[0]!], out);
				expect(Number.isFinite(out[0])).toBe(true);
				expect(unscale(scaler, 0, out[0]!)).toBeCloseTo(values[0]!, 1);
			})
		);
	});
});

describe('cutWindows', () => {
	it('pairs every input row with the row after it, and reaches the newest row', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 5, max: 60 }),
				fc.integer({ min: 1, max: 10 }),
				fc.integer({ min: 1, max: 9 }),
				(length, steps, stride) => {
					const segment = rows(Array.from({ length }, (_, i) => [i]));
					const { inputs, targets, count } = cutWindows(
						[segment],
						{ sensorNames: ['a'], mean: [0], deviation: [1] },
						steps,
						stride
					);
					expect(count > 0).toBe(length > steps);
					for (let i = 0; i < inputs.length; i++) expect(targets[i]).toBe(inputs[i]! + 1);
					if (count > 0) expect(targets[targets.length - 1]).toBe(length - 1);
				}
			)
		);
	});
	it('makes no window across segments', () => {
		const scaler = { sensorNames: ['a'], mean: [0], deviation: [1] };
		const { count } = cutWindows([rows([[1], [2], [3]]), rows([[4], [5], [6]])], scaler, 3, 1);
		expect(count).toBe(0);
	});
	it('measures "the next row equals this one"', () => {
		const scaler = { sensorNames: ['a'], mean: [0], deviation: [2] };
		expect(persistenceLoss(cutWindows([rows([[0], [2], [4], [6]])], scaler, 2, 1))).toBeCloseTo(1);
	});
});
