/**
 * What the benchmarks on labelled recordings share: reading files, handing columns to the page, calling its worker.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { progress, servePage, withChromium } from '../harness';
import type { HealthBench } from '../pages/health/worker';

type Result<K extends keyof HealthBench> = Awaited<ReturnType<HealthBench[K]>>;

export interface HealthPage {
	/** Makes float64 values fetchable by the page; returns the address. */
	serve(name: string, columns: readonly Float64Array[]): string;
	call<K extends keyof HealthBench>(name: K, ...args: Parameters<HealthBench[K]>): Promise<Result<K>>;
}

/** Text of a file, plain or gzipped; `name` may be given without `.gz`. */
export function readText(path: string): string {
	const file = existsSync(path) ? path : `${path}.gz`;
	const bytes = readFileSync(file);
	return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** Seeded shuffle of 0 ... n-1 (mulberry32, Fisher-Yates). */
export function shuffled(count: number, seed: number): number[] {
	let state = seed >>> 0;
	const random = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	const order = Array.from({ length: count }, (_, i) => i);
	for (let i = count - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[order[i], order[j]] = [order[j]!, order[i]!];
	}
	return order;
}

export async function withHealthPage(work: (page: HealthPage) => Promise<void>): Promise<void> {
	await withChromium(async (context) => {
		const server = await servePage('tests/bench/pages/health');
		try {
			const page = await context.newPage();
			page.on('console', (message) => progress(`  page: ${message.text()}`));
			const served = new Map<string, Buffer>();
			await page.route('**/recording/*', (route) => {
				const body = served.get(new URL(route.request().url()).pathname);
				return body ? route.fulfill({ body, contentType: 'application/octet-stream' }) : route.abort();
			});
			await page.goto(server.url);
			await work({
				serve(name, columns) {
					const path = `/recording/${name}`;
					served.set(path, Buffer.concat(columns.map((c) => Buffer.from(c.buffer, c.byteOffset, c.byteLength))));
					return new URL(path, server.url).href;
				},
				call: <K extends keyof HealthBench>(name: K, ...args: Parameters<HealthBench[K]>) =>
					page.evaluate(
						([task, values]) =>
							(
								window as unknown as { healthBench: (name: string, ...args: unknown[]) => Promise<unknown> }
							).healthBench(task, ...values),
						[name, args] as [string, unknown[]]
					) as Promise<Result<K>>
			});
		} finally {
			await server.close();
		}
	});
}

/** Share of the commonest label. */
export function majorityShare(labels: readonly number[]): number {
	const counts = new Map<number, number>();
	for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
	return Math.max(...counts.values()) / labels.length;
}
