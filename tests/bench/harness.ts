/**
 * What every benchmark shares: arguments, the JSON line, a Chromium with its profile on disk, a served page.
 *
 * A benchmark prints progress on stderr and, as the last line of stdout,
 * `{"bench":..,"rows":{name:number},"floors":{..},"context":{..}}`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type BrowserContext } from 'playwright-core';
import type { Plugin } from 'vite';
import { builtPage } from '../tools/built-page';
import { findChromium } from '../tools/find-chromium';
import { serveFolder, type StaticServer } from '../../simulator/cli/static-server';

export interface BenchArguments {
	/** Under a minute in all; the test suite runs it to prove that the benchmark works. */
	readonly quick: boolean;
	readonly values: Readonly<Record<string, string | undefined>>;
	/** A numeric option, or its default. Throws on text that is no number. */
	number(name: string, fallback: number): number;
	text(name: string, fallback: string): string;
	flag(name: string): boolean;
}

export function parseBenchArguments(argv: readonly string[] = process.argv.slice(2)): BenchArguments {
	const { tokens } = parseArgs({ args: [...argv], strict: false, allowPositionals: true, tokens: true });
	const values: Record<string, string | undefined> = {};
	const flags = new Set<string>();
	for (let i = 0; i < tokens.length; i++) {
		const token = tokens[i]!;
		if (token.kind !== 'option') continue;
		const next = tokens[i + 1];
		if (token.value !== undefined) values[token.name] = token.value;
		else if (next?.kind === 'positional') values[token.name] = next.value;
		else flags.add(token.name);
	}
	return {
		quick: flags.has('quick'),
		values,
		number(name, fallback) {
			const text = values[name];
			if (text === undefined) return fallback;
			const value = Number(text);
			if (!Number.isFinite(value)) throw new Error(`--${name} must be a number, not "${text}"`);
			return value;
		},
		text: (name, fallback) => values[name] ?? fallback,
		flag: (name) => flags.has(name)
	};
}

/** A row that could not be measured is null, and `context` says why. */
export type Rows = Record<string, number | null>;

export function report(bench: string, rows: Rows, floors: Rows = {}, context: Record<string, unknown> = {}): void {
	const rounded = (values: Rows) =>
		Object.fromEntries(
			Object.entries(values).map(([name, value]) => [
				name,
				value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(6))
			])
		);
	const machine = { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, node: process.version };
	console.log(
		JSON.stringify({ bench, rows: rounded(rows), floors: rounded(floors), context: { ...machine, ...context } })
	);
}

export function progress(message: string): void {
	process.stderr.write(`${message}\n`);
}

export const chromiumArguments = [
	'--no-sandbox',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	'--no-first-run',
	'--disable-quic',
	'--disable-background-timer-throttling',
	'--disable-renderer-backgrounding'
];

/** Lets WebGPU run on a machine without a GPU. */
export const swiftshaderArguments = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Runs `work` in a fresh Chromium whose profile lies on disk; everything is closed and removed afterwards. */
export async function withChromium<T>(
	work: (context: BrowserContext) => Promise<T>,
	options: { readonly args?: readonly string[]; readonly viewport?: { width: number; height: number } } = {}
): Promise<T> {
	const executablePath = findChromium();
	if (!executablePath)
		throw new Error('No Chromium found: set CHROMIUM_PATH, or run `npm test` once, which fetches one');
	const profile = mkdtempSync(join(tmpdir(), 'millwright-profile-'));
	const context = await chromium.launchPersistentContext(profile, {
		executablePath,
		headless: true,
		args: [...chromiumArguments, ...(options.args ?? [])],
		viewport: options.viewport ?? { width: 1280, height: 800 },
		hasTouch: true
	});
	// Of what hangs: on a machine busy with other work, a page takes many times its time.
	context.setDefaultTimeout(120_000);
	try {
		return await work(context);
	} finally {
		await context.close().catch(() => undefined);
		rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
	}
}

/** Builds the page in `folder` (an index.html and its modules) with the project's Vite settings and serves it, from the `folder` given back. */
export async function servePage(
	folder: string,
	options: ServePageOptions = {}
): Promise<StaticServer & { readonly folder: string }> {
	const built = await builtPage(folder, options.plugins);
	return { ...(await serveFolder(built, { headers: options.headers ?? {} })), folder: built };
}

export interface ServePageOptions {
	/** For the page and its workers alike. */
	readonly plugins?: readonly Plugin[];
	readonly headers?: Record<string, string>;
}
