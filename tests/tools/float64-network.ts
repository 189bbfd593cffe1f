/**
 * Test tool: loss and gradient of the reference network, to hold the fused kernels against. In: a plan, weights, windows and targets.
 * Out: outputs, loss, gradients in Keras order.
 */
import type { Floats } from '../../src/lib/neural/kernels/lstm-reference';
import type { NetworkPlan } from '../../src/lib/neural/network-spec';
import { referenceNetwork as run } from '../../src/lib/neural/reference-network';

export type ReferenceLoss = 'mse' | 'mae' | 'huber' | 'binary-crossentropy';

function lossOf(kind: ReferenceLoss, y: number, t: number): [value: number, slope: number] {
	const d = y - t;
	if (kind === 'mse') return [d * d, 2 * d];
	if (kind === 'mae') return [Math.abs(d), Math.sign(d)];
	if (kind === 'huber') return Math.abs(d) <= 1 ? [0.5 * d * d, d] : [Math.abs(d) - 0.5, Math.sign(d)];
	return [-(t * Math.log(y) + (1 - t) * Math.log(1 - y)), (y - t) / (y * (1 - y))];
}

/** Mean loss over all elements of the targets. Weights in Keras order, concatenated. */
export function referenceNetwork(plan: NetworkPlan, weights: Floats, inputs: Floats, count: number, steps: number) {
	const { outputs, backward } = run(plan, weights, inputs, count, steps);
	return {
		outputs,
		gradient(targets: ArrayLike<number>, loss: ReferenceLoss): { loss: number; gradients: Floats } {
			let total = 0;
			const dy = new Float64Array(outputs.length);
			for (let k = 0; k < outputs.length; k++) {
				const [value, slope] = lossOf(loss, outputs[k]!, targets[k]!);
				total += value / outputs.length;
				dy[k] = slope / outputs.length;
			}
			const parts = backward(dy).weights;
			const gradients = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
			let to = 0;
			for (const part of parts) {
				gradients.set(part, to);
				to += part.length;
			}
			return { loss: total, gradients };
		}
	};
}

/** Largest difference as a share of the largest expected value. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
	if (found.length !== expected.length) return Infinity;
	let worst = 0;
	let scale = 1e-12;
	for (let k = 0; k < expected.length; k++) {
		const difference = Math.abs(found[k]! - expected[k]!);
		if (!(difference <= worst)) worst = difference;
		scale = Math.max(scale, Math.abs(expected[k]!));
	}
	return worst / scale;
}
