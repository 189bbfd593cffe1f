/**
 * Files through the interface: a recording comes in, readings go out and come in again elsewhere with the same values, and a whole plant
 * moves to another tablet; a file that was altered on the way is refused and changes nothing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { openInspector, serveApp, watchPage } from '../tools/app';

let app: StaticServer;
let folder: string;
beforeAll(async () => {
	app = await serveApp();
	folder = mkdtempSync(join(tmpdir(), 'millwright-files-'));
});
afterAll(async () => {
	await app.close();
	rmSync(folder, { recursive: true, force: true });
});

const start = Date.UTC(2026, 0, 5, 8);
const rows = 1200;
const recording = Array.from({ length: rows }, (_, i) =>
	JSON.stringify({ ts: start + i * 1000, flow: 40 + Math.sin(i / 30), values: { temperature: 20 + i / 100 } })
).join('\n');

async function stored(context: BrowserContext) {
	const inspector = await openInspector(context, app);
	const { machines, sensors } = await inspector.call('machines', 'plant');
	const series = await inspector.call('series', 'plant', {
		sensorIds: sensors.map(({ id }) => id).sort(),
		from: 0,
		to: Number.MAX_SAFE_INTEGER
	});
	await inspector.page.close();
	return { machines: machines.map(({ id }) => id).sort(), series };
}

async function importFrom(page: Page, file: string): Promise<void> {
	await page.goto(`${app.url}import/`);
	await page.locator('input[type=file]').setInputFiles(file);
	await page.getByRole('button', { name: 'Import the file' }).click();
	await page.getByRole('heading', { name: /is imported/ }).waitFor();
}

async function exportAs(page: Page, format: string, layout: string): Promise<string> {
	await page.goto(`${app.url}data/`);
	await page.getByRole('button', { name: 'Export readings' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('File').selectOption({ label: format });
	await dialog.getByLabel('Layout').selectOption({ label: layout });
	const [download] = await Promise.all([
		page.waitForEvent('download'),
		dialog.getByRole('button', { name: 'Export', exact: true }).click()
	]);
	await dialog.getByText(/is in your downloads/).waitFor();
	const path = join(folder, download.suggestedFilename());
	await download.saveAs(path);
	return path;
}

async function chooseBackup(page: Page, file: string) {
	await page.getByRole('button', { name: 'Restore a backup' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.locator('input[type=file]').setInputFiles(file);
	return dialog;
}

test('a recording in, readings out and in again, and the whole plant on another tablet', async () => {
	const source = join(folder, 'pump-9.ndjson');
	writeFileSync(source, recording);
	let csv = '';
	let parquet = '';
	let backup = '';
	let before: Awaited<ReturnType<typeof stored>> | undefined;
	await withChromium(async (context) => {
		const page = await context.newPage();
		const watched = watchPage(page, app);
		await importFrom(page, source);
		before = await stored(context);
		expect(before.series.map(({ times }) => times.length)).toEqual([rows, rows]);
		csv = await exportAs(page, 'CSV', 'A row per reading');
		parquet = await exportAs(page, 'Parquet', 'A column per sensor');
		expect(readFileSync(parquet).subarray(0, 4).toString()).toBe('PAR1');
		await page.keyboard.press('Escape');
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			page.getByRole('button', { name: 'Make a backup' }).click()
		]);
		backup = join(folder, download.suggestedFilename());
		await download.saveAs(backup);
		expect(watched).toEqual({ errors: [], strangers: [] });
	});
	for (const file of [csv, parquet])
		await withChromium(async (context) => {
			const page = await context.newPage();
			const watched = watchPage(page, app);
			await page.goto(`${app.url}import/`);
			await page.locator('input[type=file]').setInputFiles(file);
			await page.getByLabel('Machine', { exact: true }).fill('pump-9');
			await page.getByRole('button', { name: 'Import the file' }).click();
			await page.getByRole('heading', { name: /is imported/ }).waitFor();
			expect(await stored(context)).toEqual(before);
			expect(watched).toEqual({ errors: [], strangers: [] });
		});
	await withChromium(async (context) => {
		const page = await context.newPage();
		const watched = watchPage(page, app);
		await page.goto(`${app.url}data/`);
		const altered = join(folder, 'altered.mwbackup');
		const bytes = readFileSync(backup);
		bytes[bytes.length >> 1]! ^= 1;
		writeFileSync(altered, bytes);
		const dialog = await chooseBackup(page, altered);
		await dialog.getByText(/nothing on this device was changed/).waitFor();
		await dialog.getByText(/damaged or was altered/).waitFor();
		await dialog.locator('input[type=file]').setInputFiles(backup);
		await dialog.getByText('2,400').waitFor();
		await dialog.getByRole('button', { name: 'Replace it by the backup' }).click();
		await dialog.getByText(/The backup is in place/).waitFor();
		await dialog.getByRole('button', { name: 'Close' }).last().click();
		await page.getByText('pump-9').first().waitFor();
		expect(await stored(context)).toEqual(before);
		expect(watched).toEqual({ errors: [], strangers: [] });
	});
});
