/**
 * Remaining life from one's own history, as a person does it: a file of units that ran to failure, a look at what was read, a short
 * training, its backtest; promoted to a machine of the plant, and all of it still there after a reload.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { randomFrom } from '../../src/lib/neural/random';
import { withChromium } from '../bench/harness';
import { serveApp, watchPage } from '../tools/app';

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

/** Bearings that wear faster the nearer their end: vibration and temperature rise with noise, each lives 50 to 90 hours. */
function life(seed: number, hours: number): string[] {
	const random = randomFrom(seed);
	return Array.from({ length: hours }, (_, t) => {
		const wear = Math.exp(-(hours - 1 - t) / 25);
		return [t + 1, (1 + 4 * wear + 0.2 * random()).toFixed(3), (50 + 25 * wear + random()).toFixed(2), '1500'].join();
	});
}
const lengths = Array.from({ length: 12 }, (_, u) => 50 + ((u * 37) % 40));

test('imported, trained, looked back on, promoted; a reload changes nothing', { timeout: 180_000 }, async () => {
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
		await page.getByRole('heading', { name: /is imported/ }).waitFor({ timeout: 60_000 });

		await page.getByRole('link', { name: 'Models' }).first().click();
		await page.getByRole('link', { name: 'Train a remaining-life model' }).click();
		await page.locator('input[type=file]').setInputFiles(lives);
		await page.getByRole('button', { name: 'Read the units' }).click();
		await page.getByText('12 units, 12 of them failed').waitFor();
		await page.getByText('Left out: never change').waitFor();
		// Left in the middle, a training goes on with what it had learnt; cancelled, it stays away.
		await page.getByRole('button', { name: 'Train the model' }).click();
		await page.getByText(/network [2-9] of 10/).waitFor({ timeout: 60_000 });
		await page.goto(app.url);
		await page.getByText('Training bearings, remaining life').waitFor({ timeout: 60_000 });
		await page.goto(`${app.url}models/life/`);
		await page.getByText(/Resumed after the page was left/).waitFor({ timeout: 60_000 });
		await page.getByText(/network [2-9] of 10/).waitFor({ timeout: 60_000 });
		await page.getByRole('button', { name: 'Cancel the training' }).click();
		await page.getByText('The training was cancelled').waitFor();
		await page.reload();
		await page.locator('input[type=file]').setInputFiles(lives);
		await page.getByRole('button', { name: 'Read the units' }).click();
		await page.getByLabel('Effort').selectOption('quick');
		await page.getByRole('button', { name: 'Train the model' }).click();
		await page.getByRole('link', { name: 'See the backtest' }).click({ timeout: 120_000 });
		await page.getByText('12 units, each looked back on by networks that had not seen it').waitFor();
		await page.getByText('The model is better than both floors.').waitFor();
		await page.getByRole('img', { name: /Alpha-lambda plot of unit/ }).waitFor();

		await page.getByLabel('For', { exact: true }).selectOption({ label: 'fan-1' });
		await page.getByRole('button', { name: 'Promote it' }).click();
		await page.getByText(/In use for/).waitFor();

		await page.goto(`${app.url}models/`);
		await page.getByText(/In use for fan-1/).waitFor();
		await page.goto(`${app.url}machine/?id=fan-1`);
		await page
			.getByText(/Failure in|At least/)
			.first()
			.waitFor({ timeout: 60_000 });
		await page.getByRole('img', { name: /as said at earlier steps/ }).waitFor();

		await page.goto(`${app.url}models/`);
		await page.getByRole('link', { name: 'Backtest: bearings' }).click();
		await page.getByRole('button', { name: 'Discard the model' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Discard the model' }).click();
		await page.getByText('None of your own yet.').waitFor();
		expect(errors).toEqual([]);
		expect(strangers).toEqual([]);
	});
});
