/** Files that Keras itself saved (keras-files.py) run on our kernels with Keras' own numbers; damaged and foreign ones are refused by name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exportKeras, importKeras, readPickedModel, splitKerasFiles, startEngine, zip, type Engine } from '$lib/neural';

const folder = join(import.meta.dirname, 'keras-files');
const pick = (name: string, change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) => ({
	name,
	bytes: change(Uint8Array.from(readFileSync(join(folder, name)))).slice().buffer
});
const { input, outputs } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
	input: number[];
	outputs: Record<string, number[]>;
};

let engine: Engine;
beforeAll(async () => {
	engine = await startEngine({ backends: ['cpu'], purpose: 'scoring' });
});
afterAll(() => engine.dispose());

describe('a model that Keras saved', () => {
	for (const [name, expected] of Object.entries(outputs))
		for (const kind of ['keras', 'h5'])
			it(`${name}.${kind} gives the numbers that Keras gives`, async () => {
				const { spec, weights } = importKeras((await readPickedModel([pick(`${name}.${kind}`)])).files);
				const network = engine.createNetwork(spec, 0);
				network.setWeights(weights);
				const found = await network.predict(Float32Array.from(input), 2, 6);
				expect(found.length).toBe(expected.length);
				found.forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 5));
				network.dispose();
			});

	it('comes back the same from our export, zipped with a file beside it', async () => {
		const imported = importKeras((await readPickedModel([pick('predictor.keras')])).files);
		const beside = { name: 'millwright.json', bytes: new TextEncoder().encode('{}').buffer as ArrayBuffer };
		const files = [...splitKerasFiles(exportKeras(imported.spec, imported.weights)), beside];
		const { files: read, all } = await readPickedModel([{ name: 'export.zip', bytes: await zip(files) }]);
		expect(all.map(({ name }) => name).sort()).toEqual(['millwright.json', 'model.json', 'weights.bin']);
		expect(importKeras(read)).toMatchObject({ spec: imported.spec, weights: imported.weights });
	});
});

describe('what is no model', () => {
	const half = (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1);
	for (const [title, files, says] of [
		['nothing at all', [], /No file was chosen/],
		['weights alone', [pick('predictor.weights.h5')], /predictor\.weights\.h5 holds weights without a model/],
		['half an archive', [pick('predictor.keras', half)], /predictor\.keras is a damaged archive/],
		['half an HDF5 file', [pick('predictor.h5', half)], /predictor\.h5 is damaged/],
		[
			'another kind of file',
			[pick('predictor.h5', (bytes) => bytes.fill(7))],
			/predictor\.h5 is damaged, or not what its name says/
		],
		['an archive of something else', [], /Expected a model\.json, found notes\.txt/]
	] as const)
		it(`is refused: ${title}`, async () => {
			const notes = { name: 'notes.txt', bytes: new TextEncoder().encode('hello').buffer as ArrayBuffer };
			const picked = title.startsWith('an archive') ? [{ name: 'x.zip', bytes: await zip([notes]) }] : files;
			const refusal = readPickedModel(picked).then(({ files: read }) => importKeras(read));
			await expect(refusal).rejects.toMatchObject({
				code: 'invalid-file',
				message: expect.stringMatching(says) as string
			});
		});

	it('never is taken for one when bytes are damaged at random places: it is refused, or differs in numbers alone', async () => {
		// jsfive says on the console what it skips.
		vi.spyOn(console, 'warn').mockImplementation(() => undefined);

		const whole = importKeras((await readPickedModel([pick('predictor.h5')])).files);
		for (let at = 60; at < 29_000; at += 397) {
			const damaged = pick('predictor.h5', (bytes) => bytes.fill(0xff, at, at + 8));
			const result = await readPickedModel([damaged])
				.then(({ files }) => importKeras(files))
				.catch((error: unknown) => error);
			if (result instanceof Error)
				expect(result).toMatchObject({ code: expect.stringMatching(/invalid-(file|model)|unsupported/) as string });
			else expect(result).toMatchObject({ spec: whole.spec });
		}
	});

	it('is refused with the layer named when a weight is not finite or of another shape', async () => {
		const { files } = await readPickedModel([pick('predictor.keras')]);
		const bad = new Float32Array(files.weightData.slice(0));
		bad[3 * 20 + 5 * 20 + 4] = NaN;
		expect(() => importKeras({ ...files, weightData: bad.buffer })).toThrow(
			/Layer lstm: .*bias|Layer lstm: lstm.* is not finite at element 4/
		);
		const other = JSON.parse(JSON.stringify(files.modelJson)) as {
			modelTopology: { config: { layers: { config: { units?: number } }[] } };
		};
		other.modelTopology.config.layers[1]!.config.units = 6;
		expect(() => importKeras({ ...files, modelJson: other })).toThrow(
			/Layer lstm: expected kernel \[3, 24\], found lstm\/cell\/vars\/0 \[3, 20\]/
		);
	});
});
