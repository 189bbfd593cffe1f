/**
 * A model taken away and brought back, as a data scientist does: exported as a zip, refused by layer when it cannot watch a machine,
 * matched with sensors, calibrated, put in use.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { openDemo, serveApp, watchPage } from '../tools/app';

let app: StaticServer;
let folder: string;
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

		await machine.getByRole('link', { name: 'Import' }).click();
		const files = page.locator('input[type=file]');
		await files.setInputFiles(resolve('tests/unit/neural/keras-files/autoencoder.keras'));
		await page.getByText(/Layer bidirectional: expected a layer that reads forward/).waitFor();

		await files.setInputFiles(zip);
		await page.getByText('Scale readings as the file says').waitFor();
		await page.getByRole('button', { name: 'Calibrate the model' }).click();
		await page.getByRole('heading', { name: 'The model is calibrated' }).waitFor({ timeout: 60_000 });
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
