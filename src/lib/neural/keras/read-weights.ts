/**
 * Neural: weight files of a layers-model. In: the manifest and the bytes. Out: named float32 arrays, in order, or `invalid-file`
 * saying what was expected and found. Reads float32, float16 and TensorFlow.js' affine quantisation (uint8, uint16).
 */
import { badFile, type ManifestWeight } from './format';

export interface NamedWeight {
	readonly name: string;
	readonly shape: readonly number[];
	readonly values: Float32Array;
}

const bytesPer: Record<string, number> = { float32: 4, float16: 2, uint16: 2, uint8: 1 };

export function readWeights(manifest: unknown, data: ArrayBuffer): NamedWeight[] {
	const entries = manifestWeights(manifest);
	const stored = entries.map((entry) => ({ entry, dtype: entry.quantization?.dtype ?? entry.dtype }));
	for (const { entry, dtype } of stored)
		if (entry.dtype !== 'float32' || !(dtype in bytesPer))
			throw badFile(`Weight ${entry.name}: expected float32 (or float16, uint8, uint16 quantised), found ${dtype}.`, {
				weight: entry.name,
				found: dtype
			});
	const expected = stored.reduce((sum, { entry, dtype }) => sum + elements(entry) * bytesPer[dtype]!, 0);
	if (expected !== data.byteLength)
		throw badFile(
			`The weight file is damaged or belongs to another model: expected ${expected} bytes, found ${data.byteLength}.`,
			{
				expected,
				found: data.byteLength
			}
		);
	let at = 0;
	return stored.map(({ entry, dtype }) => {
		const count = elements(entry);
		const bytes = data.slice(at, (at += count * bytesPer[dtype]!));
		return { name: entry.name, shape: entry.shape, values: decode(entry, dtype, bytes) };
	});
}

/**
 * The weights in the order of the layers. tensorflowjs_converter writes them as HDF5 lists its groups, by name of the layer
 * ("dense/bias" before "lstm/lstm_cell/kernel"), each layer's own in Keras' order. Files whose names do not tell the layers
 * apart (a wrapped layer that TensorFlow.js saved goes by its own name) are in the order of the layers already.
 */
export function inLayerOrder(weights: readonly NamedWeight[], layers: readonly string[]): NamedWeight[] {
	const layerOf = ({ name }: NamedWeight) =>
		name
			.split('/')
			.map((part) => layers.indexOf(part))
			.find((at) => at >= 0) ?? -1;
	const placed = weights.map((weight) => ({ weight, layer: layerOf(weight) }));
	if (placed.some(({ layer }) => layer < 0)) return [...weights];
	return placed.sort((a, b) => a.layer - b.layer).map(({ weight }) => weight);
}

function decode({ quantization }: ManifestWeight, dtype: string, bytes: ArrayBuffer): Float32Array {
	if (dtype === 'float32') return new Float32Array(bytes);
	if (dtype === 'float16') return Float32Array.from(new Uint16Array(bytes), halfToNumber);
	const { scale = 1, min = 0 } = quantization ?? {};
	return Float32Array.from(
		dtype === 'uint8' ? new Uint8Array(bytes) : new Uint16Array(bytes),
		(value) => value * scale + min
	);
}

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
	const sign = half & 0x8000 ? -1 : 1;
	const exponent = (half >> 10) & 31;
	const fraction = half & 1023;
	if (exponent === 0) return sign * fraction * 2 ** -24;
	if (exponent === 31) return fraction ? NaN : sign * Infinity;
	return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const elements = (entry: ManifestWeight) => entry.shape.reduce((product, size) => product * size, 1);

function manifestWeights(manifest: unknown): ManifestWeight[] {
	if (!Array.isArray(manifest))
		throw badFile('model.json: expected a list weightsManifest.', { found: typeof manifest });
	const entries = manifest.flatMap((group: { weights?: unknown }) =>
		Array.isArray(group?.weights) ? group.weights : []
	) as unknown[];
	return entries.map((entry, index) => {
		const { name, shape, dtype } = (entry ?? {}) as Partial<ManifestWeight>;
		const fits =
			typeof name === 'string' &&
			typeof dtype === 'string' &&
			Array.isArray(shape) &&
			shape.every((size) => Number.isInteger(size) && size >= 0);
		if (!fits) throw badFile(`model.json: weight ${index} of the manifest has no name, shape and dtype.`, { index });
		return entry as ManifestWeight;
	});
}
