/**
 * Neural: a layers-model as the files a person picks or saves. In: named bytes, in any order. Out: what `importKeras` takes; and
 * back. Missing or unreadable files are `invalid-file`, by name.
 */
import { badFile, type KerasFiles } from './format';

export interface NamedBytes {
	readonly name: string;
	readonly bytes: ArrayBuffer;
}

/** Finds model.json (or the only .json) and the weight files that it names; folders in names do not matter. */
export function gatherKerasFiles(files: readonly NamedBytes[]): KerasFiles {
	const baseName = (path: string) => path.split(/[\\/]/).pop()!;
	const jsons = files.filter(({ name }) => name.toLowerCase().endsWith('.json'));
	const model =
		jsons.find(({ name }) => baseName(name) === 'model.json') ?? (jsons.length === 1 ? jsons[0] : undefined);
	if (!model)
		throw badFile(`Expected a model.json, found ${files.map(({ name }) => name).join(', ') || 'no files'}.`, {
			expected: 'model.json',
			found: files.map(({ name }) => name)
		});
	let modelJson: { weightsManifest?: { paths?: unknown }[] } | null;
	try {
		modelJson = JSON.parse(new TextDecoder().decode(model.bytes)) as typeof modelJson;
	} catch (cause) {
		throw badFile(`${model.name} is not JSON: ${String(cause)}`, { file: model.name });
	}
	const groups = modelJson?.weightsManifest;
	if (!Array.isArray(groups)) throw badFile(`${model.name}: expected a list weightsManifest.`, { file: model.name });
	const paths = groups.flatMap((group) => (Array.isArray(group?.paths) ? (group.paths as unknown[]) : [])).map(String);
	const parts = paths.map((path) => {
		const part = files.find(({ name }) => baseName(name) === baseName(path));
		if (!part)
			throw badFile(`${model.name} names the weight file ${path}, which is not there.`, {
				file: model.name,
				expected: path
			});
		return part.bytes;
	});
	const data = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
	let at = 0;
	for (const part of parts) {
		data.set(new Uint8Array(part), at);
		at += part.byteLength;
	}
	return { modelJson, weightData: data.buffer };
}

/** model.json and weights.bin, as `exportKeras` made them, ready to be saved side by side. */
export function splitKerasFiles(files: KerasFiles): NamedBytes[] {
	const text = new TextEncoder().encode(JSON.stringify(files.modelJson));
	return [
		{ name: 'model.json', bytes: text.buffer as ArrayBuffer },
		{ name: 'weights.bin', bytes: files.weightData }
	];
}
