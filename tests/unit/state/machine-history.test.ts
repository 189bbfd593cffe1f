/** What the machine screen keeps of expected bands and of modes: the past as it was calculated or stored, then what was heard. */
import { describe, expect, it } from 'vitest';
import { modeHeartbeatMs, type ExpectedBands } from '$lib/contracts';
import { BandHistory } from '$lib/state/machine/band-history';
import { ModeHistory } from '$lib/state/machine/mode-history';

const calculated = (times: number[]): ExpectedBands => ({
	modelId: 'm',
	times,
	sensors: [{ sensorName: 'flow', expected: times.map(() => 10), band: 2 }]
});

describe('expected bands', () => {
	it('are the past up to the first row heard live, then what was heard', () => {
		const bands = new BandHistory();
		bands.add('flow', 30, 7, 9);
		bands.add('flow', 30, 0, 0);
		bands.add('flow', 40, 6, 8);
		bands.takePast(calculated([10, 20, 30]));
		expect(bands.joined().get('flow')).toEqual({ times: [10, 20, 30, 40], low: [8, 8, 7, 6], high: [12, 12, 9, 8] });
		bands.trim(20);
		expect(bands.joined().get('flow')!.times).toEqual([20, 30, 40]);
		bands.takePast(undefined);
		expect(bands.joined().get('flow')!.times).toEqual([30, 40]);
	});

	it('are asked for once, with a margin, and again for another model, an older view or after a failure', () => {
		const bands = new BandHistory();
		const view = { from: 1000, to: 1100 };
		const claim = (from = view.from, following = false, modelId = 'm') =>
			bands.claim({ from, to: from + 100 }, following, modelId, 1120);
		expect(claim()).toMatchObject({ from: 950, to: 1120 });
		expect(claim(960)).toBeUndefined();
		expect(claim(1030)).toMatchObject({ from: 980 });
		expect(claim(1080, true)).toBeUndefined();
		expect(claim(1030, true, 'other')).toMatchObject({ from: 980 });
		bands.trim(1010);
		expect(claim(1000, true, 'other')).toMatchObject({ from: 950 });
		bands.release();
		expect(claim(1000, true, 'other')).toMatchObject({ from: 950 });
	});
});

describe('modes', () => {
	it('are noted when they change, and at each heartbeat', () => {
		const modes = new ModeHistory();
		expect(modes.add(0, 1)).toBe(true);
		expect(modes.add(1_000, 1)).toBe(false);
		expect(modes.add(2_000, 2)).toBe(true);
		expect(modes.add(2_000, 3)).toBe(false);
		expect(modes.add(2_000 + modeHeartbeatMs, 2)).toBe(true);
		expect(modes.times).toEqual([0, 2_000, 2_000 + modeHeartbeatMs]);
		expect(modes.codes).toEqual([1, 2, 2]);
	});

	it('heard since the newest stored one follow it, unless there is a span between that was not read', () => {
		const heard = () => {
			const modes = new ModeHistory();
			modes.add(5_000, 1);
			modes.add(6_000, 2);
			return modes;
		};
		const stored = { times: Float64Array.of(1_000, 5_000), mean: Float64Array.of(3, 4) };
		const joined = heard();
		joined.takeStored(stored, 4_000);
		expect([joined.times, joined.codes]).toEqual([
			[1_000, 5_000, 6_000],
			[3, 4, 2]
		]);
		const apart = heard();
		apart.takeStored(stored, 5_500);
		expect([apart.times, apart.codes]).toEqual([
			[1_000, 5_000],
			[3, 4]
		]);
		const none = heard();
		none.takeStored(undefined);
		expect(none.times).toEqual([5_000, 6_000]);
	});
});
