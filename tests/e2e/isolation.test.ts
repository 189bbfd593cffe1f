/**
 * Shared memory for training: a plain host cannot isolate the page, so the service worker does from the second opening on. (A host
 * that sends the headers, with an MQTT broker: start.test.ts.)
 */
import { availableParallelism } from 'node:os';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { withChromium } from '../bench/harness';
import { openDemo, serveApp, watchPage } from '../tools/app';

const isolated = (page: Page) => page.evaluate(() => crossOriginIsolated);

/** Trains a machine. Returns all that the screen said of what the training runs on, however short it stood there. */
async function train(page: Page, url: string, machine: string): Promise<string[]> {
	await page.goto(`${url}machine/train/?id=${encodeURIComponent(machine)}`);
	await page.getByText('Advanced').click();
	await page.getByLabel('Epochs at most').fill('3');
	const said = await page.evaluateHandle(() => {
		const words = new Set<string>();
		const note = () => {
			for (const title of document.querySelectorAll('dt'))
				if (title.textContent === 'Runs on') words.add(title.nextElementSibling?.textContent.trim() ?? '');
		};
		new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
		return words;
	});
	await page.getByRole('button', { name: 'Train the model' }).click();
	await page.getByRole('heading', { name: 'The new version is in use' }).waitFor();
	return said.evaluate((words) => [...words]);
}

test.skipIf(availableParallelism() < 2)('on a plain host from the second opening on, with the network gone too', () =>
	withChromium(async (context) => {
		const app = await serveApp();
		try {
			const page = await context.newPage();
			const watched = watchPage(page, app);
			const tile = await openDemo(page, app);
			expect(await isolated(page)).toBe(false);
			const machine = (await tile.getAttribute('data-machine'))!;
			await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
			await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
			await page.goto(`${app.url}settings/`);
			await page.getByText(/share memory/).waitFor();
			expect(await isolated(page)).toBe(true);
			await context.setOffline(true);
			expect((await train(page, app.url, machine)).join('; ')).toMatch(/\d+ cores sharing memory/);
			expect(await isolated(page)).toBe(true);
			expect(watched.errors).toEqual([]);
		} finally {
			await app.close();
		}
	})
);
