/**
 * `npm run bench:startup`: how soon a person who opens the demo sees a live value, and how much code that takes.
 *
 * Rows: `cold_first_value_ms` (new profile, nothing cached), `warm_first_value_ms` (reload with the service worker in
 * place), `first_screen_js_kb_gz` (JavaScript that the page itself has fetched when the plant screen shows its first live
 * value; what its workers fetch is in `context`, and the service worker's own fetching for later offline use is left out).
 * Options: --runs, --quick.
 */
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { serveApp } from '../tools/app';
import { parseBenchArguments, progress, report, withChromium } from './harness';

const options = parseBenchArguments();
const runs = options.number('runs', options.quick ? 1 : 5);
const app = await serveApp();

/** Milliseconds since navigation start at which a tile first shows a value younger than the page. */
async function firstLiveValue(page: Page): Promise<number> {
	const handle = await page.waitForFunction(
		() => {
			const started = performance.timeOrigin;
			const live = [...document.querySelectorAll<HTMLElement>('[data-last-at]')].some(
				(tile) => Number(tile.dataset['lastAt']) > started
			);
			return live ? performance.now() : undefined;
		},
		undefined,
		{ timeout: 120_000, polling: 'raf' }
	);
	return Number(await handle.jsonValue());
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const cold: number[] = [];
const warm: number[] = [];
const kilobytes = { page: NaN, acquisition: NaN, otherWorkers: NaN };
const largest: string[] = [];

for (let run = 0; run < runs; run++) {
	await withChromium(async (context) => {
		const scripts = new Map<string, number>();
		context.on('response', (response) => {
			const path = new URL(response.url()).pathname;
			if (!path.endsWith('.js') || response.request().serviceWorker() || response.fromServiceWorker()) return;
			void response.body().then(
				(body) => scripts.set(path, gzipSync(body, { level: 9 }).length),
				() => undefined
			);
		});
		const tab = await context.newPage();
		await tab.goto(app.url);
		await tab.getByRole('button', { name: /^Demo/ }).click();
		cold.push(await firstLiveValue(tab));
		const sum = (wanted: (path: string) => boolean) =>
			[...scripts].filter(([path]) => wanted(path)).reduce((total, [, size]) => total + size, 0) / 1024;
		const inWorker = (path: string) => path.includes('/workers/');
		const acquisition = (path: string) => path.includes('acquisition.worker');
		kilobytes.page = sum((path) => !inWorker(path));
		kilobytes.acquisition = sum(acquisition);
		kilobytes.otherWorkers = sum((path) => inWorker(path) && !acquisition(path));
		const bySize = [...scripts].sort(([, a], [, b]) => b - a).slice(0, 12);
		largest.splice(0, Infinity, ...bySize.map(([path, size]) => `${path} ${(size / 1024).toFixed(1)}`));
		await tab.evaluate(() => navigator.serviceWorker?.ready.then(() => undefined));
		await tab.reload();
		warm.push(await firstLiveValue(tab));
	});
	progress(`run ${run + 1}: cold ${cold.at(-1)?.toFixed(0)} ms, warm ${warm.at(-1)?.toFixed(0)} ms`);
}
await app.close();
report(
	'startup',
	{
		cold_first_value_ms: median(cold),
		warm_first_value_ms: median(warm),
		first_screen_js_kb_gz: kilobytes.page
	},
	{},
	{
		runs,
		cold,
		warm,
		acquisition_worker_js_kb_gz: kilobytes.acquisition,
		inference_worker_js_kb_gz: kilobytes.otherWorkers,
		largest
	}
);
process.exit(0);
