/**
 * Remaining life from one's own history, as a person does it: a file of units that ran to failure, a look at what was read, a short
 * training, its backtest; promoted to a machine of the plant, and all of it still there after a reload.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { randomFrom } from '../../src/lib/neural/random';
import { withChromium } from '../bench/harness';
import { serveApp, watchPage } from '../tools/app';
import { findings } from '../tools/axe';

let app: StaticServer;
let folder: string;
beforeAll(async () => {
	app = await serveApp();
	folder = mkdtempSync(join(tmpdir(), 'millwright-lives-'));
});
afterAll(async () => {
	rmSync(folder, { recursive: true, force: true });
	await app.close();
});

/** Nothing serious or critical in either theme. */
async function isAccessible(page: Page, screen: string): Promise<void> {
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme });
		expect(await findings(page), `${screen}, ${colorScheme}`).toEqual([]);
	}
}

/** Bearings that wear faster the nearer their end: vibration and temperature rise with noise, each lives 50 to 90 hours. */
function life(seed: number, hours: number): string[] {
	const random = randomFrom(seed);
	return Array.from({ length: hours }, (_, t) => {
		const wear = Math.exp(-(hours - 1 - t) / 25);
		return [t + 1, (1 + 4 * wear + 0.2 * random()).toFixed(3), (50 + 25 * wear + random()).toFixed(2), '1500'].join();
	});
}
const lengths = Array.from({ length: 14 }, (_, u) => 50 + ((u * 37) % 40));

test('imported, trained, looked back on, promoted; a reload changes nothing; asked about other units', async () => {
	const lives = join(folder, 'bearings.csv');
	const rows = lengths.flatMap((hours, u) => life(u + 1, hours).map((row) => `${u + 1},${row}`));
	writeFileSync(lives, ['unit,hour,vibration,temperature,speed', ...rows].join('\n'));
	// The plant's own machine, half way through a life.
	const running = join(folder, 'fan-1.csv');
	const start = Date.UTC(2026, 0, 5);
	const own = life(99, 90)
		.slice(0, 70)
		.map((row, t) => `${new Date(start + t * 3_600_000).toISOString()},${row.split(',').slice(1).join()}`);
	writeFileSync(running, ['time,vibration,temperature,speed', ...own].join('\n'));

	await withChromium(async (context) => {
		const page = await context.newPage();
		const { errors, strangers } = watchPage(page, app);
		await page.goto(`${app.url}import/`);
		await page.locator('input[type=file]').setInputFiles(running);
		await page.getByRole('button', { name: 'Import the file' }).click();
		await page.getByRole('heading', { name: /is imported/ }).waitFor();

		await page.getByRole('link', { name: 'Models' }).first().click();
		await page.getByRole('link', { name: 'Train a remaining-life model' }).click();
		await page.locator('input[type=file]').setInputFiles(lives);
		await page.getByRole('button', { name: 'Read the units' }).click();
		await page.getByText('14 units, 14 of them failed').waitFor();
		await page.getByText('Left out: never change').waitFor();
		// Left in the middle, a training goes on with what it had learnt; cancelled, it stays away.
		await page.getByRole('button', { name: 'Train the model' }).click();
		await page.getByText(/Epoch \d{2,} of/).waitFor();
		await page.goto(app.url);
		await page.getByText('Training bearings, remaining life').waitFor();
		await page.goto(`${app.url}models/life/`);
		await page.getByText(/Resumed after the page was left/).waitFor();
		await page.getByText(/Epoch \d{2,} of/).waitFor();
		await page.getByRole('button', { name: 'Cancel the training' }).click();
		await page.getByText('The training was cancelled').waitFor();
		await page.reload();
		await page.locator('input[type=file]').setInputFiles(lives);
		await page.getByRole('button', { name: 'Read the units' }).click();
		await page.getByLabel('Effort').selectOption('quick');
		// A search that is cancelled keeps the trials that were done.
		await page.getByLabel('Search for a better network').selectOption({ label: 'For 5 min' });
		await page.getByRole('button', { name: 'Train the model' }).click();
		await page.getByText(/[1-9] trials? done/).waitFor();
		await page.getByRole('button', { name: 'Cancel the training' }).click();
		await page.getByText('The training was cancelled').waitFor();
		await page.getByLabel('Search for a better network').selectOption({ label: 'No: the standard one' });
		await page.getByRole('button', { name: 'Train the model' }).click();
		await page.getByRole('link', { name: 'See the backtest' }).click();
		await page.getByText('14 units, each looked back on by networks that had not seen it').waitFor();
		await page.getByText('The model is better than both floors.').waitFor();
		await page.getByRole('img', { name: /Alpha-lambda plot of unit/ }).waitFor();
		await isAccessible(page, 'backtest');

		await page.getByLabel('For', { exact: true }).selectOption({ label: 'fan-1' });
		await page.getByRole('button', { name: 'Promote it' }).click();
		await page.getByText(/In use for/).waitFor();

		await page.goto(`${app.url}models/`);
		await page.getByText(/In use for fan-1/).waitFor();
		await page.goto(`${app.url}machine/?id=fan-1`);
		await page
			.getByText(/Failure in|At least/)
			.first()
			.waitFor();
		await page.getByRole('img', { name: /as said at earlier steps/ }).waitFor();
		await isAccessible(page, 'machine');
		await page.goto(app.url);
		await page.getByText(/Time left:/).waitFor();
		await page.getByRole('button', { name: 'By cost of waiting' }).click();
		await page.getByRole('cell', { name: 'Remaining-life model' }).waitFor();

		await page.goto(`${app.url}models/life/trials/`);
		await page.getByRole('button', { name: /^Only Window 20$/ }).click();
		await page.getByText(/trials pass through what is chosen/).waitFor();
		await isAccessible(page, 'trials');

		// Asked about units that still run: by the model just trained, and by the one that came with the app, which lacks its columns.
		const still = join(folder, 'still-running.csv');
		const alive = [30, 48, 5].flatMap((hours, u) =>
			life(200 + u, 60)
				.slice(0, hours)
				.map((row) => `pump ${u + 1},${row}`)
		);
		writeFileSync(still, ['unit,hour,vibration,temperature,speed', ...alive].join('\n'));
		await page.goto(`${app.url}models/`);
		await page.getByRole('link', { name: 'Ask about a file: bearings' }).click();
		await page.locator('input[type=file]').setInputFiles(still);
		await page.getByRole('button', { name: 'Tell the remaining life' }).click();
		await page.getByText('remaining life of 3 units').waitFor();
		await page.getByText('1 unit too short to judge').waitFor();
		const first = page.getByRole('table').getByRole('row').nth(1);
		expect(await first.innerText()).toMatch(/^pump 2\s+48\s+\d+\.\d/);
		await isAccessible(page, 'estimates');
		await page.goto(`${app.url}models/`);
		await page.getByRole('link', { name: /Ask about a file: Turbofan/ }).click();
		await page.locator('input[type=file]').setInputFiles(still);
		await page.getByText(/The model reads sensor 2, .*: choose the columns/).waitFor();
		expect(await page.getByRole('button', { name: 'Tell the remaining life' }).isEnabled()).toBe(false);
		await isAccessible(page, 'columns');

		await page.goto(`${app.url}models/`);
		await page.getByRole('link', { name: 'Backtest: bearings' }).click();
		await page.getByRole('button', { name: 'Discard the model' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Discard the model' }).click();
		await page.getByText('None of your own yet.').waitFor();
		expect(errors).toEqual([]);
		expect(strangers).toEqual([]);
	});
});
