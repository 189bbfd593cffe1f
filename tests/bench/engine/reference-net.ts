/** The reference net of every engine benchmark: 99 steps of 25 features, LSTM 128, 64, 32, dense 25 on every step. */
import type { NetworkSpec } from '../../../src/lib/neural/engine';
import { initialWeights, planNetwork } from '../../../src/lib/neural/network-spec';
import { randomFrom } from '../../../src/lib/neural/random';

export const steps = 99;
export const features = 25;
export const units = [128, 64, 32] as const;

export const spec: NetworkSpec = {
	features,
	layers: [
		...units.map((count) => ({ kind: 'lstm' as const, units: count, returnSequences: true })),
		{ kind: 'dense', units: features }
	]
};

export const plan = planNetwork(spec);
export const weightParts = initialWeights(plan, 7);
export const weights = Float32Array.from(weightParts.flatMap((part) => [...part]));

/** Multiply-adds count twice; forward pass of one window. */
export const forwardFlops =
	2 *
	steps *
	plan.weights.filter(({ shape }) => shape.length === 2).reduce((sum, { shape }) => sum + shape[0]! * shape[1]!, 0);

/** `count` windows, [count, steps, features]. */
export function makeWindows(count: number, seed: number): Float32Array {
	const next = randomFrom(seed);
	return Float32Array.from({ length: count * steps * features }, () => 2 * next() - 1);
}
