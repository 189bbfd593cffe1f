/**
 * Benchmarks whose work runs in a worker of a page of their own. In: the page's folder below `pages/` and the Vite plugins it needs.
 * Out: calls of the worker's tasks, and columns that it can fetch.
 */
import type { Plugin } from 'vite';
import { progress, servePage, withChromium } from './harness';

export interface WorkerPage {
	/** Runs a task of the page's worker. */
	call<T>(name: string, ...args: unknown[]): Promise<T>;
	/** Makes values fetchable by the worker, one column after the other; returns the address. */
	serve(name: string, columns: readonly Float64Array[]): string;
}

/** Opens the page in a fresh Chromium and closes it afterwards. */
export function withWorkerPage<T>(
	folder: string,
	work: (page: WorkerPage) => Promise<T>,
	plugins: readonly Plugin[] = []
): Promise<T> {
	return withChromium(async (context) => {
		const server = await servePage(`tests/bench/pages/${folder}`, { plugins });
		try {
			const page = await context.newPage();
			page.on('console', (message) => progress(`  page: ${message.text()}`));
			const served = new Map<string, Buffer>();
			await page.route('**/recording/*', (route) => {
				const body = served.get(new URL(route.request().url()).pathname);
				return body ? route.fulfill({ body, contentType: 'application/octet-stream' }) : route.abort();
			});
			await page.goto(server.url);
			return await work({
				call: <R>(name: string, ...args: unknown[]) =>
					page.evaluate(
						([task, values]) =>
							(window as unknown as { benchCall: (name: string, ...args: unknown[]) => Promise<unknown> }).benchCall(
								task,
								...values
							),
						[name, args] as [string, unknown[]]
					) as Promise<R>,
				serve(name, columns) {
					const path = `/recording/${name}`;
					served.set(path, Buffer.concat(columns.map((c) => Buffer.from(c.buffer, c.byteOffset, c.byteLength))));
					return new URL(path, server.url).href;
				}
			});
		} finally {
			await server.close();
		}
	});
}
