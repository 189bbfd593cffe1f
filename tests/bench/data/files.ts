/**
 * Benchmarks: files of public data sets, where they lie. In: `--data`, else MILLWRIGHT_DATA, else `../shared/data`: the set's own folder or
 * the one that holds it. Out: folders, paths and text. Files may be gzipped.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { BenchArguments } from '../harness';

export function dataOption(options: BenchArguments): string {
	return options.text('data', process.env['MILLWRIGHT_DATA'] ?? '../shared/data');
}

/** The set's folder inside what was named, or else what was named. */
export function dataFolder(options: BenchArguments, set: string): string {
	const data = dataOption(options);
	const inside = join(data, set);
	return existsSync(inside) ? inside : data;
}

/** The folder of the two that has the file, gzipped or not. */
export function dataSetFolder(data: string, set: string, file: string): string | undefined {
	return [data, join(data, set)].find((folder) => [file, `${file}.gz`].some((name) => existsSync(join(folder, name))));
}

/** Paths below `folder` that match, sorted, relative to it; none where there is no such folder. */
export function filesBelow(folder: string, pattern: RegExp): string[] {
	if (!existsSync(folder)) return [];
	return readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((file) => pattern.test(file))
		.map((file) => relative(folder, join(folder, file)))
		.sort();
}

/** Text of a file, plain or gzipped; `path` may be given without `.gz`. */
export function readText(path: string): string {
	const file = [path, `${path}.gz`].find(existsSync);
	if (!file) throw new Error(`${path} (or .gz) is missing: give its folder with --data`);
	const bytes = readFileSync(file);
	return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}
