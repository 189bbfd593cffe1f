/**
 * Demo, installation and the network gone: what a person sees who opens the URL once and then loses the Wi-Fi.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { openInspector, serveApp, watchPage } from '../tools/app';

let app: StaticServer;
beforeAll(async () => {
	app = await serveApp();
});
afterAll(() => app.close());

describe('the demo', () => {
	test('names the failing machine with its reason, asks nobody else, and lives on without a network', () =>
		withChromium(async (context) => {
			const page = await context.newPage();
			const watched = watchPage(page, app);
			await page.goto(app.url);
			await page.getByRole('button', { name: /^Demo/ }).click();

			// Worst first: the first tile is the machine that fails, with the sensor that says so.
			const worst = page.locator('[data-machine]').first();
			await expect.poll(() => worst.textContent()).toMatch(/expected/);
			const failing = (await worst.getAttribute('data-machine'))!;

			// An alarm, acknowledged, is known as such after a reload.
			const inspector = await openInspector(context, app);
			await expect
				.poll(async () => (await inspector.call('alarms', 'demo')).map(({ machineId }) => machineId), {
					timeout: 60_000
				})
				.toContain(failing);
			await worst.click();
			await page.getByRole('button', { name: 'Acknowledge' }).first().click();
			const states = async () =>
				(await inspector.call('alarms', 'demo'))
					.filter(({ machineId }) => machineId === failing)
					.map(({ state }) => state);
			await expect.poll(states).toContain('acknowledged');

			// Installed: a service worker holds every file; the network goes; the app opens and the demo goes on.
			await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
			await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
			await context.setOffline(true);
			await page.goto(app.url);
			const lastAt = () => page.locator(`[data-machine="${failing}"]`).getAttribute('data-last-at');
			await page.locator('[data-last-at]').first().waitFor();
			const before = Number(await lastAt());
			await expect.poll(async () => Number(await lastAt())).toBeGreaterThan(before);
			await expect.poll(() => worst.textContent()).toMatch(/expected/);
			expect(await states()).toContain('acknowledged');
			await context.setOffline(false);

			expect(watched.strangers).toEqual([]);
			expect(watched.errors).toEqual([]);
		}));

	test('two tabs: one owns the plant, the other takes over when it closes, nothing stored twice', () =>
		withChromium(async (context) => {
			const first = await context.newPage();
			await first.goto(app.url);
			await first.getByRole('button', { name: /^Demo/ }).click();
			await first.locator('[data-verdict-at]').first().waitFor();
			const second = await context.newPage();
			await second.goto(app.url);
			const tile = second.locator('[data-last-at]').first();
			await tile.waitFor();
			const id = (await tile.getAttribute('data-machine'))!;
			const lastAt = async () => Number(await second.locator(`[data-machine="${id}"]`).getAttribute('data-last-at'));
			await first.close();
			const atClose = await lastAt();
			await expect.poll(lastAt).toBeGreaterThan(atClose + 2_000);
			const inspector = await openInspector(context, app);
			const [series] = await inspector.call('series', 'demo', {
				sensorIds: [(await inspector.call('machines', 'demo')).sensors.find(({ machineId }) => machineId === id)!.id],
				from: 0,
				to: Number.MAX_SAFE_INTEGER
			});
			expect(new Set(series!.times).size).toBe(series!.times.length);
			const gaps = series!.times.slice(1).map((time, i) => time - series!.times[i]!);
			expect(Math.max(...gaps)).toBeLessThanOrEqual(3_000);
		}));
});
