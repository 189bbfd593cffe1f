/**
 * From a broker's address to machines with names and units, as a person does it: listen, look, correct, accept; nothing is stored
 * before, everything after under the names given. Then a new sensor, a mapping file, and a machine that its source reports gone.
 */
import { readFileSync } from 'node:fs';
import mqtt, { type MqttClient } from 'mqtt';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { openInspector, serveApp, watchPage } from '../tools/app';
import { findMosquitto, startMosquitto, type Mosquitto } from '../tools/mosquitto';

let app: StaticServer;
let broker: Mosquitto | undefined;
let client: MqttClient;
let extra: Record<string, number> = {};
let timer: ReturnType<typeof setInterval> | undefined;

beforeAll(async () => {
	app = await serveApp();
	if (!findMosquitto()) return;
	broker = await startMosquitto();
	client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.tcpPort}`);
	let n = 0;
	timer = setInterval(() => {
		n++;
		for (const pump of ['p1', 'p2']) {
			const reading = { ts: Date.now(), t: 60 + n / 100, flow: { value: 40 + n, unit: 'l/min' }, ...extra };
			client.publish(`acme/devices/${pump}/telemetry`, JSON.stringify(reading));
		}
		client.publish('acme/hall/camera/frame', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1]));
		client.publish('office/hall/coffee/cups', String(n));
	}, 200);
});
afterAll(async () => {
	clearInterval(timer);
	await client?.endAsync(true);
	await broker?.stop();
	await app.close();
});

async function openPreview(page: Page, filter = '#') {
	await page.goto(`${app.url}connect/`);
	await page.getByLabel(/Address/).fill(broker!.wsUrl);
	await page.getByLabel(/Topic filter/).fill(filter);
	await page.getByRole('button', { name: 'Listen and preview' }).click();
}

describe.skipIf(!findMosquitto())('onboarding', () => {
	test('listen, correct, accept; then what is new, a mapping file, and a machine that is gone', () =>
		withChromium(async (context) => {
			const page = await context.newPage();
			const watched = watchPage(page, app);
			const inspector = await openInspector(context, app);
			await openPreview(page);
			const enough = page.getByRole('button', { name: /That is enough/ });
			await enough.click();
			await page.getByRole('heading', { name: 'Topics heard' }).waitFor();
			// Real values, and nothing stored.
			await page
				.getByText(/6\d\.\d+/)
				.first()
				.waitFor();
			expect(await inspector.call('counts', 'plant')).toEqual({});
			await page.getByText('What could not be read').waitFor();

			// "devices" is no area, as proposed; coffee is left out; t gets a name and the unit that is asked for.
			const groups = page.locator('li', { has: page.getByText('office/+/+/+', { exact: true }) });
			await groups.getByRole('checkbox', { name: 'Take these topics' }).uncheck();
			const row = page.locator('li', { has: page.getByRole('textbox', { name: 'Name of t', exact: true }) });
			await row.getByRole('textbox', { name: 'Name of t', exact: true }).fill('bearing temperature');
			await row.getByRole('textbox', { name: 'Name of t', exact: true }).press('Tab');
			await row.getByRole('button', { name: '°C', exact: true }).click();
			await page.getByRole('button', { name: 'Edit p1' }).click();
			const machine = page.getByRole('textbox', { name: 'Machine', exact: true });
			await machine.fill('Pump 1');
			await machine.press('Tab');
			await page.getByRole('button', { name: 'Done' }).click();
			await page.getByText('2 machines, 4 sensors').waitFor();
			await page.getByRole('button', { name: 'Mapping file', exact: true }).click();
			const [download] = await Promise.all([
				page.waitForEvent('download'),
				page.getByText('Export the mapping as a file').click()
			]);
			const exported = await download.path();
			await page.getByRole('button', { name: 'Accept and connect' }).click();
			await page.waitForURL((to) => !to.pathname.includes('mapping'));
			await page.getByText('Pump 1').first().waitFor();
			await expect
				.poll(async () => Object.keys(await inspector.call('counts', 'plant')).sort())
				.toEqual([
					'acme/Pump 1:bearing temperature',
					'acme/Pump 1:flow',
					'acme/p2:bearing temperature',
					'acme/p2:flow'
				]);

			// A sensor that appears later is stored and shown as new until somebody has looked.
			extra = { pressure: 3 };
			await page.goto(`${app.url}data/`);
			await page.getByText('2 sensors new, not yet mapped').waitFor();
			await page.getByRole('link', { name: 'Names, places and units' }).click();
			await page.getByRole('button', { name: /New \(1\)/ }).click();
			const pressure = page.locator('li', { has: page.getByRole('textbox', { name: 'Name of pressure' }) });
			await pressure.getByRole('button', { name: 'bar', exact: true }).click();

			// A foreign file is refused with the reason; one of ours is taken.
			const foreign = { name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{"type":"x"}') };
			await page.locator('input[type=file]').setInputFiles(foreign);
			await page.getByText(/This is no mapping file/).waitFor();
			await page.getByRole('button', { name: 'Save the mapping' }).click();
			await page.getByText('Everything that comes is mapped.').waitFor();
			expect(JSON.parse(readFileSync(exported, 'utf8'))).toMatchObject({
				format: 'millwright-mapping',
				machines: expect.arrayContaining([{ source: 'acme/p1', path: { plant: 'acme', machine: 'Pump 1' } }]) as unknown
			});

			// The source itself says that a machine is gone.
			clearInterval(timer);
			client.publish('acme/devices/p1/status', 'offline', { qos: 1, retain: true });
			await page.goto(`${app.url}machine/?id=${encodeURIComponent('acme/Pump 1')}`);
			await page.getByText(/Offline since/).waitFor();
			await page.getByText(/Its topic status says offline/).waitFor();
			// Two taps from the machine to what is the matter with its data.
			await page.getByRole('button', { name: 'More for this machine' }).click();
			await page.getByText('Health of its data').click();
			await page.getByText(/Pump 1 sends nothing since .*; its topic status says offline/).waitFor();
			expect(watched.errors).toEqual([]);
		}));

	test('a filter on which nothing comes says so and offers to listen again', () =>
		withChromium(async (context) => {
			const page = await context.newPage();
			await openPreview(page, 'nothing/here/#');
			await page.getByText(/Listening, \d+ s left/).waitFor();
			await page.getByRole('button', { name: 'Stop listening' }).click();
			await page.getByRole('heading', { name: 'Nothing was heard' }).waitFor();
			await page.getByRole('button', { name: 'Listen again' }).click();
			await page.getByText(/Listening, \d+ s left/).waitFor();
		}));
});
