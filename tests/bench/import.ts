/**
 * `npm run bench:import`: a large CSV file through the built app's import screen: how fast, and how much memory it takes.
 *
 * The file is made first: a row a second of 8 sensors, two decimals, ISO times. While it is read, the JavaScript heaps of page and workers
 * are measured; then the same file is begun again and cancelled. `heap_growth_mb` is what the most measured lies above what the
 * tab held before: the file itself must not be in it. Options: --mb 1000, --quick (5 MB).
 */
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { openInspector, serveApp } from '../tools/app';
import { parseBenchArguments, progress, report, withChromium } from './harness';
import { openMeter, type TabHeap } from './load/heap';

const options = parseBenchArguments();
const megabytes = options.number('mb', options.quick ? 5 : 1_000);
const sampleMs = options.quick ? 300 : 2_000;
const sensors = 8;
const folder = mkdtempSync(join(tmpdir(), 'millwright-import-'));
const file = join(folder, 'line-1.csv');

/** Rows written. */
async function writeRecording(): Promise<number> {
	const out = createWriteStream(file);
	const names = Array.from({ length: sensors }, (_, s) => `sensor-${s + 1} [bar]`);
	out.write(`time,${names.join(',')}\n`);
	const start = Date.UTC(2025, 0, 1);
	let rows = 0;
	for (let bytes = 0; bytes < megabytes * 1e6;) {
		let part = '';
		for (let i = 0; i < 5_000; i++, rows++) {
			part += new Date(start + rows * 1000).toISOString();
			for (let s = 0; s < sensors; s++)
				part += `,${(50 + s * 10 + Math.sin(rows / (40 + 7 * s)) * 5 + ((rows * (s + 3)) % 97) / 100).toFixed(2)}`;
			part += '\n';
		}
		bytes += part.length;
		if (!out.write(part)) await once(out, 'drain');
	}
	out.end();
	await once(out, 'close');
	return rows;
}

progress(`Writing ${megabytes} MB`);
const rows = await writeRecording();
const app = await serveApp();
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const done = await withChromium(async (context) => {
	const page = await context.newPage();
	const inspector = await openInspector(context, app);
	const meter = await openMeter(await context.newCDPSession(page));
	const begin = async () => {
		await page.goto(`${app.url}import/`);
		await page.locator('input[type=file]').setInputFiles(file);
		await page.getByRole('button', { name: 'Import the file' }).waitFor({ timeout: 60_000 });
	};
	await begin();
	const before = await meter.measure();
	const start = Date.now();
	await page.getByRole('button', { name: 'Import the file' }).click();
	const heading = page.getByRole('heading', { name: /is imported/ });
	const heaps: TabHeap[] = [];
	let shown = '';
	while (!(await heading.isVisible())) {
		if (await page.getByText('could not be imported').isVisible()) throw new Error(await page.innerText('main'));
		await wait(sampleMs);
		heaps.push(await meter.measure());
		const detail = await page
			.getByText(/rows? read/)
			.first()
			.textContent({ timeout: 1_000 })
			.catch(() => null);
		if (detail && detail !== shown) progress(`  ${((Date.now() - start) / 1000).toFixed(0)} s: ${(shown = detail)}`);
	}
	const seconds = (Date.now() - start) / 1000;
	const stored = await inspector.call('measured', 'plant');
	progress('The same again, cancelled');
	await begin();
	await page.getByRole('button', { name: 'Import the file' }).click();
	await page
		.getByText(/rows? read/)
		.first()
		.waitFor({ timeout: 60_000 });
	const cancelAt = Date.now();
	// A small file may be read whole before the tap lands: then nothing was cancelled, and there is no time to report.
	await page
		.getByRole('button', { name: 'Cancel the import' })
		.dispatchEvent('click', undefined, { timeout: 10_000 })
		.catch((error: unknown) => progress(`  not cancelled: ${String(error).split('\n')[0]}`));
	const ended = page.getByRole('heading', { name: /Import cancelled|is imported/ });
	await ended.waitFor();
	const cancelMs = (await ended.textContent())?.includes('cancelled') ? Date.now() - cancelAt : null;
	const again = await inspector.call('measured', 'plant');
	const peak = heaps.reduce((most, heap) => (heap.totalMb > most.totalMb ? heap : most));
	return { before, peak, seconds, stored, again, cancelMs, samples: heaps.length };
});
const bytes = statSync(file).size;
await app.close();
rmSync(folder, { recursive: true, force: true });
report(
	'import',
	{
		file_mb: bytes / 1e6,
		rows,
		stored: done.stored,
		rows_per_s: rows / done.seconds,
		mb_per_s: bytes / 1e6 / done.seconds,
		heap_growth_mb: done.peak.totalMb - done.before.totalMb,
		cancel_ms: done.cancelMs,
		stored_twice: done.again - done.stored
	},
	{ stored: rows * sensors, stored_twice: 0 },
	{
		seconds: done.seconds,
		sensors,
		heap_before_mb: done.before.partsMb,
		heap_most_mb: done.peak.partsMb,
		heap_samples: done.samples,
		load: loadavg()
	}
);
process.exit(0);
