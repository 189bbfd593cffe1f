/**
 * Neural: a Keras model in HDF5. In: the bytes of a `.h5` file (Keras 2 or 3, `model.save`), or the configuration and the
 * `model.weights.h5` of a `.keras` file. Out: the same as `KerasFiles`, so that there is one reader of models, or `invalid-file` naming
 * what is missing. The HDF5 reader (jsfive) is loaded when first needed.
 */
import type { Dataset, Group } from 'jsfive';
import { MillwrightError } from '../../contracts/error';
import { badFile, type KerasFiles, type ManifestWeight } from './format';

interface Weight {
	readonly name: string;
	readonly shape: readonly number[];
	readonly values: Float32Array;
}

/** A whole model in one HDF5 file. */
export async function readHdf5Model(bytes: ArrayBuffer, fileName: string): Promise<KerasFiles> {
	return reading(fileName, async () => {
		const file = await open(bytes);
		const config = text(file.attrs['model_config']);
		if (config === undefined)
			throw badFile(`${fileName} holds weights without a model. Save the whole model: model.save("model.keras").`, {
				file: fileName,
				expected: 'the attribute model_config',
				found: Object.keys(file.attrs)
			});
		const groups = group(file, 'model_weights');
		const layers = texts(groups.attrs['layer_names']);
		const weights = layers.flatMap((layer) => {
			const own = group(groups, layer);
			return texts(own.attrs['weight_names']).map((name) => readDataset(own, name, name));
		});
		return asFiles(json(config, `${fileName}: model_config`), weights);
	});
}

/** A `.keras` file's config.json and model.weights.h5. */
export async function readKerasArchive(
	config: ArrayBuffer,
	weights: ArrayBuffer,
	fileName: string
): Promise<KerasFiles> {
	return reading(fileName, async () => {
		const topology = json(new TextDecoder().decode(config), `${fileName}: config.json`);
		const root = await open(weights);
		if (!root.keys.includes('layers')) throw badFile(`${fileName}: its weights are not as Keras 3 writes them.`);
		const groups = group(root, 'layers');
		const byLayer = new Map<string, Group>();
		for (const key of groups.keys) {
			const own = group(groups, key);
			const named = own.keys.includes('vars') ? text(group(own, 'vars').attrs['name']) : undefined;
			byLayer.set(named ?? key, own);
		}
		const used = new Map<string, number>();
		const entries = layersOf(topology).flatMap(({ className, name }) => {
			// Keras before 3.4 kept no names: groups are then numbered by class.
			const count = used.get(className) ?? 0;
			used.set(className, count + 1);
			const numbered = `${snakeCase(className)}${count === 0 ? '' : `_${count}`}`;
			const own = byLayer.get(name) ?? byLayer.get(numbered);
			return own ? collect(own, name) : [];
		});
		return asFiles(topology, entries);
	});
}

/** Weights below a layer's group: forward before backward, numbered ones in order. */
function collect(own: Group, path: string, depth = 0): Weight[] {
	if (depth > 8) throw badFile(`Layer ${path}: groups nested too deeply.`, { layer: path });
	const order = (key: string) => (key.startsWith('backward') ? 1e6 : Number.isInteger(Number(key)) ? Number(key) : 0);
	return [...own.keys]
		.filter((key) => key !== 'seed_generator')
		.sort((a, b) => order(a) - order(b))
		.flatMap((key) => {
			const child = own.get(key);
			if (child && 'shape' in child) return [readDataset(own, key, `${path}/${key}`)];
			return child ? collect(child, `${path}/${key}`, depth + 1) : [];
		});
}

function readDataset(own: Group, path: string, name: string): Weight {
	const found = own.get(path);
	if (!found || !('shape' in found))
		throw badFile(`Weight ${name}: expected numbers, found a group.`, { weight: name });
	const { dtype, shape } = found as Dataset;
	if (dtype !== '<f4' && dtype !== '<f8' && dtype !== '>f4' && dtype !== '>f8')
		throw badFile(`Weight ${name}: expected float32, found ${String(dtype)}.`, {
			weight: name,
			expected: 'float32',
			found: String(dtype)
		});
	return { name, shape: [...shape], values: Float32Array.from((found as Dataset).value as ArrayLike<number>) };
}

function asFiles(topology: unknown, weights: readonly Weight[]): KerasFiles {
	const data = new Float32Array(weights.reduce((sum, { values }) => sum + values.length, 0));
	let at = 0;
	for (const { values } of weights) {
		data.set(values, at);
		at += values.length;
	}
	const manifest: ManifestWeight[] = weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
	return {
		modelJson: {
			format: 'layers-model',
			modelTopology: topology,
			weightsManifest: [{ paths: [], weights: manifest }]
		},
		weightData: data.buffer
	};
}

/** Names and classes of a model's layers, as far as they can be told: what is wrong with a topology is for its reader to say. */
function layersOf(topology: unknown): { readonly className: string; readonly name: string }[] {
	const config = (topology as { config?: { layers?: unknown } } | null)?.config;
	if (!Array.isArray(config?.layers)) return [];
	return (config.layers as { class_name?: unknown; name?: unknown; config?: { name?: unknown } }[]).map((layer) => ({
		className: String(layer?.class_name),
		name: String(layer?.name ?? layer?.config?.name)
	}));
}

async function open(bytes: ArrayBuffer): Promise<Group> {
	const { File } = await import('jsfive');
	return new File(bytes);
}

/** jsfive throws strings and whatever a damaged length leads to. */
async function reading<T>(fileName: string, read: () => Promise<T>): Promise<T> {
	try {
		return await read();
	} catch (error) {
		if (error instanceof MillwrightError) throw error;
		const said = error instanceof Error ? error.message : String(error);
		throw badFile(`${fileName} is damaged, or no HDF5 file that Keras wrote: ${said}.`, { file: fileName, said });
	}
}

function group(parent: Group, path: string): Group {
	const found = parent.get(path);
	if (!found || 'shape' in found) throw badFile(`The model's file has no group ${path}.`, { expected: path });
	return found;
}

const text = (value: unknown) => (typeof value === 'string' ? value.replace(/\0+$/, '') : undefined);
const texts = (value: unknown) =>
	(Array.isArray(value) ? (value as unknown[]) : []).map((entry) => text(entry) ?? String(entry));

function json(words: string, what: string): unknown {
	try {
		return JSON.parse(words) as unknown;
	} catch (cause) {
		throw badFile(`${what} is not JSON: ${String(cause)}`);
	}
}

/** As Keras derives a group's name from a class: LSTM -> lstm, TimeDistributed -> time_distributed. */
function snakeCase(name: string): string {
	return name
		.replace(/([A-Z][a-z]+)/g, '_$1')
		.replace(/([a-z0-9])([A-Z])/g, '$1_$2')
		.replace(/^_+/, '')
		.replace(/__+/g, '_')
		.toLowerCase();
}
