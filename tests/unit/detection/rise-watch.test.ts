/** The level watch: warns of a rise that lasts, of one channel among others that move together, and of nothing else. */
import { expect, test } from 'vitest';
import { RiseWatch } from '../../../src/lib/detection/recordings/rise-watch';

let state = 3;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
const level = (base: number, factor = 1) => base * factor * (1 + 0.02 * (uniform() + uniform() - 1));
const normal = () => [level(0.1), level(0.2), level(0.15)];
const training = Array.from({ length: 200 }, normal);

function firstWarning(watch: RiseWatch, rows: readonly number[][]): { row: number; channel: number } | undefined {
	for (const [row, values] of rows.entries()) {
		const state = watch.observe(row, values);
		if (state.warning) return { row, channel: state.channel };
	}
	return undefined;
}

test('normal running and single spikes give no warning', () => {
	const rows = Array.from({ length: 2000 }, (_, i) =>
		i % 97 === 0 ? [level(0.3), level(0.2), level(0.15)] : normal()
	);
	expect(firstWarning(new RiseWatch(training), rows)).toBeUndefined();
});

test('a slow rise of one channel is found long before it has doubled, and named', () => {
	const rows = Array.from({ length: 1000 }, (_, i) => [level(0.1), level(0.2, 1 + i / 1000), level(0.15)]);
	const found = firstWarning(new RiseWatch(training), rows)!;
	expect(found.channel).toBe(1);
	expect(found.row).toBeLessThan(150);
});

test('what moves all channels hides nothing that moves one', () => {
	const warm = Array.from({ length: 200 }, (_, i) => normal().map((value) => value * (1 + 0.1 * Math.sin(i / 15))));
	const rows = Array.from({ length: 400 }, (_, i) =>
		[level(0.1), level(0.2, 1 + i / 4000), level(0.15)].map((value) => value * (1 + 0.1 * Math.sin(i / 15)))
	);
	const together = firstWarning(new RiseWatch(warm), rows)!;
	const alone = firstWarning(
		new RiseWatch(warm.map((row) => [row[1]!])),
		rows.map((row) => [row[1]!])
	);
	expect(together.channel).toBe(1);
	expect(together.row).toBeLessThan(alone?.row ?? Infinity);
});

test('a machine that stands is not judged', () => {
	const watch = new RiseWatch(training);
	const stopped = watch.observe(0, [0.001, 0.001, 0.001]);
	expect(stopped.warning).toBe(false);
	expect(stopped.score).toBeNaN();
	expect(watch.observe(1, normal()).score).toBeLessThan(1);
});

test('refuses too short a training part and rows of another width', () => {
	expect(() => new RiseWatch(training.slice(0, 10))).toThrow(/needs 30 rows of normal running/);
	expect(() => new RiseWatch(training).observe(0, [1])).toThrow(/3 levels; the row has 1/);
});
