/**
 * Neural: one of our networks as a Keras model that stock TensorFlow.js loads and that gives the same numbers there.
 * In: a specification and its weights. Out: model.json and one weight file. A GRU is written as Keras has it (reset_after),
 * which stock TensorFlow.js cannot run; a Gaussian sampling layer as the dense layer that gives its mean.
 */
import type { LayerSpec, NetworkSpec } from '../engine';
import { planNetwork, splitWeights, type LayerPlan } from '../network-spec';
import type { KerasFiles, ManifestWeight } from './format';

type Config = Record<string, unknown>;

const initializer = (className: string) => ({
	class_name: className,
	config: className === 'Zeros' ? {} : { seed: null }
});

/** Throws `invalid-model` when the weights do not belong to the specification. */
export function exportKeras(spec: NetworkSpec, weights: Float32Array): KerasFiles {
	const plan = planNetwork(spec);
	const parts = splitWeights(plan, weights);
	const layers = plan.layers.map((layer, index) => {
		const json = layerJson(layer);
		// The input's shape goes to the first layer, and to what it wraps.
		if (index === 0) json.config.batch_input_shape = [null, null, spec.features];
		return json;
	});
	const written = plan.layers.flatMap((layer) =>
		layer.weights.flatMap((weight, k) => {
			const name = kerasName(layer, weight.name.slice(weight.name.lastIndexOf('/') + 1));
			return name ? [{ name, shape: weight.shape, values: parts[layer.firstWeight + k]! }] : [];
		})
	);
	const data = new Float32Array(written.reduce((sum, { values }) => sum + values.length, 0));
	let at = 0;
	for (const { values } of written) {
		data.set(values, at);
		at += values.length;
	}
	const manifest: ManifestWeight[] = written.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
	return {
		modelJson: {
			format: 'layers-model',
			generatedBy: 'Millwright',
			convertedBy: null,
			modelTopology: {
				keras_version: '2.15.0',
				backend: 'tensorflow',
				model_config: { class_name: 'Sequential', config: { name: 'sequential', layers } }
			},
			weightsManifest: [{ paths: ['weights.bin'], weights: manifest }]
		},
		weightData: data.buffer
	};
}

function layerJson({ spec, name }: LayerPlan): { class_name: string; config: Config } {
	const base = { name, trainable: true, dtype: 'float32' };
	switch (spec.kind) {
		case 'lstm':
		case 'gru': {
			const recurrent = recurrentJson(spec, spec.bidirectional ? `${name}_layer` : name);
			if (!spec.bidirectional) return recurrent;
			return { class_name: 'Bidirectional', config: { ...base, layer: recurrent, merge_mode: 'concat' } };
		}
		case 'dense':
		case 'gaussian-sampling': {
			const activation = spec.kind === 'dense' ? (spec.activation ?? 'linear') : 'linear';
			return {
				class_name: 'Dense',
				config: {
					...base,
					units: spec.units,
					activation,
					use_bias: true,
					kernel_initializer: initializer('GlorotUniform'),
					bias_initializer: initializer('Zeros')
				}
			};
		}
		case 'repeat-vector':
			return { class_name: 'RepeatVector', config: { ...base, n: spec.steps } };
		case 'dropout':
			return { class_name: 'Dropout', config: { ...base, rate: spec.rate } };
	}
}

function recurrentJson(
	spec: Extract<LayerSpec, { kind: 'lstm' | 'gru' }>,
	name: string
): { class_name: string; config: Config } {
	return {
		class_name: spec.kind === 'lstm' ? 'LSTM' : 'GRU',
		config: {
			name,
			trainable: true,
			dtype: 'float32',
			units: spec.units,
			// Written out: TensorFlow.js assumes hard sigmoid where Keras assumes sigmoid.
			activation: 'tanh',
			recurrent_activation: 'sigmoid',
			use_bias: true,
			kernel_initializer: initializer('GlorotUniform'),
			// Not Keras' orthogonal: TensorFlow.js would spend most of a minute on it before it reads our weights.
			recurrent_initializer: initializer('GlorotUniform'),
			bias_initializer: initializer('Zeros'),
			...(spec.kind === 'lstm'
				? { unit_forget_bias: true, implementation: 1 }
				: { reset_after: true, implementation: 1 }),
			return_sequences: spec.returnSequences,
			return_state: false,
			go_backwards: spec.goBackwards ?? false,
			stateful: false,
			unroll: false,
			dropout: spec.dropout ?? 0,
			recurrent_dropout: spec.recurrentDropout ?? 0
		}
	};
}

/** TensorFlow.js finds weights by name; undefined for weights that Keras has no place for. */
function kerasName({ spec, name }: LayerPlan, kind: string): string | undefined {
	if (spec.kind === 'gaussian-sampling')
		return kind.startsWith('mean_') ? `${name}/${kind.slice('mean_'.length)}` : undefined;
	const direction = /^(forward|backward)_/.exec(kind);
	return direction ? `${name}/${direction[0]}${name}_layer/${kind.slice(direction[0].length)}` : `${name}/${kind}`;
}
