/** The health of a line or plant: one failing machine shows, the rest counts, what has no index is said. */
import { expect, test } from 'vitest';
import { groupHealth } from '$lib/state/plant/group-health';

const machines = (...indices: number[]) => indices.map((index, i) => ({ name: `m${i}`, index }));

test('half the worst, half the mean', () => {
	const { index, worst, mean, worstName, grade } = groupHealth(machines(100, 90, 20));
	expect([index, worst, mean, worstName, grade]).toEqual([45, 20, 70, 'm2', 'poor']);
});

test('one failing machine among fifty takes the plant out of "good"', () => {
	expect(groupHealth(machines(...new Array<number>(49).fill(100), 10)).grade).toBe('poor');
});

test('machines without an index are counted apart; none with one is unknown', () => {
	expect(groupHealth(machines(80, NaN))).toMatchObject({ index: 80, counted: 1, left: 1 });
	expect(groupHealth(machines(NaN))).toMatchObject({ grade: 'unknown', left: 1 });
	expect(groupHealth([]).index).toBeNaN();
});

test('the grade has hysteresis', () => {
	expect(groupHealth(machines(81), 'watch').grade).toBe('watch');
	expect(groupHealth(machines(84), 'watch').grade).toBe('good');
});
