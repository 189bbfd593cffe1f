/**
 * What the detection benchmarks share: reading files, and a page whose worker runs the product's training and scoring.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { progress, servePage, withChromium, type BenchArguments } from './harness';

/** Bytes of a file, unpacked if it is gzipped. */
export function readUnpacked(file: string): Buffer {
	const bytes = readFileSync(file);
	return file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** Paths below `folder` that match, sorted, relative to it; none where there is no such folder. */
export function filesBelow(folder: string, pattern: RegExp): string[] {
	if (!existsSync(folder)) return [];
	return readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((file) => pattern.test(file))
		.map((file) => relative(folder, join(folder, file)))
		.sort();
}

/** The data set's folder: `--data`, or else MILLWRIGHT_DATA, may name it or the folder that holds it. */
export function dataFolder(options: BenchArguments, set: string): string {
	const data = options.text('data', process.env['MILLWRIGHT_DATA'] ?? '../shared/data');
	const inside = join(data, set);
	return existsSync(inside) ? inside : data;
}

export type CallWorker = <T>(name: string, ...args: unknown[]) => Promise<T>;

/** Opens the page of the detection benchmarks and closes it afterwards. */
export async function withDetectionPage<T>(work: (call: CallWorker) => Promise<T>): Promise<T> {
	return withChromium(async (context) => {
		const server = await servePage('tests/bench/pages/detection', { plugins: [assemblyScript()] });
		try {
			const page = await context.newPage();
			page.on('console', (message) => progress(`  page: ${message.text()}`));
			await page.goto(server.url);
			return await work(
				<T>(name: string, ...args: unknown[]) =>
					page.evaluate(
						([task, values]) =>
							(
								window as unknown as { detectionBench: (name: string, ...args: unknown[]) => Promise<unknown> }
							).detectionBench(task, ...values),
						[name, args] as [string, unknown[]]
					) as Promise<T>
			);
		} finally {
			await server.close();
		}
	});
}
