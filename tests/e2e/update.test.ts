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

/** Each is a version: the browser compares the file's bytes. */
const publish = (text: string) => appendFileSync(join(folder, 'service-worker.js'), `\n${text}\n`);

test('an update is offered, never forced, and taken also from an older version that stays busy', () =>
	withChromium(async (context) => {
		const page = await context.newPage();
		const controlled = () => page.waitForFunction(() => navigator.serviceWorker.controller !== null);
		const offer = page.getByRole('button', { name: 'Use it now' });
		const waiting = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting?.state);
		const take = async () => {
			const reloaded = page.waitForEvent('load');
			await offer.click();
			await reloaded;
			await page.getByRole('heading', { level: 1 }).waitFor();
			expect(await waiting()).toBeUndefined();
			await expect.poll(() => offer.count()).toBe(0);
		};
		await page.goto(app.url);
		await controlled();

		publish(
			"addEventListener('message', (event) => event.data === 'busy' && event.waitUntil(new Promise(() => undefined)));"
		);
		await page.reload();
		await offer.waitFor();
		expect(await waiting()).toBe('installed');
		// Going on without it is possible.
		await page.getByRole('link', { name: /Import a file/ }).click();
		await page.getByRole('heading', { level: 1, name: 'Import a file' }).waitFor();
		expect(await waiting()).toBe('installed');
		await take();

		await controlled();
		publish('// a still newer version');
		await page.reload();
		await offer.waitFor();
		await page.evaluate(() => navigator.serviceWorker.controller!.postMessage('busy'));
		await take();
	}));
