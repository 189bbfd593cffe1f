import { describe, expect, it } from 'vitest';
import { layOutLoss } from '$lib/charts/loss-plot';
import { keyTarget, moveHandle } from '$lib/charts/span-range';
import { fromLocalInput, toLocalInput } from '$lib/state/app/local-time';

const limits = { from: 1_000, to: 2_000 };

describe('choosing a span by handles', () => {
	it('stays inside what is stored', () => {
		expect(moveHandle({ from: 1_200, to: 1_800 }, 'from', 0, limits, 10).from).toBe(1_000);
		expect(moveHandle({ from: 1_200, to: 1_800 }, 'to', 9_999, limits, 10).to).toBe(2_000);
	});
	it('never turns the span round or makes it shorter than the least', () => {
		expect(moveHandle({ from: 1_200, to: 1_800 }, 'from', 1_900, limits, 10)).toEqual({ from: 1_790, to: 1_800 });
		expect(moveHandle({ from: 1_200, to: 1_800 }, 'to', 1_100, limits, 10)).toEqual({ from: 1_200, to: 1_210 });
	});
	it('moves by keys, and leaves other keys alone', () => {
		expect(keyTarget('ArrowRight', 1_500, limits)).toBe(1_510);
		expect(keyTarget('PageDown', 1_500, limits)).toBe(1_400);
		expect(keyTarget('Home', 1_500, limits)).toBe(1_000);
		expect(keyTarget('Tab', 1_500, limits)).toBeUndefined();
	});
});

describe('times in inputs', () => {
	it('come back as they were given, to the second', () => {
		const time = new Date(2026, 10, 23, 7, 5, 9).getTime();
		expect(fromLocalInput(toLocalInput(time))).toBe(time);
		expect(fromLocalInput('')).toBeUndefined();
	});
});

describe('the loss chart', () => {
	const curve = [
		{ epoch: 1, train: 1, validation: 0.8 },
		{ epoch: 2, train: 0.1, validation: 0.2 }
	];
	it('puts the floor between losses above and below it', () => {
		const plot = layOutLoss(curve, 0.4, 10, { width: 300, height: 160 });
		expect(plot.floor).toBeGreaterThan(0);
		expect(plot.floor).toBeLessThan(plot.best!.validation);
	});
	it('draws nothing, and does not fail, before the first epoch', () => {
		expect(layOutLoss([], undefined, 10, { width: 300, height: 160 })).toMatchObject({ train: '', floor: undefined });
		expect(
			layOutLoss([{ epoch: 1, train: NaN, validation: 0 }], 0, 0, { width: 300, height: 160 }).best
		).toBeUndefined();
	});
});
