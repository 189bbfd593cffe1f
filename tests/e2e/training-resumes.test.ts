/**
 * A training outlives its worker and its page: ended in the middle, it goes on from its last whole epoch and says so; cancelled,
 * it stays away.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { openDemo, serveApp, watchPage } from '../tools/app';

let app: StaticServer;
beforeAll(async () => {
	app = await serveApp();
});
afterAll(() => app.close());

/** Waits until some epochs have been finished since `begun`. */
async function learn(page: Page, epochs: number): Promise<void> {
	const epoch = page.locator('dt:text-is("Epoch") + dd');
	await epoch.waitFor();
	const now = async () => Number((await epoch.innerText().catch(() => '0')).split(' ')[0]);
	await expect.poll(now, { interval: 50 }).toBeGreaterThanOrEqual(epochs);
}

test('a training goes on after its worker and its page were ended, and stays away once cancelled', async () => {
	await withChromium(async (context) => {
		const page = await context.newPage();
		const watched = watchPage(page, app);
		const tile = await openDemo(page, app);
		const id = (await tile.getAttribute('data-machine'))!;

		await page.goto(`${app.url}machine/train/?id=${encodeURIComponent(id)}`);
		await page.getByText('Advanced').click();
		await page.getByLabel('Epochs at most').fill('400');
		await page.getByRole('button', { name: 'Train the model' }).click();
		await learn(page, 3);

		// The worker ends without a word, as when the system takes its memory.
		const worker = page.workers().find((candidate) => /training/.test(candidate.url()))!;
		await worker.evaluate(() => void setTimeout(() => self.close(), 0));
		await page.getByText(/Resumed at epoch [1-9]\d* of 400, after its worker stopped/).waitFor();

		await page.reload();
		const resumed = page.getByText(/Resumed at epoch [2-9]\d* of 400, after the page was left/);
		await resumed.waitFor();
		// Wherever one looks.
		await page.goto(app.url);
		await resumed.waitFor();

		await page.goto(`${app.url}machine/train/?id=${encodeURIComponent(id)}`);
		await page.getByRole('button', { name: 'Cancel the training' }).click();
		await page.getByText('The training was cancelled').waitFor();
		await page.reload();
		await page.getByRole('button', { name: 'Train the model' }).waitFor();
		expect(await page.getByText(/Resumed at epoch/).count()).toBe(0);
		expect(watched.errors).toEqual([]);
	});
});
