/**
 * The main job, as a person does it: a recording arrives through a real Mosquitto, is kept row by row, a model is trained
 * in the page on the first 400 rows, and the fault in the rest is flagged on the screen.
 *
 * Once on a recording made by the simulator, always; once on a SKAB recording (a real pump loop with faults introduced by
 * hand) where `MILLWRIGHT_DATA` names the folder that holds `skab/`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordMachine } from '../../simulator/cli/record-machine';
import { replay } from '../../simulator/cli/replay';
import type { StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { openInspector, serveApp, watchPage } from '../tools/app';
import { findMosquitto, startMosquitto, type Mosquitto } from '../tools/mosquitto';

const trainingRows = 400;
const dataFolder = process.env['MILLWRIGHT_DATA'];
const skab = dataFolder ? join(dataFolder, 'skab/valve1/0.csv.gz') : undefined;

interface Recording {
	readonly header: string;
	readonly rows: readonly string[];
	readonly sensors: number;
	/** Time and label of each row. */
	readonly labels: readonly { readonly time: number; readonly anomalous: boolean }[];
}

function readRecording(text: string, delimiter: string, labelColumns: number): Recording {
	const [header = '', ...rows] = text.trim().split('\n');
	const columns = header.trim().split(delimiter);
	const label = columns.indexOf('anomaly');
	const labels = rows.map((row) => {
		const cells = row.trim().split(delimiter);
		const time = cells[0]!;
		return {
			time: Date.parse(time.includes('T') ? time : `${time.replace(' ', 'T')}Z`),
			anomalous: Number(cells[label]) === 1
		};
	});
	return { header, rows, sensors: columns.length - 1 - labelColumns, labels };
}

let app: StaticServer;
let broker: Mosquitto | undefined;
let folder: string;

beforeAll(async () => {
	app = await serveApp();
	if (findMosquitto()) broker = await startMosquitto();
	folder = mkdtempSync(join(tmpdir(), 'millwright-main-job-'));
});
afterAll(async () => {
	await broker?.stop();
	await app.close();
	rmSync(folder, { recursive: true, force: true });
});

async function publish(topic: string, recording: Recording, from: number, to: number): Promise<void> {
	const file = join(folder, `part-${from}.csv`);
	writeFileSync(file, `${[recording.header, ...recording.rows.slice(from, to)].join('\n')}\n`);
	const said: string[] = [];
	const code = await replay(['--broker', broker!.wsUrl, '--csv', file, '--topic', topic, '--speed', 'max'], {
		out: (line) => void said.push(line),
		error: (line) => void said.push(line),
		signal: new AbortController().signal
	});
	expect(code, said.join('\n')).toBe(0);
}

async function connect(page: Page, filter: string): Promise<void> {
	await page.goto(app.url);
	await page.getByRole('link', { name: /Connect to a broker/ }).click();
	await page.getByLabel(/Address/).fill(broker!.wsUrl);
	await page.getByLabel(/Topic filter/).fill(filter);
	await page.getByRole('button', { name: 'Connect', exact: true }).click();
	// The session is there once the broker has logged the subscription.
	await expect.poll(() => broker!.log()).toContain(filter);
}

async function mainJob(context: BrowserContext, recording: Recording, machineId: string): Promise<void> {
	const page = await context.newPage();
	const watched = watchPage(page, app);
	await connect(page, `${machineId}/#`);
	const inspector = await openInspector(context, app);
	const rowsStored = async () => Object.values(await inspector.call('counts', 'plant'));
	const each = (rows: number) => Array.from({ length: recording.sensors }, () => rows);

	await publish(machineId, recording, 0, trainingRows);
	await expect.poll(rowsStored).toEqual(each(trainingRows));

	// Train in the page, on all that has arrived.
	await page.goto(`${app.url}machine/train/?id=${encodeURIComponent(machineId)}`);
	const from = page.getByLabel('From', { exact: true });
	await from.waitFor();
	await page.getByRole('button', { name: 'Train the model' }).click();
	await page.getByRole('heading', { name: 'The new version is in use' }).waitFor({ timeout: 180_000 });

	await publish(machineId, recording, trainingRows, recording.rows.length);
	await expect.poll(rowsStored).toEqual(each(recording.rows.length));
	const expected = recording.labels.map(({ time }) => time).sort((a, b) => a - b);
	const { sensors } = await inspector.call('machines', 'plant');
	const [first] = await inspector.call('series', 'plant', {
		sensorIds: [sensors[0]!.id],
		from: 0,
		to: Number.MAX_SAFE_INTEGER
	});
	expect(first?.times).toEqual(expected);

	// The injected fault is flagged: an alarm whose condition lies within the labelled rows.
	const faulty = recording.labels.slice(trainingRows).filter(({ anomalous }) => anomalous);
	const overlapping = async () => {
		const spans = await inspector.call('spans', 'plant', machineId);
		return spans.filter((span) => faulty.some(({ time }) => time >= span.start && time <= (span.end ?? Infinity)))
			.length;
	};
	await expect.poll(overlapping).toBeGreaterThan(0);
	await expect.poll(async () => (await inspector.call('alarms', 'plant')).length).toBeGreaterThan(0);

	await page.goto(`${app.url}alarms/`);
	await page.getByText(machineId.split('/').at(-1)!).first().waitFor();
	await page.goto(`${app.url}machine/?id=${encodeURIComponent(machineId)}`);
	await page.getByRole('heading', { name: machineId.split('/').at(-1)! }).waitFor();

	// Everything survives a reload, the model in use included.
	await page.reload();
	await page.getByRole('heading', { name: machineId.split('/').at(-1)! }).waitFor();
	expect(await rowsStored()).toEqual(each(recording.rows.length));
	await page.goto(`${app.url}models/`);
	await page
		.getByText(/In use/i)
		.first()
		.waitFor();
	expect(watched.strangers.filter((url) => !url.startsWith('ws'))).toEqual([]);
	expect(watched.errors).toEqual([]);
}

describe('from a real broker to a trained verdict', () => {
	test.skipIf(!findMosquitto())('a recording of the simulator', async () => {
		const config = { machines: 1, seed: 11, scenario: 'cavitation', startTime: Date.UTC(2026, 0, 5, 8), stepMs: 1000 };
		const recording = readRecording(recordMachine(config, 1600), ',', 1);
		expect(recording.labels.slice(0, trainingRows).some(({ anomalous }) => anomalous)).toBe(false);
		expect(recording.labels.some(({ anomalous }) => anomalous)).toBe(true);
		await withChromium((context) => mainJob(context, recording, 'recorded/line-1/pump-7'));
	});

	test.skipIf(!findMosquitto() || !skab || !existsSync(skab))(
		'a SKAB recording (skipped unless MILLWRIGHT_DATA names the data)',
		async () => {
			const recording = readRecording(gunzipSync(readFileSync(skab!)).toString(), ';', 2);
			await withChromium((context) => mainJob(context, recording, 'testbed/water-loop/pump'));
		}
	);
});
