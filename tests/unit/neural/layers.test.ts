/** Our layers in TensorFlow.js models: against the stock LSTM with the same weights, taped gradients, serialisation. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerHostKernels } from '$lib/neural/kernels/host-kernels';
import { FusedGru, fusedGru, fusedLstm, GaussianSampling, klDivergence } from '$lib/neural/layers';
import { normalFrom } from '$lib/neural/random';

beforeAll(async () => {
	await tf.setBackend('cpu');
	registerHostKernels('cpu');
});

function randomTensor(shape: number[], seed: number): tf.Tensor {
	const draw = normalFrom(seed);
	return tf.tensor(
		Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.6 * draw()),
		shape
	);
}

function expectClose(found: tf.Tensor, expected: tf.Tensor, tolerance = 1e-5): void {
	expect(found.shape).toEqual(expected.shape);
	const [a, b] = [found.dataSync(), expected.dataSync()];
	const scale = Math.max(1e-3, ...b.map(Math.abs));
	for (let k = 0; k < a.length; k++) expect(Math.abs(a[k]! - b[k]!) / scale).toBeLessThan(tolerance);
}

const cases = [
	{ title: 'last step', args: {} },
	{ title: 'sequences', args: { returnSequences: true } },
	{ title: 'backwards', args: { returnSequences: true, goBackwards: true } },
	{ title: 'states', args: { returnState: true } },
	{ title: 'no bias', args: { useBias: false } }
];

describe('FusedLSTM against the stock layer', () => {
	const units = 5;
	const stockArgs = {
		units,
		activation: 'tanh',
		recurrentActivation: 'sigmoid',
		recurrentInitializer: 'zeros'
	} as const;

	for (const { title, args } of cases)
		for (const masked of [false, true])
			it(`${title}${masked ? ', padded' : ''}: same numbers, same gradients`, () => {
				tf.tidy(() => {
					const stock = tfl.layers.lstm({ ...stockArgs, ...args });
					const fused = fusedLstm({ units, ...args });
					const x = randomTensor([3, 7, 4], 1);
					const state = [randomTensor([3, units], 8), randomTensor([3, units], 9)];
					stock.apply(x);
					fused.apply(x);
					const weights = stock.getWeights().map((weight, k) => randomTensor(weight.shape, 20 + k));
					stock.setWeights(weights);
					fused.setWeights(weights);
					const mask = masked
						? tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1], [3, 7])
						: undefined;
					const run = (layer: tfl.layers.Layer) => (input: tf.Tensor, h: tf.Tensor, c: tf.Tensor) =>
						[layer.call(input, { initialState: [h, c], ...(mask ? { mask } : {}) })].flat();
					const expected = run(stock)(x, state[0]!, state[1]!);
					const found = run(fused)(x, state[0]!, state[1]!);
					expect(found.length).toBe(expected.length);
					found.forEach((part, k) => expectClose(part, expected[k]!));
					const pull = expected.map((part, k) => randomTensor(part.shape, 40 + k));
					const gradients = (layer: tfl.layers.Layer) => {
						const scalarOf = (input: tf.Tensor, h: tf.Tensor, c: tf.Tensor) =>
							run(layer)(input, h, c)
								.map((part, k) => tf.sum(tf.mul(part, pull[k]!)))
								.reduce((a, b) => tf.add(a, b)) as tf.Scalar;
						const variables = layer.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
						const byWeight = tf.variableGrads(() => scalarOf(x, state[0]!, state[1]!), variables);
						const byInput = tf.grads(scalarOf as never)([x, ...state]);
						return [...variables.map((variable) => byWeight.grads[variable.name]!), ...byInput];
					};
					const [wanted, given] = [gradients(stock), gradients(fused)];
					given.forEach((gradient, k) => expectClose(gradient, wanted[k]!, 2e-5));
				});
			});

	it('keeps its state between batches when stateful', () => {
		const args = { units: 3, stateful: true, batchInputShape: [2, 4, 2] };
		const stock = tfl.layers.lstm({ ...stockArgs, ...args });
		const fused = fusedLstm(args);
		const x = randomTensor([2, 4, 2], 3);
		const models = [stock, fused].map((layer) => tfl.sequential({ layers: [layer] }));
		fused.setWeights(stock.getWeights());
		models.forEach((model) => model.predict(x));
		const [expected, found] = models.map((model) => model.predict(x) as tf.Tensor);
		expectClose(found!, expected!);
	});

	it('works inside Bidirectional and trains through model.fit', async () => {
		const model = tfl.sequential();
		model.add(
			tfl.layers.bidirectional({
				layer: fusedLstm({ units: 4, returnSequences: true, dropout: 0.1, recurrentDropout: 0.1 }) as never,
				inputShape: [6, 2],
				mergeMode: 'concat'
			})
		);
		model.add(fusedGru({ units: 3, dropout: 0.1, recurrentDropout: 0.1 }));
		model.add(tfl.layers.dense({ units: 1 }));
		model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
		const x = randomTensor([16, 6, 2], 5);
		const y = tf.reshape(tf.mean(x, [1, 2]), [16, 1]);
		const history = await model.fit(x, y, { epochs: 15, verbose: 0 });
		const losses = history.history.loss as number[];
		expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
	});

	it('survives saving and loading', async () => {
		const model = tfl.sequential({
			layers: [
				fusedLstm({ units: 3, returnSequences: true, goBackwards: true, inputShape: [5, 2] }),
				fusedGru({ units: 4, returnSequences: true }),
				tfl.layers.timeDistributed({ layer: tfl.layers.dense({ units: 2 }) })
			]
		});
		let artifacts: tf.io.ModelArtifacts | undefined;
		await model.save(
			tf.io.withSaveHandler(async (saved) => {
				artifacts = saved;
				return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
			})
		);
		const loaded = await tfl.loadLayersModel(tf.io.fromMemory(artifacts!));
		const x = randomTensor([2, 5, 2], 4);
		expectClose(loaded.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor, 1e-7);
	});

	it('refuses activations that its kernel does not have, naming the layer', () => {
		expect(() => fusedLstm({ units: 2, activation: 'relu', name: 'first' })).toThrow(
			/first.*expected activation tanh, found relu/
		);
		expect(() => new FusedGru({ units: 2, resetAfter: false })).toThrow(/reset_after/);
	});
});

describe('GaussianSampling', () => {
	it('gives the mean when it scores and a spread when it trains', () => {
		tf.tidy(() => {
			const layer = new GaussianSampling({ seed: 4 });
			const center = tf.zeros([4000, 1]);
			const logVariance = tf.fill([4000, 1], Math.log(4));
			expectClose(layer.call([center, logVariance], {}), center);
			const { variance } = tf.moments(layer.call([center, logVariance], { training: true }));
			expect(variance.dataSync()[0]).toBeGreaterThan(3.6);
			expect(variance.dataSync()[0]).toBeLessThan(4.4);
			// KL(N(1, 1) || N(0, 1)) = 1/2 per unit.
			expect(klDivergence(tf.ones([3, 2]), tf.zeros([3, 2])).dataSync()[0]).toBeCloseTo(1, 6);
		});
	});
});
