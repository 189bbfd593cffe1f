/**
 * The built app in a real Chromium, for end-to-end tests and benchmarks: served as a plain static host would, with the
 * store inspector beside it on the same origin.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { listFiles } from '../../src/build/offline-adapter.js';
import { serveFolder, type StaticServer } from '../../simulator/cli/static-server';
import { builtPage } from './built-page';
import type { StoreInspector } from './store-page/main';

/** Builds the app when there is no build, or sources are newer than it. */
export async function ensureBuild(): Promise<void> {
	const built = existsSync('build/index.html') ? statSync('build/index.html').mtimeMs : 0;
	const sources = ['src', 'static', 'models', 'simulator'].flatMap((folder) =>
		listFiles(folder)
			.filter((file) => !file.endsWith('.md'))
			.map((file) => statSync(`${folder}/${file}`).mtimeMs)
	);
	if (built >= Math.max(...sources, statSync('vite.config.ts').mtimeMs)) return;
	// A process of its own: inside a test runner NODE_ENV would make it a development build.
	const { status } = spawnSync('npx', ['--no-install', 'vite', 'build', '--logLevel', 'warn'], {
		stdio: ['ignore', 'ignore', 'inherit'],
		env: { ...process.env, NODE_ENV: 'production' }
	});
	if (status !== 0) throw new Error('The app could not be built');
}

/** Serves build/ on a free port; `json` adds answers as `npm start` does. */
export async function serveApp(json: Record<string, unknown> = {}): Promise<StaticServer> {
	await ensureBuild();
	const inspector = await builtPage('tests/tools/store-page');
	return serveFolder('build', { json, mounts: { '/store-inspector/': inspector } });
}

/** Calls the inspector's functions in the page that holds it. */
export type CallInspector = <K extends keyof StoreInspector>(
	name: K,
	...given: Parameters<StoreInspector[K]>
) => Promise<Awaited<ReturnType<StoreInspector[K]>>>;

/** Opens the inspector in a page of its own and returns a caller for its functions. */
export async function openInspector(context: BrowserContext, app: StaticServer) {
	const page = await context.newPage();
	await page.goto(`${app.url}store-inspector/`);
	await page.waitForFunction(() => 'inspector' in globalThis);
	const call: CallInspector = (name, ...given) =>
		page.evaluate(
			([method, values]) => {
				const { inspector } = globalThis as unknown as {
					inspector: Record<string, (...values: unknown[]) => Promise<never>>;
				};
				return inspector[method]!(...values);
			},
			[name, given] as const
		);
	return { page, call };
}

/** Connects the app to a broker as a person does, and waits until the plant screen says that nothing has come yet. */
export async function connectToBroker(
	page: Page,
	app: StaticServer,
	broker: { readonly url: string; readonly filter: string; readonly mqtt311?: boolean }
): Promise<void> {
	await page.goto(`${app.url}connect/`);
	await page.getByLabel(/Address/).fill(broker.url);
	if (broker.mqtt311) await page.getByLabel('MQTT version').selectOption('4');
	await page.getByLabel(/Topic filter/).fill(broker.filter);
	await page.getByRole('button', { name: 'Connect', exact: true }).click();
	await page.waitForURL((to) => !to.pathname.includes('connect'));
	await page
		.getByText(/no data|No machine has been seen/i)
		.first()
		.waitFor();
}

/** Collects what must never happen in a page: errors, and requests to other hosts. */
export function watchPage(page: Page, app: StaticServer): { readonly errors: string[]; readonly strangers: string[] } {
	const errors: string[] = [];
	const strangers: string[] = [];
	page.on('pageerror', (error) => errors.push(error.message));
	page.on('console', (message) => {
		if (message.type() !== 'error' || /WebSocket|net::ERR/.test(message.text())) return;
		const { url } = message.location();
		// Where `npm start` does not serve the app, no local broker is announced beside it.
		if (!url.endsWith('/local-broker.json')) errors.push(`${message.text()} (${url})`);
	});
	page.on('request', (request) => {
		const url = request.url();
		if (!url.startsWith(app.url) && !/^(data|blob|about):/.test(url)) strangers.push(url);
	});
	return { errors, strangers };
}

/** Starts the demo; gives the worst machine's tile once that machine has been judged: its history is stored then. */
export async function openDemo(page: Page, app: StaticServer): Promise<Locator> {
	await page.goto(app.url);
	await page.getByRole('button', { name: /^Demo/ }).click();
	const tile = page.locator('[data-machine]').first();
	await tile.filter({ hasText: /expected/ }).waitFor();
	return tile;
}
