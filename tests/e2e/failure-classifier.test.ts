/**
 * Failure classifiers as a person makes them. From a file: a leak refused in words, trained, costs moved, a file predicted with reasons and taken away.
 * From the plant itself: failures recorded on the machine's screen until there are enough, trained on over a reload, promoted, told with reasons.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
	folder = mkdtempSync(join(tmpdir(), 'millwright-risk-'));
});
afterAll(async () => {
	rmSync(folder, { recursive: true, force: true });
	await app.close();
});

const file = (name: string, lines: readonly string[]) => {
	const path = join(folder, name);
	writeFileSync(path, lines.join('\n'));
	return path;
};

/** Operations that fail of overload (torque times wear), or of heat. */
function operations(count: number, seed: number): string[] {
	const random = randomFrom(seed);
	return Array.from({ length: count }, (_, i) => {
		const [torque, wear, temperature] = [30 + 40 * random(), 250 * random(), 295 + 12 * random()];
		const [overload, heat] = [torque * wear > 12_000 ? 1 : 0, temperature > 306.5 ? 1 : 0];
		return [
			`P${i + 1}`,
			torque.toFixed(2),
			wear.toFixed(1),
			temperature.toFixed(2),
			overload | heat,
			overload,
			heat
		].join();
	});
}
const head = 'product id,torque,tool wear,temperature,failure,overload,overheated';

const dayMs = 86_400_000;
const days = 150;
const start = Date.UTC(2026, 0, 5);
/** Days on which the fan breaks down; its vibration rises for four days before. */
const breakdowns = Array.from({ length: 12 }, (_, k) => 6 + k * 11 + ((k * 5) % 4));

test('from a file: leak refused, trained, costs moved, predicted with reasons', async () => {
	const labelled = file('milling.csv', [head, ...operations(500, 1)]);
	const fresh = file('tomorrow.csv', [
		'product id,torque,tool wear,temperature',
		...operations(40, 2).map((line) => line.split(',').slice(0, 4).join())
	]);
	await withChromium(async (context) => {
		const page = await context.newPage();
		const { errors, strangers } = watchPage(page, app);
		await page.goto(`${app.url}import/`);
		await page
			.locator('input[type=file]')
			.setInputFiles(file('mill-1.csv', ['time,torque,tool wear,temperature', '2026-01-05T00:00:00Z,68,240,300']));
		await page.getByRole('button', { name: 'Import the file' }).click();
		await page.getByRole('heading', { name: /is imported/ }).waitFor();
		await page.getByRole('link', { name: 'Models' }).first().click();
		await page.getByRole('link', { name: 'Train a failure classifier' }).click();
		await page.locator('input[type=file]').setInputFiles(labelled);
		await page.getByLabel('overload', { exact: true }).selectOption('Input');
		await page.getByRole('button', { name: 'Read the rows' }).click();
		await page.getByText(/"overload" is 1 in \d+ rows, and .* it seems to say how a row failed/).waitFor();
		await page.getByLabel('overload', { exact: true }).selectOption('Failure mode');
		await page.getByRole('button', { name: 'Read the rows' }).click();
		await page.getByText(/500 rows, \d+ of them failed/).waitFor();
		await page.getByRole('button', { name: 'Train the model' }).click();
		await page.getByRole('link', { name: 'Look back and choose' }).click({ timeout: 180_000 });

		await page.getByText('The model tells more than the share of failures does.').waitFor();
		await page.getByRole('img', { name: /Precision over recall/ }).waitFor();
		const threshold = page.getByText(/^A visit from a probability of/);
		const before = await threshold.textContent();
		await page.getByLabel('A needless visit costs').fill('5000');
		await page.getByLabel('A needless visit costs').blur();
		expect(before).toContain('4.8 %');
		await expect.poll(() => threshold.textContent()).toContain('33 %');
		await page.getByRole('button', { name: 'Keep this choice' }).click();
		await page.getByRole('button', { name: 'Keep this choice' }).waitFor({ state: 'detached' });
		await page.getByLabel('For', { exact: true }).selectOption({ label: 'mill-1' });
		await page.getByRole('button', { name: 'Promote it' }).click();
		await page.getByText(/In use for/).waitFor();

		await page.getByRole('link', { name: 'Predict on a file' }).click();
		await page.locator('input[type=file]').setInputFiles(fresh);
		await page.getByRole('button', { name: 'Predict', exact: true }).click();
		await page.getByText(/\d+ of 40 are worth a visit/).waitFor();
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			page.getByRole('button', { name: 'Export as CSV' }).click()
		]);
		const table = readFileSync((await download.path())!, 'utf8')
			.replace(/^\uFEFF/, '')
			.trim()
			.split('\r\n');
		expect(table[0]).toBe(
			'row,probability of failure,visit worth it,probability of overload,probability of overheated,why'
		);
		expect(table).toHaveLength(41);
		expect(table[1]).toMatch(/^P\d+,0\.[5-9]\d*,yes|^P\d+,1\.0000,yes/);
		await page
			.getByRole('button', { name: /All reasons for/ })
			.first()
			.click();
		await page
			.getByRole('dialog')
			.getByText(/raises it by \d/)
			.first()
			.waitFor();
		await page.keyboard.press('Escape');

		await page.goto(`${app.url}machine/?id=mill-1`);
		const tile = page.getByRole('group', { name: 'Probability of failure by milling' });
		await tile.getByText('As it runs now').waitFor();
		await page.getByText('a visit is worth it').first().waitFor();

		// Without the machine's screen: the plant's tile, and what it costs to wait.
		await page.goto(app.url);
		await page
			.locator('[data-machine="mill-1"]')
			.getByText(/Failure as it runs: .*, a visit is worth it/)
			.waitFor();
		await page.getByRole('button', { name: 'By cost of waiting' }).click();
		const waiting = page.getByRole('table', { name: 'Machines by expected cost of waiting' });
		await waiting.getByText('Failure classifier').waitFor();
		expect(errors).toEqual([]);
		expect(strangers).toEqual([]);
	});
});

