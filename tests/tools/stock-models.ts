/**
 * Stock TensorFlow.js beside our engine, for tests of model files. In: a layers-model as parsed JSON and weights. Out: the model as
 * stock TensorFlow.js loads it, or what it computes; and such files as `tensorflowjs_converter` writes them, in parts.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { splitKerasFiles, type KerasFiles } from '../../src/lib/neural/keras';

export async function loadStock(files: KerasFiles): Promise<tfl.LayersModel> {
	const json = files.modelJson as { modelTopology: object; weightsManifest: tf.io.WeightsManifestConfig };
	return tfl.loadLayersModel(
		tf.io.fromMemory({
			modelTopology: json.modelTopology,
			weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
			weightData: files.weightData
		})
	);
}

/** Inputs [rows, steps, features] -> outputs, one after the other. */
export async function stockOutputs(files: KerasFiles, inputs: Float32Array, shape: [number, number, number]) {
	const model = await loadStock(files);
	return (model.predict(tf.tensor(inputs, shape)) as tf.Tensor).dataSync();
}

/** model.json and weight files named and divided as Keras' own exporter does, with the names that Keras 2 gives to weights. */
export function asConverterWrites(files: KerasFiles): { name: string; bytes: ArrayBuffer }[] {
	const json = structuredClone(files.modelJson) as {
		generatedBy: string;
		convertedBy: string;
		weightsManifest: { paths: string[]; weights: { name: string }[] }[];
	};
	json.generatedBy = 'keras v2.15.0';
	json.convertedBy = 'TensorFlow.js Converter v4.22.0';
	const [group] = json.weightsManifest;
	for (const weight of group!.weights) weight.name = weight.name.replace(/^(lstm[^/]*)\//, '$1/lstm_cell/');
	group!.paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
	const cut = Math.floor(files.weightData.byteLength / 2);
	const parts = [files.weightData.slice(0, cut), files.weightData.slice(cut)];
	return [
		splitKerasFiles({ ...files, modelJson: json })[0]!,
		...group!.paths.map((name, part) => ({ name, bytes: parts[part]! }))
	];
}
