/** A machine against its own level, and sensors that go missing more than they normally do. */
import { expect, test } from 'vitest';
import { OwnLevelDistance, OwnLevelTracker, learnSilence } from '../../../src/lib/detection';
import { learnOwnLevel } from '../../../src/lib/detection/own-level/learn-own-level';

let state = 5;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
const noise = () => uniform() + uniform() - 1;

/** Residuals of one individual: an offset of its own, and two sensors that move together. */
function machine(offset: number) {
	return () => {
		const common = noise();
		return [offset + common + 0.1 * noise(), -offset + common + 0.1 * noise()];
	};
}

const calibration = learnOwnLevel(2, (visit, begin) => {
	for (let individual = 0; individual < 30; individual++) {
		begin();
		const next = machine(5 * noise());
		for (let r = 0; r < 2000; r++) visit(next(), [0, 0], false);
	}
})!;

const newTracker = () => {
	const smoothings = calibration.statistics.map(({ smoothing }) => smoothing);
	return new OwnLevelTracker(calibration, smoothings, 2);
};

/** Largest distance over its threshold. */
function peak(rows: number, next: () => number[], change: (row: number) => number[], tracker = newTracker()): number {
	const distances = calibration.statistics.map((statistic) => new OwnLevelDistance(statistic));
	let most = 0;
	for (let r = 0; r < rows; r++) {
		const row = next();
		tracker.update(
			row.map((value, i) => value + change(r)[i]!),
			[0, 0],
			true
		);
		if (!tracker.ready) continue;
		distances.forEach((distance, k) => {
			most = Math.max(most, distance.of(tracker.deviations[k]!) / calibration.statistics[k]!.threshold);
		});
	}
	return most;
}

test('an individual far from the others is normal by its own level; a small change of it is found', () => {
	expect(peak(4000, machine(9), () => [0, 0])).toBeLessThan(1);
	// Far less than individuals differ by, and against the way in which the two sensors move together.
	expect(peak(4000, machine(9), (r) => (r > 2000 ? [0.3, -0.3] : [0, 0]))).toBeGreaterThan(1);
});

test('a change that stands while the app is opened again is judged against the level of before', () => {
	const next = machine(0);
	const changed = () => [0.3, -0.3];
	const before = newTracker();
	peak(3000, next, () => [0, 0], before);
	const after = newTracker();
	after.recall(structuredClone(before.known!));
	expect(peak(1000, next, changed, after)).toBeGreaterThan(1);
	// Without it what stands from the first row on is taken for this machine's own.
	expect(peak(1000, next, changed)).toBeLessThan(1);
});

test('too little normal running gives no own level', () => {
	expect(
		learnOwnLevel(2, (visit, begin) => {
			begin();
			for (let r = 0; r < 3000; r++) visit([noise(), noise()], [0, 0], false);
		})
	).toBeUndefined();
});

test('a sensor that is often missing in normal running needs more to be called silent', () => {
	const rows = Array.from({ length: 30_000 }, (_, r) => ({ values: [1, r % 10 < 3 ? Number.NaN : 1] }));
	const { limitRows, recoveryPerRow } = learnSilence([rows], 2)!;
	expect(limitRows).toEqual([12, 12]);
	expect(recoveryPerRow[0]).toBeCloseTo(0.02);
	// Three missing in ten, taken back by seven: does not add up.
	expect(7 * recoveryPerRow[1]!).toBeGreaterThan(3);
	expect(learnSilence([rows.slice(0, 100)], 2)).toBeUndefined();
});

test('a sensor that wanders after a stop is judged more widely then, not always', () => {
	/** Runs for half an hour, stands for four minutes; then the second sensor comes back over minutes. */
	const learnt = learnOwnLevel(2, (visit, begin) => {
		for (let individual = 0; individual < 16; individual++) {
			begin();
			for (let r = 0; r < 3600; r++) {
				const phase = r % 1800;
				if (phase < 240) visit(undefined, [-4, 0], true);
				else visit([noise(), (phase - 240 < 500 ? 2 * noise() : 0) + noise() * 0.5], [0, 0], false);
			}
		}
	})!;
	const statistic = learnt.statistics.find(({ power }) => power !== undefined)!;
	const [slightly, , much] = statistic.afterStanding!;
	expect(much!.wider[1]!).toBeGreaterThan(1.3);
	expect(much!.wider[1]!).toBeGreaterThanOrEqual(slightly!.wider[1]!);
	const distance = new OwnLevelDistance(statistic);
	const off = Float64Array.of(0, 1);
	expect(distance.of(off, 0.8)).toBeLessThan(distance.of(off, 1) / 1.3);
	expect(distance.band(1, 0.8)).toBeGreaterThan(1.3 * distance.band(1, 1));
});
