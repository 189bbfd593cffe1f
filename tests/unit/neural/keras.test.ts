/** Keras in, Keras out: exported models run in stock TensorFlow.js with the same numbers, imported ones run on our kernels. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	exportKeras,
	gatherKerasFiles,
	importKeras,
	splitKerasFiles,
	startEngine,
	type Engine,
	type KerasFiles,
	type NetworkSpec
} from '$lib/neural';
import { fusedLstm, loadFusedModel } from '$lib/neural/layers';
import { normalFrom } from '$lib/neural/random';
import { loadStock } from '../../tools/stock-models';
import fromKeras from './keras-models.json';

let engine: Engine;
beforeAll(async () => {
	engine = await startEngine({ backends: ['cpu'], purpose: 'scoring' });
});
afterAll(() => engine.dispose());

const predictor: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'lstm', units: 5, returnSequences: true, dropout: 0.1 },
		{ kind: 'lstm', units: 4, returnSequences: true, goBackwards: true },
		{ kind: 'dropout', rate: 0.2 },
		{ kind: 'dense', units: 3, activation: 'tanh' }
	]
};
const autoencoder: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'lstm', units: 4, returnSequences: false, bidirectional: true },
		{ kind: 'repeat-vector', steps: 6 },
		{ kind: 'lstm', units: 4, returnSequences: true, bidirectional: true },
		{ kind: 'dense', units: 3 }
	]
};

const input = (count: number) => {
	const draw = normalFrom(5);
	return Float32Array.from({ length: count }, draw);
};

async function saveStock(model: tfl.LayersModel): Promise<KerasFiles> {
	let files: KerasFiles | undefined;
	await model.save(
		tf.io.withSaveHandler(async (artifacts) => {
			files = {
				// Through text, as a file would be.
				modelJson: JSON.parse(
					JSON.stringify({
						format: 'layers-model',
						modelTopology: artifacts.modelTopology,
						weightsManifest: [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }]
					})
				) as unknown,
				weightData: artifacts.weightData as ArrayBuffer
			};
			return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
		})
	);
	return files!;
}

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
	expect(found.length).toBe(expected.length);
	for (let k = 0; k < expected.length; k++) expect(found[k]).toBeCloseTo(expected[k]!, 5);
}

describe('export', () => {
	for (const [title, spec] of [
		['predictor', predictor],
		['bidirectional autoencoder', autoencoder]
	] as const)
		it(`stock TensorFlow.js loads our ${title} and gives the same numbers`, async () => {
			const network = engine.createNetwork(spec, 3);
			const files = exportKeras(spec, await network.getWeights());
			const stock = await loadStock(files);
			const x = input(2 * 6 * 3);
			const expected = stock.predict(tf.tensor(x, [2, 6, 3])) as tf.Tensor;
			expectClose(await network.predict(x, 2, 6), expected.dataSync());
			const back = importKeras(files);
			expect(back.spec).toEqual(spec);
			expect(back.weights).toEqual(await network.getWeights());
			network.dispose();
		});
});

describe('import', () => {
	it('runs a model that stock TensorFlow.js saved, on the fused kernels', async () => {
		const recurrent = {
			activation: 'tanh',
			recurrentActivation: 'sigmoid',
			recurrentInitializer: 'glorotUniform'
		} as const;
		const model = tfl.sequential({
			layers: [
				tfl.layers.bidirectional({
					layer: tfl.layers.lstm({ units: 4, returnSequences: true, ...recurrent }) as tfl.RNN,
					mergeMode: 'concat',
					inputShape: [7, 2]
				}),
				tfl.layers.lstm({ units: 3, useBias: false, ...recurrent }),
				tfl.layers.repeatVector({ n: 5 }),
				tfl.layers.lstm({ units: 3, returnSequences: true, ...recurrent }),
				tfl.layers.timeDistributed({ layer: tfl.layers.dense({ units: 2, activation: 'relu' }) })
			]
		});
		const { spec, weights } = importKeras(await saveStock(model));
		const network = engine.createNetwork(spec, 0);
		network.setWeights(weights);
		const x = input(3 * 7 * 2);
		expectClose(await network.predict(x, 3, 7), (model.predict(tf.tensor(x, [3, 7, 2])) as tf.Tensor).dataSync());
		network.dispose();
	});

	it('runs a model that branches and joins on fused layers', async () => {
		const recurrent = {
			activation: 'tanh',
			recurrentActivation: 'sigmoid',
			recurrentInitializer: 'glorotUniform'
		} as const;
		const entry = tfl.input({ shape: [6, 2] });
		const left = tfl.layers.lstm({ units: 3, ...recurrent }).apply(entry) as tfl.SymbolicTensor;
		const right = tfl.layers
			.bidirectional({ layer: tfl.layers.lstm({ units: 2, ...recurrent }) as tfl.RNN, mergeMode: 'sum' })
			.apply(entry) as tfl.SymbolicTensor;
		const joined = tfl.layers.concatenate().apply([left, right]) as tfl.SymbolicTensor;
		const model = tfl.model({
			inputs: entry,
			outputs: tfl.layers.dense({ units: 2 }).apply(joined) as tfl.SymbolicTensor
		});
		const files = await saveStock(model);
		expect(() => importKeras(files)).toThrow(/expected a single chain of layers/);
		const fused = await loadFusedModel(files);
		expect(fused.layers.map((layer) => layer.getClassName())).toContain('FusedLSTM');
		const x = tf.tensor(input(3 * 6 * 2), [3, 6, 2]);
		expectClose((fused.predict(x) as tf.Tensor).dataSync(), (model.predict(x) as tf.Tensor).dataSync());
		await expect(loadFusedModel({ ...files, weightData: files.weightData.slice(8) })).rejects.toThrow(
			/expected \d+ bytes/
		);
	});

	it('reads a functional model that is one chain, as Keras 2 and Keras 3 write it', () => {
		const files = exportKeras(predictor, new Float32Array(weightCount()));
		const json = structuredClone(files.modelJson) as {
			modelTopology: { model_config: { config: { layers: FunctionalLayer[] } } };
		};
		const model = json.modelTopology.model_config as unknown as {
			class_name: string;
			config: { layers: FunctionalLayer[] };
		};
		model.class_name = 'Functional';
		model.config.layers.forEach((layer, k) => {
			const before = model.config.layers[k - 1]?.config.name;
			layer.name = layer.config.name;
			if (k === 0) layer.inbound_nodes = [];
			else if (k % 2) layer.inbound_nodes = [[[before, 0, 0, {}]]];
			else
				layer.inbound_nodes = [
					{ args: [{ class_name: '__keras_tensor__', config: { keras_history: [before, 0, 0] } }], kwargs: {} }
				];
		});
		model.config.layers.reverse();
		// Weights follow the order of the data, which is that of the chain.
		expect(importKeras({ modelJson: json, weightData: files.weightData }).spec).toEqual(predictor);
	});

	it('takes weights by the name of their layer, in whatever order a converter lists layers', () => {
		const spec: NetworkSpec = {
			features: 2,
			layers: [
				{ kind: 'lstm', units: 3, returnSequences: true },
				{ kind: 'lstm', units: 3, returnSequences: true },
				{ kind: 'dense', units: 3 },
				{ kind: 'dense', units: 3 }
			]
		};
		const weights = input(72 + 84 + 12 + 12);
		const { modelJson, weightData } = exportKeras(spec, weights);
		const json = structuredClone(modelJson) as {
			modelTopology: { model_config: { config: { layers: { class_name: string; config: { name: string } }[] } } };
			weightsManifest: { weights: { name: string; shape: number[] }[] }[];
		};
		// Named as Keras names them, and listed as tensorflowjs_converter does: layers by name, a cell between layer and weight.
		const names = ['lstm', 'lstm_1', 'head', 'dense'];
		const layers = json.modelTopology.model_config.config.layers;
		const renamed = new Map(layers.map((layer, index) => [layer.config.name, names[index]!]));
		for (const layer of layers) layer.config.name = renamed.get(layer.config.name)!;
		let at = 0;
		const written = json.weightsManifest[0]!.weights.map((weight) => {
			const [layer, kind] = weight.name.split('/') as [string, string];
			const name = renamed.get(layer)!;
			const bytes = 4 * weight.shape.reduce((product, size) => product * size, 1);
			const part = new Uint8Array(weightData.slice(at, (at += bytes)));
			return {
				...weight,
				name: name.startsWith('lstm') ? `${name}/lstm_cell/${kind}` : `${name}/${kind}`,
				layer: name,
				part
			};
		});
		written.sort((a, b) => (a.layer < b.layer ? -1 : a.layer > b.layer ? 1 : 0));
		expect(written[0]!.name).toBe('dense/kernel');
		json.weightsManifest[0]!.weights = written.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
		const bytes = new Uint8Array(weightData.byteLength);
		let place = 0;
		for (const { part } of written) {
			bytes.set(part, place);
			place += part.length;
		}
		const imported = importKeras({ modelJson: json, weightData: bytes.buffer });
		expect(imported.spec).toEqual(spec);
		expect(imported.weights).toEqual(weights);
	});

	it('reads weights that were quantised', async () => {
		const spec: NetworkSpec = { features: 2, layers: [{ kind: 'lstm', units: 2, returnSequences: false }] };
		const count = 2 * 8 + 2 * 8 + 8;
		const files = exportKeras(spec, new Float32Array(count));
		const json = files.modelJson as { weightsManifest: { weights: { quantization?: object }[] }[] };
		json.weightsManifest[0]!.weights.forEach(
			(weight) => (weight.quantization = { dtype: 'uint8', scale: 0.5, min: -1 })
		);
		const { weights } = importKeras({
			modelJson: json,
			weightData: Uint8Array.from({ length: count }, (_, k) => k % 7).buffer
		});
		expect(weights).toEqual(Float32Array.from({ length: count }, (_, k) => (k % 7) * 0.5 - 1));
	});
});

interface FunctionalLayer {
	name: string;
	config: { name: string };
	inbound_nodes: unknown[];
}

const weightCount = () => {
	const network = engine.createNetwork(predictor, 1);
	const count = network.weightShapes.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
	network.dispose();
	return count;
};

describe(`Keras ${fromKeras.keras} itself (keras-models.py)`, () => {
	type Weights = { name: string; shape: number[]; values: number[] }[];
	const filesOf = (topology: unknown, weights: Weights): KerasFiles => ({
		// As tensorflowjs_converter writes it.
		modelJson: {
			format: 'layers-model',
			modelTopology: { keras_version: fromKeras.keras, backend: 'jax', model_config: topology },
			weightsManifest: [
				{
					paths: ['group1-shard1of1.bin'],
					weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }))
				}
			]
		},
		weightData: Float32Array.from(weights.flatMap(({ values }) => values)).buffer
	});

	it.each(fromKeras.cases)('$title: imported as it is, the same numbers', async ({ topology, weights, output }) => {
		const imported = importKeras(filesOf(topology, weights));
		for (const backend of ['cpu', 'wasm'] as const) {
			const running = await startEngine({ backends: [backend], purpose: 'scoring' });
			const network = running.createNetwork(imported.spec, 0);
			network.setWeights(imported.weights);
			expectClose(await network.predict(Float32Array.from(fromKeras.input), 2, 5), output);
			await running.dispose();
		}
	});

	it('padded steps: the layer gives the same sequence and states', async () => {
		await engine.createNetwork(predictor, 1).predict(input(3), 1, 1);
		tf.tidy(() => {
			const { weights, mask, outputs } = fromKeras.padded;
			const layer = fusedLstm({ units: 4, returnSequences: true, returnState: true });
			const x = tf.tensor(fromKeras.input, [2, 5, 3]);
			layer.apply(x);
			layer.setWeights(weights.map(({ values, shape }) => tf.tensor(values, shape)));
			const found = layer.call(x, { mask: tf.tensor(mask, [2, 5]) }) as tf.Tensor[];
			found.forEach((part, k) => expectClose(part.dataSync(), outputs[k]!));
		});
	});
});

describe('files', () => {
	const spec: NetworkSpec = { features: 2, layers: [{ kind: 'lstm', units: 2, returnSequences: false }] };
	const saved = () =>
		splitKerasFiles(
			exportKeras(
				spec,
				Float32Array.from({ length: 40 }, (_, k) => k)
			)
		);

	it('come back as they were saved, in any order and from any folder, also in several parts', () => {
		const [model, weights] = saved();
		const json = JSON.parse(new TextDecoder().decode(model!.bytes)) as { weightsManifest: { paths: string[] }[] };
		json.weightsManifest[0]!.paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
		const files = [
			{ name: 'mine/group1-shard2of2.bin', bytes: weights!.bytes.slice(50) },
			{ name: 'mine/model.json', bytes: new TextEncoder().encode(JSON.stringify(json)).buffer as ArrayBuffer },
			{ name: 'mine/group1-shard1of2.bin', bytes: weights!.bytes.slice(0, 50) }
		];
		expect(importKeras(gatherKerasFiles(files)).weights).toEqual(Float32Array.from({ length: 40 }, (_, k) => k));
	});
	it('that are missing or unreadable are named', () => {
		const [model, weights] = saved();
		expect(() => gatherKerasFiles([weights!])).toThrow(/Expected a model.json, found weights.bin/);
		expect(() => gatherKerasFiles([model!])).toThrow(/names the weight file weights.bin, which is not there/);
		expect(() => gatherKerasFiles([{ name: 'model.json', bytes: weights!.bytes }])).toThrow(/model.json is not JSON/);
	});
});

describe('refusals name the layer, what was expected and what was found', () => {
	const files = () => exportKeras(predictor, new Float32Array(weightCount()));
	type Json = {
		modelTopology: { model_config: { config: { layers: { class_name: string; config: Record<string, unknown> }[] } } };
		weightsManifest: { weights: { name: string; shape: number[] }[] }[];
	};
	const changed = (change: (json: Json) => void): KerasFiles => {
		const { modelJson, weightData } = files();
		const json = structuredClone(modelJson) as Json;
		change(json);
		return { modelJson: json, weightData };
	};
	const layersOf = (json: Json) => json.modelTopology.model_config.config.layers;

	it('a cut weight file', () => {
		const { modelJson, weightData } = files();
		expect(() => importKeras({ modelJson, weightData: weightData.slice(4) })).toThrow(/expected \d+ bytes, found \d+/);
	});
	it('weights of another size', () => {
		const wrong = changed((json) => (layersOf(json)[0]!.config.units = 6));
		expect(() => importKeras(wrong)).toThrow(/Layer lstm: expected kernel \[3, 24\], found lstm\/kernel \[3, 20\]/);
	});
	it('a weight that is not a number', () => {
		const { modelJson, weightData } = files();
		new Float32Array(weightData)[61] = NaN;
		expect(() => importKeras({ modelJson, weightData })).toThrow(
			/Layer lstm: lstm\/recurrent_kernel is not finite at element 1: found NaN/
		);
	});
	it('a layer the engine does not have', () => {
		const wrong = changed((json) => (layersOf(json)[2]!.class_name = 'LayerNormalization'));
		expect(() => importKeras(wrong)).toThrow(
			/Layer dropout \(LayerNormalization\): expected .*LSTM.*, found LayerNormalization/
		);
	});
	it('an activation that Keras 3 writes as an object is told by its name', () => {
		const written = (config: string) => ({
			module: 'builtins',
			class_name: 'function',
			config,
			registered_name: 'function'
		});
		const { modelJson } = changed((json) => (layersOf(json)[1]!.config.recurrent_activation = written('sigmoid')));
		expect(importKeras({ modelJson, weightData: files().weightData }).spec).toEqual(importKeras(files()).spec);
		const wrong = changed((json) => (layersOf(json)[1]!.config.recurrent_activation = written('hard_sigmoid')));
		expect(() => importKeras(wrong)).toThrow(/expected recurrent_activation sigmoid, found hard_sigmoid/);
	});
	it('an activation the kernels do not have', () => {
		const wrong = changed((json) => (layersOf(json)[1]!.config.recurrent_activation = 'hard_sigmoid'));
		expect(() => importKeras(wrong)).toThrow(
			/Layer lstm_1 \(LSTM\): expected recurrent_activation sigmoid, found hard_sigmoid/
		);
	});
	it('something that is no model at all', () => {
		expect(() => importKeras({ modelJson: [], weightData: new ArrayBuffer(0) })).toThrow(
			/expected an object, found a list/
		);
		expect(() => importKeras({ modelJson: { format: 'graph-model' }, weightData: new ArrayBuffer(0) })).toThrow(
			/layers-model/
		);
	});
	it('weights of another network', () => {
		const network = engine.createNetwork(predictor, 1);
		expect(() => network.setWeights(new Float32Array(7))).toThrow(/expected \d+ numbers, found 7/);
		expect(() => network.setWeights(new Float32Array(weightCount()).fill(NaN, 3, 4))).toThrow(
			/lstm\/kernel \[3, 20\] is not finite at element 3/
		);
		network.dispose();
	});
});
