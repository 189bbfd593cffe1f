/**
 * Neural: whatever a person picks as a Keras model. In: named bytes: a `.keras` or `.h5` file, a model.json with its weight files, or
 * these in a zip. Out: what `importKeras` takes, and the files beside the model. Files are told apart by what they begin with.
 */
import { isHdf5, isZip, unzip } from './archive';
import { gatherKerasFiles, type NamedBytes } from './files';
import { badFile, type KerasFiles } from './format';
import { readHdf5Model, readKerasArchive } from './read-hdf5';

export interface PickedModel {
	readonly files: KerasFiles;
	/** All files, those in archives too. */
	readonly all: readonly NamedBytes[];
}

/** Throws `invalid-file` naming the file that is missing, damaged or of another kind. */
export async function readPickedModel(picked: readonly NamedBytes[]): Promise<PickedModel> {
	if (picked.length === 0)
		throw badFile('No file was chosen.', { expected: '.keras, .h5, or model.json with its weights' });
	const unpacked = await Promise.all(picked.map(async (file) => (isZip(file.bytes) ? unzip(file) : [file])));
	const all = unpacked.flat();
	const find = (name: string) => all.find((file) => file.name === name);
	const [config, weights] = [find('config.json'), find('model.weights.h5')];
	if (config && weights) {
		const archive = picked[unpacked.findIndex((files) => files.includes(config))]!;
		return { files: await readKerasArchive(config.bytes, weights.bytes, archive.name), all };
	}
	const hdf5 = all.find(({ bytes }) => isHdf5(bytes));
	if (hdf5) return { files: await readHdf5Model(hdf5.bytes, hdf5.name), all };
	const damaged = picked.find(({ name }) => /\.(keras|h5|hdf5)$/i.test(name));
	if (damaged)
		throw badFile(`${damaged.name} is damaged, or not what its name says: expected a Keras model.`, {
			file: damaged.name,
			expected: damaged.name.toLowerCase().endsWith('.keras') ? 'a zip archive' : 'an HDF5 file'
		});
	return { files: gatherKerasFiles(all), all };
}
