/**
 * FusedLSTM against the stock layer with the same weights, numbers and gradients, on whatever TensorFlow.js backend is current:
 * run in Node and in the browser. In: a way to make the backend ready, and the relative error that counts as equal.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { fusedLstm } from '../../src/lib/neural/layers';
import { normalFrom } from '../../src/lib/neural/random';

export function randomTensor(shape: number[], seed: number): tf.Tensor {
	const draw = normalFrom(seed);
	return tf.tensor(
		Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.6 * draw()),
		shape
	);
}

/** Largest difference over the largest magnitude. */
export async function expectClose(found: tf.Tensor, expected: tf.Tensor, tolerance = 1e-5): Promise<void> {
	expect(found.shape).toEqual(expected.shape);
	const [a, b] = [await found.data(), await expected.data()];
	const scale = Math.max(1e-3, ...b.map(Math.abs));
	let worst = 0;
	for (let k = 0; k < a.length; k++) worst = Math.max(worst, Math.abs(a[k]! - b[k]!));
	expect(worst / scale).toBeLessThan(tolerance);
}

const cases = [
	{ title: 'last step', args: {} },
	{ title: 'sequences', args: { returnSequences: true } },
	{ title: 'backwards', args: { returnSequences: true, goBackwards: true } },
	{ title: 'states', args: { returnState: true } },
	{ title: 'no bias', args: { useBias: false } }
];
export const layerSizes = [
	{ rows: 3, steps: 7, features: 4, units: 5 },
	// Two steps at least: the stock layer has no gradient for one.
	{ rows: 1, steps: 2, features: 1, units: 1 },
	{ rows: 2, steps: 3, features: 9, units: 33 }
];

export type LayerSize = (typeof layerSizes)[number];

/**
 * `padded`: whether to compare padded steps as well, which the stock layer must get right. `sizes`: fewer where a step of the stock
 * layer takes long and the kernels are proved in all sizes elsewhere.
 */
export function describeFusedLayers(
	title: string,
	ready: () => Promise<void>,
	tolerance: number,
	padded: readonly boolean[] = [false, true],
	sizes: readonly LayerSize[] = layerSizes
): void {
	describe(`FusedLSTM against the stock layer, ${title}`, () => {
		beforeAll(ready);

		for (const { title: what, args } of cases)
			for (const masked of padded)
				it(`${what}${masked ? ', padded' : ''}: same numbers, same gradients`, async () => {
					for (const size of sizes) await compare(size, args, masked, tolerance);
				});

		it('keeps its state between batches when stateful', async () => {
			const args = { units: 3, stateful: true, batchInputShape: [2, 4, 2] };
			const stock = tfl.layers.lstm({ ...args, recurrentActivation: 'sigmoid', recurrentInitializer: 'zeros' });
			const fused = fusedLstm(args);
			const x = randomTensor([2, 4, 2], 3);
			const models = [stock, fused].map((layer) => tfl.sequential({ layers: [layer] }));
			fused.setWeights(stock.getWeights());
			models.forEach((model) => model.predict(x));
			const [expected, found] = models.map((model) => model.predict(x) as tf.Tensor);
			await expectClose(found!, expected!, tolerance);
		});
	});
}

async function compare(
	{ rows, steps, features, units }: LayerSize,
	args: object,
	masked: boolean,
	tolerance: number
): Promise<void> {
	const stock = tfl.layers.lstm({
		units,
		activation: 'tanh',
		recurrentActivation: 'sigmoid',
		recurrentInitializer: 'zeros',
		...args
	});
	const fused = fusedLstm({ units, ...args });
	const x = randomTensor([rows, steps, features], 1);
	const state = [randomTensor([rows, units], 8), randomTensor([rows, units], 9)];
	stock.apply(x);
	fused.apply(x);
	const weights = stock.getWeights().map((weight, k) => randomTensor(weight.shape, 20 + k));
	stock.setWeights(weights);
	fused.setWeights(weights);
	const draw = normalFrom(7);
	const mask = masked
		? tf.tensor(
				Float32Array.from({ length: rows * steps }, () => (draw() > -0.4 ? 1 : 0)),
				[rows, steps]
			)
		: undefined;
	const run = (layer: tfl.layers.Layer) => (input: tf.Tensor, h: tf.Tensor, c: tf.Tensor) =>
		[layer.call(input, { initialState: [h, c], ...(mask ? { mask } : {}) })].flat();
	const outputs = [stock, fused].map((layer) => run(layer)(x, state[0]!, state[1]!));
	expect(outputs[1]!.length).toBe(outputs[0]!.length);
	for (const [k, part] of outputs[0]!.entries()) await expectClose(outputs[1]![k]!, part, tolerance);
	const pull = outputs[0]!.map((part, k) => randomTensor(part.shape, 40 + k));
	const gradientsOf = (layer: tfl.layers.Layer) => {
		const total = (input: tf.Tensor, h: tf.Tensor, c: tf.Tensor) =>
			run(layer)(input, h, c)
				.map((part, k) => tf.sum(tf.mul(part, pull[k]!)))
				.reduce((a, b) => tf.add(a, b)) as tf.Scalar;
		const variables = layer.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
		const byWeight = tf.variableGrads(() => total(x, state[0]!, state[1]!), variables);
		const byInput = tf.grads(total as never)([x, ...state]);
		return [...variables.map((variable) => byWeight.grads[variable.name]!), ...byInput];
	};
	const [wanted, given] = [gradientsOf(stock), gradientsOf(fused)];
	expect(given.length).toBe(wanted.length);
	for (const [k, gradient] of given.entries()) await expectClose(gradient, wanted[k]!, 2 * tolerance);
}
