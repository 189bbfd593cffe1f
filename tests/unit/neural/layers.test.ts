/** Our layers in TensorFlow.js models: against the stock LSTM with the same weights, taped gradients, serialisation. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerHostKernels } from '$lib/neural/kernels/host-kernels';
import { FusedGru, fusedGru, fusedLstm, GaussianSampling, klDivergence } from '$lib/neural/layers';
import { randomFrom } from '$lib/neural/random';
import { describeFusedLayers, expectClose, randomTensor } from '../../tools/fused-layer-suite';

async function ready(): Promise<void> {
	await tf.setBackend('cpu');
	registerHostKernels('cpu');
}

describeFusedLayers('plain loops', ready, 1e-5);

describe('FusedLSTM and FusedGRU in models', () => {
	beforeAll(ready);
	// Weights, dropout and shuffling draw their seeds from here: one start in twenty hardly learns in so few epochs.
	beforeEach(() => void vi.spyOn(Math, 'random').mockImplementation(randomFrom(1)));
	afterEach(() => vi.restoreAllMocks());

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
		await expectClose(loaded.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor, 1e-7);
	});

	it('refuses activations that its kernel does not have, naming the layer', () => {
		expect(() => fusedLstm({ units: 2, activation: 'relu', name: 'first' })).toThrow(
			/first.*expected activation tanh, found relu/
		);
		expect(() => new FusedGru({ units: 2, resetAfter: false })).toThrow(/reset_after/);
	});
});

describe('GaussianSampling', () => {
	beforeAll(ready);

	it('gives the mean when it scores and a spread when it trains', async () => {
		const layer = new GaussianSampling({ seed: 4 });
		const center = tf.zeros([4000, 1]);
		const logVariance = tf.fill([4000, 1], Math.log(4));
		await expectClose(layer.call([center, logVariance], {}), center);
		const { variance } = tf.moments(layer.call([center, logVariance], { training: true }));
		expect(variance.dataSync()[0]).toBeGreaterThan(3.6);
		expect(variance.dataSync()[0]).toBeLessThan(4.4);
		// KL(N(1, 1) || N(0, 1)) = 1/2 per unit.
		expect(klDivergence(tf.ones([3, 2]), tf.zeros([3, 2])).dataSync()[0]).toBeCloseTo(1, 6);
	});
});
