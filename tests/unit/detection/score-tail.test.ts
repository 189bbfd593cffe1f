/** The tail of a machine's score: the threshold read from it is exceeded as often as was chosen, whatever the scores look like. */
import { describe, expect, test } from 'vitest';
import { ScoreTail, evidenceDays, mostPeaksPerDay, readTail, type ScoreTailRecord } from '$lib/detection';
import { normalFrom, randomFrom } from '$lib/neural/random';

const hour = 3_600_000;
const day = 24 * hour;
const stepMs = 60_000;
const runRows = 10;
const start = 1_000 * day;

/** Scores in normal running, one a minute; neighbours are alike where a real score's are. */
const kinds: Record<string, (seed: number) => () => number> = {
	exponential: (seed) => {
		const uniform = randomFrom(seed);
		return () => 0.2 - 0.05 * Math.log(1 - uniform());
	},
	bounded: (seed) => {
		const uniform = randomFrom(seed);
		return () => 0.8 - 0.6 * (1 - uniform()) ** 0.3;
	},
	'heavy-tailed': (seed) => {
		const uniform = randomFrom(seed);
		return () => 0.1 + 0.05 * (1 - uniform()) ** -0.15;
	},
	smoothed: (seed) => {
		const normal = normalFrom(seed);
		let level = 0;
		return () => Math.abs((level += 0.3 * (normal() - level))) * 0.5;
	}
};

function watch(tail: ScoreTail, draw: () => number, days: number, from = start): void {
	for (let row = 0; row < (days * day) / stepMs; row++) tail.take(from + row * stepMs, draw(), false);
}

/** Times that scores rise beyond a level, those within a run of each other being one. */
function crossings(draw: () => number, days: number, level: number): number {
	let count = 0;
	let quiet = runRows;
	for (let row = 0; row < (days * day) / stepMs; row++) {
		const above = draw() > level;
		if (above && quiet >= runRows) count++;
		quiet = above ? 0 : quiet + 1;
	}
	return count;
}

describe('tail of a score', () => {
	test.each(Object.keys(kinds))('%s scores cross the threshold about as often as was chosen', (name) => {
		for (const perWeek of [7, 1]) {
			let found = 0;
			let surely = 0;
			const machines = 8;
			const weeks = 8;
			for (let seed = 1; seed <= machines; seed++) {
				const tail = new ScoreTail(runRows, stepMs);
				watch(tail, kinds[name]!(seed), evidenceDays);
				const { level, high } = readTail(tail.evidence, [], perWeek)!;
				found += crossings(kinds[name]!(1_000 + seed), 7 * weeks, level);
				surely += crossings(kinds[name]!(1_000 + seed), 7 * weeks, high);
			}
			const chosen = perWeek * machines * weeks;
			expect(found / chosen).toBeGreaterThan(0.5);
			expect(found / chosen).toBeLessThan(2);
			// The level that thresholds are lowered to.
			expect(surely / chosen).toBeLessThan(1);
		}
	});

	test('less than a day says nothing, and little data a wider interval', () => {
		const widths = [0.8, 2, 20].map((days) => {
			const tail = new ScoreTail(runRows, stepMs);
			watch(tail, kinds.exponential!(5), days);
			const found = readTail(tail.evidence, [], 1);
			return found && found.high - found.low;
		});
		expect(widths[0]).toBeUndefined();
		expect(widths[2]!).toBeLessThan(widths[1]!);
	});

	test('a machine that has become less steady is judged by how it runs now', () => {
		const tail = new ScoreTail(runRows, stepMs);
		const draw = kinds.exponential!(3);
		watch(tail, draw, 40);
		const before = readTail(tail.evidence, [], 1)!.level;
		watch(tail, () => 1.4 * draw(), evidenceDays + 1, start + 40 * day);
		expect(readTail(tail.evidence, [], 1)!.level / before).toBeCloseTo(1.4, 0);
		watch(tail, draw, evidenceDays + 1, start + 80 * day);
		expect(readTail(tail.evidence, [], 1)!.level / before).toBeCloseTo(1, 0);
	});

	test('memory stays the same however long a machine runs, and hours go on being counted', () => {
		const tail = new ScoreTail(runRows, stepMs);
		watch(tail, kinds.smoothed!(2), 200);
		const { days } = tail.record;
		expect(days.reduce((sum, { peaks }) => sum + peaks.length, 0)).toBeLessThanOrEqual(evidenceDays * mostPeaksPerDay);
		expect(days).toHaveLength(91);
		expect(tail.watched!.since).toBe(days[0]!.day * day);
		expect(tail.watched!.hours / (91 * 24)).toBeCloseTo(1, 1);
		expect(tail.evidence.hours / (evidenceDays * 24)).toBeCloseTo(1, 1);
	});

	test('an anomaly is no normal running, nor what led up to it, nor the way back; one that was judged false is', () => {
		const tail = new ScoreTail(runRows, stepMs);
		watch(tail, kinds.exponential!(8), 3);
		const calm = tail.record;
		const from = start + 3 * day;
		for (let row = 0; row < 30; row++) tail.take(from + row * stepMs, 0.9, false);
		for (let row = 30; row < 60; row++) tail.take(from + row * stepMs, 3, true);
		for (let row = 60; row < 60 + runRows; row++) tail.take(from + row * stepMs, 0.9, false);
		watch(tail, kinds.exponential!(9), 1, from + (60 + runRows) * stepMs);
		const largest = Math.max(...tail.evidence.peaks);
		expect(largest).toBeLessThan(0.9);
		expect(tail.watched!.hours).toBeLessThan(4 * 24 - 1);
		expect(calm.days.length).toBe(3);
		const without = readTail(tail.evidence, [], 1)!;
		expect(readTail(tail.evidence, [1.5, 1.2], 1)!.level).toBeGreaterThan(without.level);
	});

	test('a reload goes on from what was kept; a record of other runs is not taken', () => {
		const whole = new ScoreTail(runRows, stepMs);
		const first = new ScoreTail(runRows, stepMs);
		const draw = kinds['heavy-tailed']!(4);
		const scores = Array.from({ length: (10 * day) / stepMs }, draw);
		scores.forEach((score, row) => whole.take(start + row * stepMs, score, false));
		const half = scores.length / 2;
		scores.slice(0, half).forEach((score, row) => first.take(start + row * stepMs, score, false));
		const kept = JSON.parse(JSON.stringify(first.record)) as ScoreTailRecord;
		const second = new ScoreTail(runRows, stepMs);
		second.recall(kept);
		scores.slice(half).forEach((score, row) => second.take(start + (half + row) * stepMs, score, false));
		expect(second.watched!.hours).toBeGreaterThan(whole.watched!.hours - 2);
		expect(readTail(second.evidence, [], 1)!.level).toBeCloseTo(readTail(whole.evidence, [], 1)!.level, 1);

		const other = new ScoreTail(runRows + 1, stepMs);
		other.recall(kept);
		expect(other.watched).toBeUndefined();
	});

	test('what was seen of older rows is added, in whatever order it comes', () => {
		const [early, late, both] = [0, 0, 0].map(() => new ScoreTail(runRows, stepMs));
		watch(early!, kinds.bounded!(6), 4);
		watch(late!, kinds.bounded!(7), 4, start + 5 * day);
		both!.absorb(late!.record);
		both!.absorb(early!.record);
		expect(both!.record.days.map((one) => one.day)).toEqual(
			[...early!.record.days, ...late!.record.days].map((one) => one.day)
		);
		expect(both!.watched!.hours).toBeCloseTo(early!.watched!.hours + late!.watched!.hours, 6);
	});
});
