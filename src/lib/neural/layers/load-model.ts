/**
 * Neural: any Keras layers-model as a TensorFlow.js model whose LSTM and GRU layers are our fused ones, also where layers branch and
 * join, which `importKeras` does not take. In: model.json and weights. Out: a `tf.LayersModel`; dispose it when done.
 */
import { io } from '@tensorflow/tfjs-core';
import { loadLayersModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { badFile, type KerasFiles, type ManifestWeight } from '../keras/format';
import { readWeights } from '../keras/read-weights';
import { FusedGru } from './fused-gru';
import { FusedLstm } from './fused-lstm';

const fusedName: Record<string, string> = { LSTM: FusedLstm.className, GRU: FusedGru.className };

/** Throws `invalid-file` for damaged files, and what TensorFlow.js throws for layers that it does not know. */
export async function loadFusedModel(files: KerasFiles): Promise<LayersModel> {
	const { modelTopology, weightsManifest } = (files.modelJson ?? {}) as {
		modelTopology?: Record<string, unknown>;
		weightsManifest?: { weights: ManifestWeight[] }[];
	};
	if (typeof modelTopology !== 'object')
		throw badFile('model.json: expected an object modelTopology.', { found: typeof modelTopology });
	const weights = readWeights(weightsManifest, files.weightData);
	const data = new Float32Array(weights.reduce((sum, { values }) => sum + values.length, 0));
	let at = 0;
	for (const { values } of weights) {
		data.set(values, at);
		at += values.length;
	}
	const model = await loadLayersModel(
		io.fromMemory({
			modelTopology: withFusedLayers(modelTopology) as object,
			weightSpecs: weights.map(({ name, shape }) => ({ name, shape: [...shape], dtype: 'float32' as const })),
			weightData: data.buffer
		})
	);
	return model;
}

/** The same topology with fused layers; initialisers that would be run only to be overwritten are made cheap. */
function withFusedLayers(part: unknown): unknown {
	if (Array.isArray(part)) return part.map(withFusedLayers);
	if (typeof part !== 'object' || part === null) return part;
	const changed = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, withFusedLayers(value)]));
	const name = changed.class_name;
	if (name === 'Orthogonal') return { class_name: 'Zeros', config: {} };
	if (typeof name === 'string' && fusedName[name]) changed.class_name = fusedName[name];
	return changed;
}
