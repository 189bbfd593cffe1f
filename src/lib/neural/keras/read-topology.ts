/**
 * Neural: the topology in a model.json, Sequential or a functional model that is a single chain, from Keras 2, Keras 3 or
 * TensorFlow.js. In: parsed JSON. Out: its layers in order, or an error naming the layer that does not fit a chain.
 */
import { MillwrightError } from '../../contracts/error';
import { badFile, setting, type LayerJson } from './format';

interface Model {
	readonly layers: readonly LayerJson[];
	readonly manifest: unknown;
}

export function readTopology(modelJson: unknown): Model {
	const json = record(modelJson, 'model.json');
	if (json.format !== undefined && json.format !== 'layers-model')
		throw badFile(
			`model.json: expected format layers-model, found ${String(json.format)}. Convert the model with --output_format=tfjs_layers_model.`,
			{
				expected: 'layers-model',
				found: json.format
			}
		);
	const topology = record(json.modelTopology, 'model.json: modelTopology');
	const model = record(topology.model_config ?? topology, 'model.json: the model');
	const className = String(model.class_name);
	if (!['Sequential', 'Functional', 'Model'].includes(className))
		throw badFile(`model.json: expected a Sequential or Functional model, found ${className}.`, { found: className });
	const config = model.config;
	const list = Array.isArray(config) ? config : record(config, 'model.json: the model config').layers;
	if (!Array.isArray(list) || list.length === 0) throw badFile('model.json: the model has no layers.');
	const layers = list.map((entry, index) => readLayer(entry, index, className !== 'Sequential'));
	return { layers: className === 'Sequential' ? layers : chainOf(layers), manifest: json.weightsManifest };
}

/** A layer's class, name and configuration; also of one wrapped in another. */
export function readLayer(entry: unknown, index: number | string, functional = false): LayerJson {
	const layer = record(entry, `model.json: layer ${index}`);
	const config = record(layer.config, `model.json: layer ${index}: config`);
	const name = String(layer.name ?? config.name ?? `layer ${index}`);
	const className = layer.class_name ?? layer.className;
	if (typeof className !== 'string') throw badFile(`model.json: layer ${name} has no class_name.`, { layer: name });
	return {
		className,
		name,
		config,
		...(functional ? { inbound: inboundOf(layer.inbound_nodes ?? layer.inboundNodes) } : {})
	};
}

/** Layers in the order of the data. Throws `unsupported` where they branch or join. */
function chainOf(layers: readonly LayerJson[]): LayerJson[] {
	const unsupported = (layer: LayerJson, found: number, what: string) =>
		new MillwrightError(
			'unsupported',
			`Layer ${layer.name}: expected a single chain of layers, found ${found} ${what}.`,
			{
				layer: layer.name,
				found
			}
		);
	const starts = layers.filter((layer) => layer.inbound!.length === 0);
	if (starts.length !== 1) throw unsupported(starts[1] ?? layers[0]!, starts.length, 'inputs');
	const chain = [starts[0]!];
	for (let last = starts[0]!; chain.length < layers.length;) {
		const next = layers.filter((layer) => layer.inbound!.includes(last.name));
		if (next.length !== 1 || next[0]!.inbound!.length !== 1) throw unsupported(last, next.length, 'layers after it');
		last = next[0]!;
		chain.push(last);
	}
	return chain;
}

/** Keras 2 and TensorFlow.js: [[["name", 0, 0, {}]]]. Keras 3: [{args: [{config: {keras_history: ["name", 0, 0]}}]}]. */
function inboundOf(nodes: unknown): string[] {
	const names = new Set<string>();
	const visit = (node: unknown): void => {
		if (Array.isArray(node)) {
			if (typeof node[0] === 'string' && typeof node[1] === 'number') names.add(node[0]);
			else node.forEach(visit);
		} else if (typeof node === 'object' && node !== null) Object.values(node).forEach(visit);
	};
	visit(nodes ?? []);
	return [...names];
}

/** The input's `batch_input_shape` (or `batch_shape`), of the first layer that has one. */
export function inputShape(layers: readonly LayerJson[]): { readonly features: number; readonly steps?: number } {
	for (const layer of layers) {
		const inner = layer.config.layer as { config?: Record<string, unknown> } | undefined;
		for (const config of [layer.config, inner?.config ?? {}]) {
			const shape = setting(config, 'batch_input_shape') ?? setting(config, 'batch_shape');
			if (!Array.isArray(shape)) continue;
			const [, steps, features] = shape as unknown[];
			if (shape.length === 3 && Number.isInteger(features))
				return { features: features as number, ...(Number.isInteger(steps) ? { steps: steps as number } : {}) };
			throw badFile(
				`Layer ${layer.name}: expected an input of [batch, steps, features], found [${shape.join(', ')}].`,
				{
					layer: layer.name,
					found: shape
				}
			);
		}
	}
	throw badFile('model.json: no layer says what input it expects (batch_input_shape).');
}

function record(value: unknown, what: string): Record<string, unknown> {
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw badFile(`${what}: expected an object, found ${Array.isArray(value) ? 'a list' : String(value)}.`);
	return value as Record<string, unknown>;
}
