/**
 * Neural: losses and their gradients. In: output and target of a chunk. Out: the loss (scalar), summed over rows, and the
 * gradient of the batch's mean loss by the output. Called inside `tidy`.
 */
import {
	abs,
	add,
	clipByValue,
	div,
	log,
	minimum,
	mul,
	neg,
	scalar,
	sign,
	square,
	sub,
	sum,
	type Tensor
} from '@tensorflow/tfjs-core';
import type { LossName } from './executor';

export interface LossParts {
	readonly loss: Tensor;
	gradient(): Tensor;
}

/**
 * `lossScale` is 1 / (elements per row), `gradientScale` 1 / (elements in the whole batch). Huber's delta is 1; crossentropy
 * clips at 1e-7, both as Keras does.
 */
export function lossOf(
	name: LossName,
	output: Tensor,
	target: Tensor,
	lossScale: number,
	gradientScale: number
): LossParts {
	const total = (elements: Tensor) => mul(sum(elements), scalar(lossScale));
	if (name === 'binary-crossentropy') {
		const p = clipByValue(output, 1e-7, 1 - 1e-7);
		const elements = neg(add(mul(target, log(p)), mul(sub(1, target), log(sub(1, p)))));
		return { loss: total(elements), gradient: () => mul(div(sub(p, target), mul(p, sub(1, p))), gradientScale) };
	}
	const difference = sub(output, target);
	if (name === 'mae') return { loss: total(abs(difference)), gradient: () => mul(sign(difference), gradientScale) };
	if (name === 'huber') {
		const size = abs(difference);
		const within = minimum(size, 1);
		const elements = add(mul(square(within), 0.5), sub(size, within));
		return { loss: total(elements), gradient: () => mul(clipByValue(difference, -1, 1), gradientScale) };
	}
	return { loss: total(square(difference)), gradient: () => mul(difference, 2 * gradientScale) };
}
