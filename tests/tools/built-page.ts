/**
 * Test tool: a page of tests or benchmarks, built with the project's Vite settings. In: its folder (an index.html and its modules) and
 * the plugins it needs. Out: the folder with what was built, named by the state of the sources: built once, never changed again, so that
 * several tests and benchmarks can serve it at once.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Plugin } from 'vite';
import { listFiles } from '../../src/build/offline-adapter.js';

const cache = 'node_modules/.cache/pages';
const sources = ['src', 'simulator', 'tests', 'node_modules/.package-lock.json'];
const keptMs = 24 * 3_600_000;

/** Changes with any source file. */
function stateOf(paths: readonly string[]): string {
	const hash = createHash('sha256');
	for (const path of paths) {
		const files = statSync(path).isDirectory() ? listFiles(path).map((file) => join(path, file)) : [path];
		for (const file of files) {
			const { mtimeMs, size } = statSync(file);
			hash.update(`${file}\0${mtimeMs}\0${size}\0`);
		}
	}
	return hash.digest('hex').slice(0, 12);
}

/** `plugins` are for the page and its workers alike. */
export async function builtPage(folder: string, plugins: readonly Plugin[] = []): Promise<string> {
	const name = folder.replace(/[^\w-]+/g, '_');
	const built = resolve(cache, `${name}-${stateOf(sources.filter((path) => existsSync(path)))}`);
	if (existsSync(built)) return built;
	const { build } = await import('vite');
	const unfinished = `${built}.${process.pid}`;
	await build({
		configFile: false,
		root: resolve(folder),
		base: './',
		logLevel: 'warn',
		plugins: [...plugins],
		resolve: { alias: { $lib: resolve('src/lib'), $simulator: resolve('simulator') } },
		worker: { format: 'es', plugins: () => [...plugins] },
		build: { outDir: unfinished, emptyOutDir: true, target: 'es2022' }
	});
	mkdirSync(dirname(built), { recursive: true });
	try {
		renameSync(unfinished, built);
	} catch (error) {
		// Another process was first.
		rmSync(unfinished, { recursive: true, force: true });
		if (!existsSync(built)) throw error;
	}
	removeOlder(name, built);
	return built;
}

/** What earlier sources gave, unless somebody may still serve it. */
function removeOlder(name: string, built: string): void {
	for (const other of readdirSync(cache)) {
		const path = join(cache, other);
		if (!other.startsWith(`${name}-`) || other.startsWith(basename(built))) continue;
		if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > keptMs)
			rmSync(path, { recursive: true, force: true });
	}
}
