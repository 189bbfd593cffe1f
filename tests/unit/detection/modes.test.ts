import { describe, expect, test } from 'vitest';
import {
	firstLearnedCode,
	modeCodeOf,
	nameOfMode,
	renameMode,
	type DetectedState,
	type ModelVersion,
	type NamedMode,
	type OperatingModes,
	type SensorKind
} from '$lib/contracts';
import { learnModes, ModeConditioning, ModeTracker } from '$lib/detection';
import { normalFrom } from '$lib/neural/random';
import { modeStretches } from '$lib/state/machine/mode-stretches';

const kinds: SensorKind[] = ['speed', 'temperature'];
const sensorNames = ['speed', 'temperature'];

/** Rows that hold each speed for `rows`, with noise; the temperature wanders by itself. */
function running(speeds: readonly number[], rows: number, seed = 1): number[][] {
	const normal = normalFrom(seed);
	return speeds.flatMap((speed) => Array.from({ length: rows }, () => [speed + 5 * normal(), 40 + normal()]));
}
const learn = (speeds: readonly number[]) => learnModes({ sensorNames, kinds, rows: running(speeds, 300) })!;

describe('learning modes', () => {
	test('as many modes as the load has levels, by rising load, whatever other sensors do', () => {
		const modes = learn([1000, 2000, 3000, 1000, 3000, 2000]);
		expect(modes.sensorNames).toEqual(['speed']);
		expect(modes.modes.map(({ typical }) => Math.round(typical[0]! / 100))).toEqual([10, 20, 30]);
		expect(modes.modes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 3);
	});

	test('a load that varies evenly is one mode', () => {
		const speeds = Array.from({ length: 60 }, (_, i) => 1000 + 20 * ((i * 37) % 60));
		expect(learn(speeds).modes).toHaveLength(1);
	});

	test('no load signal, or one that never moves: no modes', () => {
		expect(learnModes({ sensorNames, kinds: ['pressure', 'temperature'], rows: running([1, 2], 300) })).toBeUndefined();
		expect(learnModes({ sensorNames, kinds, rows: running([1500], 900).map(([, t]) => [1500, t!]) })).toBeUndefined();
	});
});

describe('following modes', () => {
	const modes = learn([1000, 2000, 1000, 2000]);
	const follow = (tracker: ModeTracker, rows: readonly number[][], unwell = false) =>
		rows.map((row) => tracker.observe(row, 'running', unwell));

	test('a change between known modes is followed and never called new', () => {
		const tracker = new ModeTracker(modes, sensorNames);
		const seen = follow(tracker, running([1000, 2000, 1000], 200, 2));
		expect(seen.slice(100, 199).every((id) => id === 'm1')).toBe(true);
		expect(seen[399]).toBe('m2');
		expect(seen.at(-1)).toBe('m1');
		expect(seen).not.toContain('new');
	});

	test('a speed never seen is new once it lasts, and known ones are known again afterwards', () => {
		const tracker = new ModeTracker(modes, sensorNames);
		const seen = follow(tracker, running([1000, 3500, 2000], 300, 3));
		expect(seen[299]).toBe('m1');
		expect(seen.slice(450, 600).every((id) => id === 'new')).toBe(true);
		expect(seen.at(-1)).toBe('m2');
	});

	test('a load that creeps away, or leaves while an anomaly is open, is no new mode', () => {
		const creep = Array.from({ length: 1500 }, (_, i) => [2000 + i, 40]);
		expect(follow(new ModeTracker(modes, sensorNames), creep)).not.toContain('new');
		const tracker = new ModeTracker(modes, sensorNames);
		follow(tracker, running([1000], 200, 4));
		expect(follow(tracker, running([3500], 400, 5), true)).not.toContain('new');
	});
});

describe('verdicts by mode', () => {
	const modes = learn([1000, 2000, 1000, 2000]);
	const state = (score: number): DetectedState => ({
		machineId: 'p',
		time: 0,
		modelId: 'm',
		score,
		anomalous: score >= 1,
		mode: 'running',
		deviations: []
	});
	const conditioning = (own: OperatingModes | undefined) =>
		new ModeConditioning({
			modes: own,
			scaler: { sensorNames, mean: [0, 0], deviation: [1, 1] }
		} as unknown as ModelVersion);

	test('what happens in a new mode, and on the way to it, is no anomaly', () => {
		const judge = conditioning(modes);
		for (const row of running([1000], 200)) judge.apply(state(0.4), row, false);
		// As the detector does: for 25 rows after a jump the score stays as it was.
		const states = running([3500], 300, 6).map((row, i) =>
			judge.apply(i < 25 ? { ...state(0.4), mode: 'changing' } : state(5), row, false)
		);
		expect(states.filter(({ anomalous }) => anomalous)).toEqual([]);
		expect(states.at(-1)).toMatchObject({ unscored: 'new-mode', modeId: 'new', anomalous: false });
		expect(modeCodeOf(states.at(-1)!)).toBe(3);
		const back = running([2000], 300, 7).map((row) => judge.apply(state(0.4), row, false));
		expect(back.at(-1)).toMatchObject({ modeId: 'm2', score: 0.4 });
		expect(modeCodeOf(back.at(-1)!)).toBe(firstLearnedCode + 1);
	});

	test('without modes nothing changes', () => {
		expect(conditioning(undefined).apply(state(0.9), [1000, 40], false)).toEqual(state(0.9));
	});
});

describe('names and stretches', () => {
	test('a name is kept by what the mode is like, survives another model, and can be taken away', () => {
		const first = learn([1000, 2000, 1000, 2000]);
		let names: NamedMode[] = renameMode(first, 1, '  Full load ', []);
		const second = learn([500, 1010, 2010, 500, 1010, 2010]);
		expect(second.modes.map(({ typical }) => nameOfMode(second, typical, names))).toEqual([
			undefined,
			undefined,
			'Full load'
		]);
		names = renameMode(second, 2, 'Product B', names);
		expect(names.map(({ name }) => name)).toEqual(['Product B']);
		expect(renameMode(second, 2, ' ', names)).toEqual([]);
	});

	test('codes become stretches; one not repeated for long ends', () => {
		const minute = 60_000;
		const label = (index: number) => `Mode ${index + 1}`;
		const found = modeStretches([0, minute, 2 * minute, 5 * minute], [0, 10, 10, 3], 60 * minute, label);
		expect(found.map(({ from, to, label: words }) => [from / minute, to / minute, words])).toEqual([
			[0, 1, 'Off'],
			[1, 5, 'Mode 1'],
			[5, 20, 'New']
		]);
	});
});
