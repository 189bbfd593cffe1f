/**
 * axe finds nothing serious or critical on any screen, in both themes, with the demo running and at the first opening.
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
beforeAll(async () => {
	app = await serveApp();
	browser = await chromium.launch({ executablePath: findChromium()!, args: chromiumArguments });
});
afterAll(async () => {
	await browser.close();
	await app.close();
});

describe.each(['light', 'dark'] as const)('no serious or critical finding, %s', (colorScheme) => {
	let page: Page;
	beforeAll(async () => {
		const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: true, colorScheme });
		page = await context.newPage();
	});
	afterAll(() => page.context().close());

	test.each(['', 'connect/', 'import/', 'mapping/'])('before anything is chosen: /%s', async (path) => {
		await page.goto(`${app.url}${path}`);
		await page.getByRole('heading', { level: 1 }).waitFor();
		expect(await findings(page)).toEqual([]);
	});

	test('the demo: plant screen, then every other screen', async () => {
		await page.goto(app.url);
		await page.getByRole('button', { name: /^Demo/ }).click();
		await page.locator('[data-verdict-at]').first().waitFor({ timeout: 60_000 });
		expect(await findings(page)).toEqual([]);
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
			expect(await findings(page), path).toEqual([]);
		}
	});
});
