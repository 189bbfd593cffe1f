/** Benchmark: stock TensorFlow.js layers with the reference net's weights, on the backend in use. Out: its jobs. */
import * as tf from '@tensorflow/tfjs';
import { addJob, batch, outputs, perWindow, targets, windows } from './jobs';
import { features, forwardFlops, plan, steps, units, weightParts } from './reference-net';

function makeStockModel(): tf.LayersModel {
	const layers = units.map((size, k) =>
		tf.layers.lstm({
			units: size,
			returnSequences: true,
			recurrentActivation: 'sigmoid',
			// The default, orthogonal, takes most of a minute.
			recurrentInitializer: 'glorotUniform',
			...(k === 0 ? { inputShape: [steps, features] } : {})
		})
	);
	const model = tf.sequential({ layers: [...layers, tf.layers.dense({ units: features })] });
	model.setWeights(plan.weights.map(({ shape }, k) => tf.tensor(weightParts[k]!, shape as number[])));
	model.compile({ optimizer: tf.train.adam(1e-3, 0.9, 0.999, 1e-7), loss: 'meanSquaredError' });
	return model;
}

/** `trainSizes`: batches to train with. The backend has been chosen. */
export async function setUpStock(
	name: 'tfjs-wasm' | 'tfjs-webgpu',
	trainSizes: readonly number[] = [batch]
): Promise<Record<string, unknown>> {
	await tf.ready();
	const model = makeStockModel();
	const batchOf = (values: Float32Array, count: number) =>
		tf.tensor(values.subarray(0, count * perWindow), [count, steps, features]);
	const score = async (count: number) => {
		const output = tf.tidy(() => model.predictOnBatch(batchOf(windows, count)) as tf.Tensor);
		const values = (await output.data()) as Float32Array;
		output.dispose();
		return values;
	};
	outputs.set(name, () => score(4));
	for (const count of [1, 32, 256])
		addJob(`${name}/score/${count}`, count, count * forwardFlops, async () => void (await score(count)));
	const trained = makeStockModel();
	for (const count of trainSizes)
		addJob(`${name}/train/${count}`, count, 3 * count * forwardFlops, async () => {
			const [x, y] = [batchOf(windows, count), batchOf(targets, count)];
			await trained.trainOnBatch(x, y);
			tf.dispose([x, y]);
		});
	return { detail: `TensorFlow.js ${tf.version_core}`, simd: await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT') };
}

export async function setUpStockWebGpu(trainSizes?: readonly number[]): Promise<Record<string, unknown>> {
	await import('@tensorflow/tfjs-backend-webgpu');
	if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js has no WebGPU here');
	return setUpStock('tfjs-webgpu', trainSizes);
}