test('from the plant: failures recorded, counted, learnt from, promoted', async () => {
	const random = randomFrom(3);
	const readings = Array.from({ length: days * 6 }, (_, i) => {
		const day = i / 6;
		const next = breakdowns.find((at) => at > day);
		const rising = next !== undefined && next - day < 4 ? 3 : 0;
		return [
			new Date(start + day * dayMs).toISOString(),
			(5 + rising + 0.5 * random()).toFixed(3),
			(60 + random()).toFixed(2)
		].join();
	});
	await withChromium(async (context) => {
		const page = await context.newPage();
		const { errors } = watchPage(page, app);
		await page.goto(`${app.url}import/`);
		await page
			.locator('input[type=file]')
			.setInputFiles(file('fan-1.csv', ['time,vibration,temperature', ...readings]));
		await page.getByRole('button', { name: 'Import the file' }).click();
		await page.getByRole('heading', { name: /is imported/ }).waitFor();

		await page.goto(`${app.url}machine/?id=fan-1`);
		for (const [k, day] of breakdowns.entries()) {
			await page.getByRole('button', { name: 'Record a failure' }).click();
			const dialog = page.getByRole('dialog');
			await dialog.getByLabel('When').fill(new Date(start + day * dayMs).toISOString().slice(0, 16));
			await dialog.getByLabel('How it failed').selectOption('vibration');
			await dialog.getByLabel('What was done').selectOption('replaced');
			await dialog.getByLabel('Which part').fill('bearing');
			await dialog.getByRole('button', { name: 'Record it' }).click();
			await page.getByText(`${k + 1} recorded on this machine`).waitFor();
			if (k !== 2) continue;
			await page.getByRole('link', { name: 'What is there to learn from' }).click();
			await page.getByText('3 of at least 10 failures').waitFor();
			expect(await page.getByRole('button', { name: 'Train on them' }).isDisabled()).toBe(true);
			await page.goBack();
		}

		await page.goto(`${app.url}models/`);
		await page.getByText('12 failures recorded.').waitFor();
		await page.getByRole('link', { name: 'Learn from them' }).click();
		await page.getByText('12 of at least 10 failures').waitFor();
		await page.getByRole('button', { name: 'Train on them' }).click();
		// Left in the middle, it goes on by itself.
		await page.getByText(/^(Judging|Learning): failure within/).waitFor();
		await page.reload();
		await page.getByText(/Resumed after the page was left/).waitFor();
		await page.getByRole('link', { name: 'Look back and choose' }).click({ timeout: 180_000 });
		await page.getByText(/too few machines to hold one out/).waitFor();
		await page.getByRole('button', { name: 'Promote it' }).click();
		await page.getByText(/In use for/).waitFor();

		await page.goto(`${app.url}machine/?id=fan-1`);
		const tiles = page.getByRole('group', { name: 'Probability of failure by Failures of fan-1' });
		for (const within of ['Within 24 hours', 'Within 72 hours', 'Within 7 days'])
			await tiles.getByText(within).waitFor();
		await tiles.getByText('Within 7 days').click();
		await page.getByText(/Said and came, on \d+ not learnt from/).waitFor();
		expect(errors).toEqual([]);
	});
});
