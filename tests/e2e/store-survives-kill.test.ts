/**
 * A resolved append survives SIGKILL of the browser at any moment, also while journal entries are being sealed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumArguments, servePage } from '../bench/harness';
import { findChromium } from '../tools/find-chromium';

interface KillPage {
	appendForEver(tell: (upTo: number) => void): Promise<void>;
	readBack(): Promise<{ count: number; whole: boolean; unreadable: number; kept: object }>;
}

let server: Awaited<ReturnType<typeof servePage>>;
const profile = mkdtempSync(join(tmpdir(), 'millwright-kill-'));
const started: ChildProcess[] = [];

/** A Chromium of our own, in its own process group, so that all of it can be killed at once. */
async function start(): Promise<{ page: Page; kill(): Promise<void> }> {
	const child = spawn(
		findChromium()!,
		[...chromiumArguments, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
		{ detached: true, stdio: ['ignore', 'ignore', 'pipe'] }
	);
	started.push(child);
	const endpoint = await new Promise<string>((resolve, reject) => {
		let said = '';
		child.stderr.on('data', (chunk: Buffer) => {
			said += chunk.toString();
			const found = /DevTools listening on (ws:\S+)/.exec(said);
			if (found) resolve(found[1]!);
		});
		child.on('exit', () => reject(new Error(`Chromium ended: ${said.slice(-500)}`)));
	});
	const browser = await chromium.connectOverCDP(endpoint);
	const page = await browser.contexts()[0]!.newPage();
	await page.goto(server.url);
	await page.waitForFunction(() => 'readBack' in window);
	const kill = async () => {
		const gone = once(child, 'exit');
		process.kill(-child.pid!, 'SIGKILL');
		await gone;
		await browser.close().catch(() => undefined);
	};
	return { page, kill };
}

beforeAll(async () => {
	server = await servePage('tests/e2e/pages/store');
});
afterAll(async () => {
	for (const child of started)
		if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
	await server.close();
	rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

describe('storage', () => {
	test('nothing acknowledged is lost when the browser is killed, three times over', async () => {
		let acknowledged = 0;
		for (const round of [1, 2, 3]) {
			const { page, kill } = await start();
			const goal = acknowledged + 1000 * round;
			const reached = new Promise<void>((resolve) => {
				void page
					.exposeFunction('tell', (upTo: number) => {
						acknowledged = upTo;
						if (upTo >= goal) resolve();
					})
					.then(() =>
						page.evaluate(() => {
							const here = window as unknown as KillPage & { tell(upTo: number): void };
							void here.appendForEver(here.tell);
						})
					);
			});
			await reached;
			await kill();
			const again = await start();
			const found = await again.page.evaluate(() => (window as unknown as KillPage).readBack());
			await again.kill();
			const about = `round ${round}, ${acknowledged} acknowledged: ${JSON.stringify(found)}`;
			expect(found, about).toMatchObject({ whole: true, unreadable: 0 });
			expect(found.count, about).toBeGreaterThanOrEqual(acknowledged);
		}
	});
});
