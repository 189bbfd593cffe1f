/**
 * axe finds nothing serious or critical on any screen, in both themes, with the demo running and at the first opening. Each screen is
 * opened once; the device's theme is switched while it stands there, which must recolour all of it.
 */
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { chromiumArguments } from '../bench/harness';
import { serveApp } from '../tools/app';
import { findings } from '../tools/axe';
import { findChromium } from '../tools/find-chromium';

let app: StaticServer;
let browser: Browser;
let page: Page;
beforeAll(async () => {
	app = await serveApp();
	browser = await chromium.launch({ executablePath: findChromium()!, args: chromiumArguments });
	// Without motion: colours that fade into each other would be judged half-way.
	const context = await browser.newContext({
		viewport: { width: 1280, height: 800 },
		hasTouch: true,
		reducedMotion: 'reduce'
	});
	context.setDefaultTimeout(120_000);
	page = await context.newPage();
});
afterAll(async () => {
	await browser.close();
	await app.close();
});

async function expectNothingFound(path: string): Promise<void> {
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme });
		expect(await findings(page), `${path}, ${colorScheme}`).toEqual([]);
	}
}

describe('no serious or critical finding, light and dark', () => {
	test.each(['', 'connect/', 'import/', 'mapping/'])('before anything is chosen: /%s', async (path) => {
		await page.goto(`${app.url}${path}`);
		await page.getByRole('heading', { level: 1 }).waitFor();
		await expectNothingFound(path);
	});

	test('the demo: plant screen, then every other screen', { timeout: 900_000 }, async () => {
		await page.goto(app.url);
		await page.getByRole('button', { name: /^Demo/ }).click();
		await page.locator('[data-verdict-at]').first().waitFor();
		await expectNothingFound('the plant');
		const machine = encodeURIComponent((await page.locator('[data-machine]').first().getAttribute('data-machine'))!);
		const paths = [
			'alarms/',
			'models/',
			'data/',
			'settings/',
			'score/',
			`machine/?id=${machine}`,
			`machine/diagnosis/?id=${machine}`,
			`machine/train/?id=${machine}`,
			`models/import/?id=${machine}`,
			'models/life/',
			'models/life/trials/',
			'models/life/backtest/',
			'models/risk/',
			'models/risk/plant/',
			'models/risk/look-back/',
			'models/risk/predict/'
		];
		for (const path of paths) {
			await page.goto(`${app.url}${path}`);
			await page.getByRole('heading', { level: 1 }).waitFor();
			await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
			await expectNothingFound(path);
		}
	});
});
