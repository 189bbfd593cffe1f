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
import { connectToBroker, openInspector, serveApp } from '../tools/app';
import { startEdgeNode } from '../tools/edge-node';
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

test.skipIf(!findMosquitto())(
	'what a Sparkplug edge node sends by alias is understood over a reload of the page',
	async () => {
		const mosquitto = await startMosquitto();
		const node = await startEdgeNode(mosquitto.wsUrl, 'works', 'edge-1');
		try {
			await withChromium(async (context) => {
				const page = await context.newPage();
				const inspector = await openInspector(context, app);
				const sensorIds = ['works/edge-1/pump-1:flow', 'works/edge-1/pump-1:offset'];
				const times = async () => {
					const found = await inspector.call('series', 'plant', { sensorIds, from: 0, to: Number.MAX_SAFE_INTEGER });
					return found.map((series) => [...series.times]);
				};
				await connectToBroker(page, app, { url: mosquitto.wsUrl, filter: 'spBv1.0/#' });
				// Whether the page has subscribed shows by its asking for a birth.
				const start = Date.now();
				await expect.poll(() => node.send(start, 1).then(() => node.asked)).toBeGreaterThan(0);
				await node.bear();
				await node.send(start + 1, 1);
				await expect.poll(times).toEqual([expect.arrayContaining([start + 1]), expect.arrayContaining([start + 1])]);
				await expect
					.poll(() =>
						inspector.page.evaluate(
							() =>
								new Promise<number>((resolve) => {
									const opening = indexedDB.open('millwright-plant');
									opening.onsuccess = () => {
										const counting = opening.result.transaction('edgeNodes').objectStore('edgeNodes').count();
										counting.onsuccess = () => {
											opening.result.close();
											resolve(counting.result);
										};
									};
								})
						)
					)
					.toBe(1);

				const askedBefore = node.asked;
				await page.reload();
				await expect.poll(() => node.send(start + 2, 2, 20).then(() => node.asked)).toBeGreaterThan(askedBefore);
				// What comes now can be understood with its next birth only.
				for (let n = 3; n < 8; n++) await node.send(start + n, n);
				await node.bear();
				const held = [3, 4, 5, 6, 7].map((n) => start + n);
				await expect.poll(times).toEqual([expect.arrayContaining(held), expect.arrayContaining(held)]);
			});
		} finally {
			await node.close();
			await mosquitto.stop();
		}
	}
);

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
