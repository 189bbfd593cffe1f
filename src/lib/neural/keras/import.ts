/**
 * Neural: a Keras model as one of ours. In: model.json and weights. Out: specification and weights for the fused kernels.
 * Every refusal names the layer, what was expected and what was found: `invalid-file` for damaged files, `invalid-model` for
 * weights that do not fit or are not finite, `unsupported` for layers that the engine does not have.
 */
import { MillwrightError } from '../../contracts/error';
import type { LayerSpec } from '../engine';
import { joinWeights, planNetwork, sizeOf, splitWeights } from '../network-spec';
import { setting, type ImportedNetwork, type KerasFiles, type LayerJson } from './format';
import { inputShape, readLayer, readTopology } from './read-topology';
import { inLayerOrder, readWeights, type NamedWeight } from './read-weights';

/** A layer of ours, and which of its weights the file holds (layers without bias leave it out). */
interface Mapped {
	readonly name: string;
	readonly spec: LayerSpec;
	readonly hasBias: boolean;
}

export function importKeras(files: KerasFiles): ImportedNetwork {
	const { layers, manifest } = readTopology(files.modelJson);
	const { features, steps } = inputShape(layers);
	const mapped = layers.flatMap((layer) => mapLayer(layer) ?? []);
	const spec = { features, layers: mapped.map((layer) => layer.spec) };
	const plan = planNetwork(spec);
	const layerNames = mapped.map((layer) => layer.name);
	const found = inLayerOrder(readWeights(manifest, files.weightData), layerNames);
	const parts: Float32Array[] = [];
	let next = 0;
	plan.layers.forEach((layer, index) => {
		const { name, hasBias } = mapped[index]!;
		for (const weight of layer.weights) {
			const kind = weight.name.slice(weight.name.lastIndexOf('/') + 1);
			if (kind.endsWith('bias') && !hasBias) parts.push(new Float32Array(sizeOf(weight.shape)));
			else parts.push(requireWeight(name, kind, weight.shape, found[next++]));
		}
	});
	if (next < found.length)
		throw new MillwrightError(
			'invalid-model',
			`The file holds ${found.length} weights, the model has ${next}: ${found[next]!.name} belongs to no layer.`,
			{
				expected: next,
				found: found.length
			}
		);
	const weights = joinWeights(parts);
	splitWeights(plan, weights);
	return { spec, weights, layerNames, ...(steps === undefined ? {} : { steps }) };
}

function requireWeight(
	layer: string,
	kind: string,
	shape: readonly number[],
	found: NamedWeight | undefined
): Float32Array {
	const expected = `${kind} [${shape.join(', ')}]`;
	const is = found ? `${found.name} [${found.shape.join(', ')}]` : 'nothing';
	const suffix = kind.replace(/^(forward|backward)_/, '');
	const named = found?.name.split('/').pop()?.replace(/_\d+$/, '').replace(/:\d+$/, '');
	const otherName = named !== undefined && ['kernel', 'recurrent_kernel', 'bias'].includes(named) && named !== suffix;
	if (!found || otherName || found.shape.join() !== shape.join())
		throw new MillwrightError('invalid-model', `Layer ${layer}: expected ${expected}, found ${is}.`, {
			layer,
			expected,
			found: is
		});
	const bad = found.values.findIndex((value) => !Number.isFinite(value));
	if (bad >= 0)
		throw new MillwrightError(
			'invalid-model',
			`Layer ${layer}: ${found.name} is not finite at element ${bad}: found ${found.values[bad]}.`,
			{
				layer,
				expected: 'finite numbers',
				found: String(found.values[bad]),
				element: bad
			}
		);
	return found.values;
}

/** Undefined for layers that do nothing here (inputs, names of shapes). */
function mapLayer(layer: LayerJson): Mapped | undefined {
	const { className, name, config } = layer;
	const flag = (what: string) => setting(config, what) === true;
	const rate = (what: string) => (setting(config, what) as number | undefined) || 0;
	const mapped = (spec: LayerSpec): Mapped => ({ name, spec, hasBias: setting(config, 'use_bias') !== false });
	switch (className) {
		case 'InputLayer':
			return undefined;
		case 'LSTM':
		case 'FusedLSTM':
		case 'GRU':
		case 'FusedGRU': {
			const kind = className.endsWith('LSTM') ? 'lstm' : 'gru';
			requireSetting(layer, 'activation', 'tanh');
			requireSetting(layer, 'recurrent_activation', 'sigmoid');
			if (kind === 'gru') requireSetting(layer, 'reset_after', true);
			if (flag('return_state')) throw unsupported(layer, 'return_state false', true);
			if (flag('stateful')) throw unsupported(layer, 'stateful false', true);
			return mapped({
				kind,
				units: setting(config, 'units') as number,
				returnSequences: flag('return_sequences'),
				...(flag('go_backwards') ? { goBackwards: true } : {}),
				...(rate('dropout') ? { dropout: rate('dropout') } : {}),
				...(rate('recurrent_dropout') ? { recurrentDropout: rate('recurrent_dropout') } : {})
			});
		}
		case 'Bidirectional': {
			const inner = mapLayer(readLayer(config.layer, `${name}: layer`));
			const mode = setting(config, 'merge_mode') ?? 'concat';
			if (mode !== 'concat') throw unsupported(layer, 'merge_mode concat', mode);
			if (!inner || (inner.spec.kind !== 'lstm' && inner.spec.kind !== 'gru'))
				throw unsupported(layer, 'an LSTM or GRU inside', inner?.spec.kind);
			return { name, spec: { ...inner.spec, bidirectional: true }, hasBias: inner.hasBias };
		}
		case 'TimeDistributed': {
			const inner = mapLayer(readLayer(config.layer, `${name}: layer`));
			if (inner?.spec.kind !== 'dense') throw unsupported(layer, 'a Dense inside', inner?.spec.kind);
			return { ...inner, name };
		}
		case 'Dense': {
			const activation = (setting(config, 'activation') ?? 'linear') as string;
			if (!['linear', 'relu', 'tanh', 'sigmoid', 'softplus'].includes(activation))
				throw unsupported(layer, 'activation linear, relu, tanh, sigmoid or softplus', activation);
			const units = setting(config, 'units') as number;
			return mapped({ kind: 'dense', units, ...(activation === 'linear' ? {} : { activation: activation as 'relu' }) });
		}
		case 'RepeatVector':
			return mapped({ kind: 'repeat-vector', steps: setting(config, 'n') as number });
		case 'Dropout':
			return mapped({ kind: 'dropout', rate: rate('rate') });
		default:
			throw unsupported(layer, 'LSTM, GRU, Bidirectional, Dense, TimeDistributed, RepeatVector or Dropout', className);
	}
}

function requireSetting(layer: LayerJson, what: string, expected: unknown): void {
	const found = setting(layer.config, what);
	if (found !== expected) throw unsupported(layer, `${what} ${String(expected)}`, found);
}

function unsupported(layer: LayerJson, expected: string, found: unknown): MillwrightError {
	return new MillwrightError(
		'unsupported',
		`Layer ${layer.name} (${layer.className}): expected ${expected}, found ${String(found)}.`,
		{
			layer: layer.name,
			expected,
			found
		}
	);
}
