/** Trials on parallel axes: every value has its place, the best lies on top, a finger finds the line under it. */
import { expect, test } from 'vitest';
import type { RulTrial } from '../../../src/lib/contracts';
import { layOutParallel, nearestTrial } from '../../../src/lib/charts/parallel-plot';

const trial = (number: number, units: number[], windowSteps: number, rmse: number): RulTrial => ({
	id: `t${number}`,
	searchId: 's',
	title: 'Bearings',
	number,
	at: number,
	units,
	bidirectional: number === 2,
	windowSteps,
	learningRate: 0.003,
	rmse,
	constantRmse: 20,
	coverage90: 0.9,
	seconds: 1,
	stepName: 'hour'
});
const trials = [trial(1, [16], 20, 10), trial(2, [32, 16], 10, 9), trial(3, [8], 20, 14)];

test('axes hold each value once, in order, and the error its least at the top', () => {
	const { axes, lines } = layOutParallel(trials, { width: 800, height: 300 });
	expect(axes.map(({ key, ticks }) => [key, ticks.map(({ label }) => label)]).slice(0, 4)).toEqual([
		['units', ['32-16', '16', '8']],
		['direction', ['yes', 'no']],
		['window', ['20', '10']],
		['rate', ['0.003']]
	]);
	const error = axes.at(-1)!;
	expect(error.at).toBe(800);
	expect(error.yOf(trials[1]!)).toBeLessThan(error.yOf(trials[0]!));
	expect(error.yOf(trials[0]!)).toBeLessThan(error.yOf(trials[2]!));
	expect(lines.find(({ trial }) => trial.id === 't2')).toMatchObject({ rank: 0 });
	expect(lines[0]!.path).toMatch(/^M0,150L200,225L/);
});

test('a finger chooses the line it is on, the better one of two that lie on one another, none far away', () => {
	const { axes, lines } = layOutParallel(trials, { width: 800, height: 300 });
	expect(nearestTrial(lines, axes, 0, 55)?.id).toBe('t2');
	expect(nearestTrial(lines, axes, 0, 245)?.id).toBe('t3');
	// On "both ways: no" two lines meet.
	expect(nearestTrial(lines, axes, 200, 225)?.id).toBe('t1');
	expect(nearestTrial(lines, axes, 200, 150)).toBeUndefined();
});
