/**
 * The two other ways in: a broker that does not answer as hoped, said in words; and a file.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLocalBroker, type LocalBroker } from '../../simulator/cli/local-broker';
import { recordMachine } from '../../simulator/cli/record-machine';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { openInspector, serveApp } from '../tools/app';
import { findMosquitto, freePort, startMosquitto } from '../tools/mosquitto';

let app: StaticServer;
let broker: LocalBroker;
beforeAll(async () => {
	broker = await startLocalBroker({ wsPort: await freePort() });
	app = await serveApp({ '/local-broker.json': { url: `ws://localhost:${broker.wsPort}` } });
});
afterAll(async () => {
	await app.close();
	await broker.close();
});

describe('connecting', () => {
	test("this computer's broker is one tap away, and a filter that brings nothing is named", () =>
		withChromium(async (context) => {
			const page = await context.newPage();
			await page.goto(`${app.url}connect/`);
			await page.getByRole('button', { name: /Connect to this computer's broker/ }).click();
			await expect.poll(() => broker.clients).toBeGreaterThan(0);
			await page
				.getByText(/no data|nothing|no message/i)
				.first()
				.waitFor();
		}));

	test('an address where nobody answers, and one that is none', () =>
		withChromium(async (context) => {
			const page = await context.newPage();
			await page.goto(`${app.url}connect/`);
			await page.getByLabel(/Address/).fill('http://example');
			await page.getByRole('button', { name: 'Connect', exact: true }).click();
			await page
				.getByText(/must start with ws:\/\/ or wss:\/\//)
				.first()
				.waitFor();
			await page.getByLabel(/Address/).fill(`ws://127.0.0.1:${await freePort()}`);
			await page.getByRole('button', { name: /Test the connection/ }).click();
			await page
				.getByText(/cannot be reached|not reached|unreachable|does not answer/i)
				.first()
				.waitFor();
		}));

	test.skipIf(!findMosquitto())('a refused password', async () => {
		const guarded = await startMosquitto({ user: { name: 'operator', password: 'right' } });
		try {
			await withChromium(async (context) => {
				const page = await context.newPage();
				await page.goto(`${app.url}connect/`);
				await page.getByLabel(/Address/).fill(guarded.wsUrl);
				await page.getByLabel(/^User/).fill('operator');
				await page.getByLabel(/^Password/).fill('wrong');
				await page.getByRole('button', { name: /Test the connection/ }).click();
				await page
					.getByText(/user.*password|password.*user|refused/i)
					.first()
					.waitFor();
			});
		} finally {
			await guarded.stop();
		}
	});
});

describe('importing a file', () => {
	test('columns are mapped, every row is stored, and importing again stores nothing twice', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'millwright-import-'));
		const file = join(folder, 'pump-9.csv');
		const text = recordMachine(
			{ machines: 1, seed: 5, scenario: 'healthy', startTime: Date.UTC(2026, 0, 5, 8), stepMs: 1000 },
			900
		);
		writeFileSync(file, text);
		try {
			await withChromium(async (context) => {
				const page = await context.newPage();
				const inspector = await openInspector(context, app);
				for (let round = 0; round < 2; round++) {
					await page.goto(`${app.url}import/`);
					await page.locator('input[type=file]').setInputFiles(file);
					await page.getByRole('button', { name: 'Import the file' }).click();
					await page.getByRole('heading', { name: /is imported/ }).waitFor();
					const counts = await inspector.call('counts', 'plant');
					expect(Object.keys(counts).length).toBeGreaterThan(5);
					expect(new Set(Object.values(counts))).toEqual(new Set([900]));
				}
			});
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	});
});
