/**
 * A model taken away and brought back, as a data scientist does: exported as a zip that stock TensorFlow.js loads with the same numbers,
 * refused by layer when it cannot watch a machine, taken as a layers-model in parts and as a zip, calibrated, put in use.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { importKeras, readPickedModel, startEngine } from '../../src/lib/neural';
import { openDemo, serveApp, watchPage } from '../tools/app';
import { asConverterWrites, stockOutputs } from '../tools/stock-models';

let app: StaticServer;
let folder: string;
const picked = (path: string) => ({ name: basename(path), bytes: Uint8Array.from(readFileSync(path)).buffer });
beforeAll(async () => {
	app = await serveApp();
	folder = mkdtempSync(join(tmpdir(), 'millwright-models-'));
});
afterAll(async () => {
	await app.close();
	rmSync(folder, { recursive: true, force: true });
});

test('a version is exported, and a Keras model imported, calibrated and put in use', async () => {
	await withChromium(async (context) => {
		const page = await context.newPage();
		const watched = watchPage(page, app);
		await openDemo(page, app);

		await page.goto(`${app.url}models/`);
		const machine = page.locator('article').first();
		await machine.getByRole('button', { name: /versions|Details/ }).click();
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			machine.getByRole('button', { name: 'Export' }).first().click()
		]);
		expect(download.suggestedFilename()).toMatch(/\.zip$/);
		const zip = join(folder, 'model.zip');
		await download.saveAs(zip);
		const exported = await readPickedModel([picked(zip)]);
		const { spec, weights } = importKeras(exported.files);
		const rows = Float32Array.from({ length: 2 * 12 * spec.features }, (_, k) => Math.sin(k));
		const shape: [number, number, number] = [2, 12, spec.features];
		const engine = await startEngine({ backends: ['wasm'], purpose: 'scoring' });
		const network = engine.createNetwork(spec, 0);
		network.setWeights(weights);
		const ours = await network.predict(rows, 2, 12);
		const stock = await stockOutputs(exported.files, rows, shape);
		expect(stock.length).toBe(ours.length);
		stock.forEach((value, k) => expect(value).toBeCloseTo(ours[k]!, 5));
		await engine.dispose();

		await machine.getByRole('link', { name: 'Import' }).click();
		const files = page.locator('input[type=file]');
		await files.setInputFiles(resolve('tests/unit/neural/keras-files/autoencoder.keras'));
		await page.getByText(/Layer bidirectional: expected a layer that reads forward/).waitFor();

		const converted = asConverterWrites(exported.files).map(({ name, bytes }) => ({
			name,
			mimeType: 'application/octet-stream',
			buffer: Buffer.from(bytes)
		}));
		await files.setInputFiles(converted.slice(0, 2));
		await page.getByText(/names the weight file group1-shard2of2\.bin, which is not there/).waitFor();
		await files.setInputFiles(converted);
		await page.getByRole('heading', { name: /group1-shard1of2\.bin/ }).waitFor();
		await page.getByRole('button', { name: 'Choose other files' }).click();

		await files.setInputFiles(zip);
		await page.getByText('Scale readings as the file says').waitFor();
		await page.getByRole('button', { name: 'Calibrate the model' }).click();
		await page.getByRole('heading', { name: 'The model is calibrated' }).waitFor();
		await page.getByRole('button', { name: 'Put it in use' }).click();
		await page.getByRole('heading', { name: 'The model is in use' }).waitFor();

		await page.goto(`${app.url}models/`);
		await page
			.getByText(/^Imported, /)
			.first()
			.waitFor();
		expect(watched.strangers).toEqual([]);
		expect(watched.errors).toEqual([]);
	});
});
