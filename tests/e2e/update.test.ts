/**
 * A newer version on the host is offered and waits: nothing changes until the person takes it.
 */
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveFolder, type StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { ensureBuild } from '../tools/app';

let folder: string;
let app: StaticServer;
beforeAll(async () => {
	await ensureBuild();
	folder = mkdtempSync(join(tmpdir(), 'millwright-update-'));
	cpSync('build', folder, { recursive: true });
	app = await serveFolder(folder);
});
afterAll(async () => {
	await app.close();
	rmSync(folder, { recursive: true, force: true });
});

test('an update is offered, never forced', () =>
	withChromium(async (context) => {
		const page = await context.newPage();
		await page.goto(app.url);
		await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
		await page.waitForFunction(() => navigator.serviceWorker.controller !== null);

		appendFileSync(join(folder, 'service-worker.js'), '\n// a newer version\n');
		await page.reload();
		const offer = page.getByRole('button', { name: 'Use it now' });
		await offer.waitFor();
		const waiting = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting?.state);
		expect(await waiting()).toBe('installed');
		// Going on without it is possible.
		await page.getByRole('link', { name: /Import a file/ }).click();
		await page.getByRole('heading', { level: 1, name: 'Import a file' }).waitFor();
		expect(await waiting()).toBe('installed');

		const reloaded = page.waitForEvent('load', { timeout: 120_000 });
		await offer.click();
		await reloaded;
		await page.getByRole('heading', { level: 1 }).waitFor();
		expect(await waiting()).toBeUndefined();
		await expect.poll(() => offer.count(), { timeout: 120_000 }).toBe(0);
	}));
