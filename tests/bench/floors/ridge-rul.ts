/**
 * Benchmarks: the floor for remaining life. In: training and test units with the conditions learnt. Out: per test unit what a
 * ridge regression on all sensors says at its last row.
 */
import type { OperatingConditions, UnitHistories } from '../../../src/lib/contracts';
import { RidgeLife } from '../../../src/lib/training/rul/ridge';

export function ridgeFloor(
	train: UnitHistories,
	test: UnitHistories,
	conditions: OperatingConditions,
	cap: number
): number[] {
	const ridge = new RidgeLife({ ...conditions, sensors: train.sensorNames.map((_, i) => i) }, cap);
	const weights = ridge.learn([ridge.sums(train.units)]);
	return test.units.map((unit) => ridge.predict(weights, unit, [unit.steps - 1])[0]!);
}
