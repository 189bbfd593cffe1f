/**
 * `npm start` as a new user meets it: the URL is printed, the app opens there, its broker is one tap away, and within
 * moments the simulated plant's machines are on the screen with a verdict.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { withChromium } from '../bench/harness';
import { ensureBuild } from '../tools/app';
import { freePort } from '../tools/mosquitto';

let child: ChildProcess | undefined;
afterEach(async () => {
	if (!child || child.exitCode !== null) return;
	const gone = new Promise((resolve) => child!.once('exit', resolve));
	// The whole group: npx does not pass the signal on.
	process.kill(-child.pid!, 'SIGTERM');
	await gone;
});

/** Everything of `npm start` but the build, which the suite has made already. */
async function start(...options: string[]): Promise<string> {
	child = spawn('npx', ['--no-install', 'tsx', 'simulator/cli/start.ts', ...options], {
		stdio: ['ignore', 'pipe', 'pipe'],
		detached: true
	});
	let said = '';
	return new Promise((resolve, reject) => {
		const listen = (chunk: Buffer) => {
			said += chunk.toString();
			const url = /Millwright\s+(http:\S+)/.exec(said)?.[1];
			if (url && said.includes('Ctrl-C')) resolve(url);
		};
		child!.stdout!.on('data', listen);
		child!.stderr!.on('data', listen);
		child!.once('exit', (code) => reject(new Error(`ended with ${code}:\n${said}`)));
	});
}

describe('npm start', () => {
	test('prints a URL where the plant is one tap away', async () => {
		await ensureBuild();
		const url = await start(
			'--port',
			`${await freePort()}`,
			'--broker-port',
			`${await freePort()}`,
			'--machines',
			'12'
		);
		await withChromium(async (context) => {
			const page = await context.newPage();
			await page.goto(url);
			await page.getByRole('link', { name: /Connect to a broker/ }).click();
			await page.getByRole('button', { name: /Connect to this computer's broker/ }).click();
			await page.locator('[data-machine]').nth(11).waitFor();
			await page.locator('[data-verdict-at]').first().waitFor();
			expect(await page.locator('[data-machine]').count()).toBe(12);
			// Its headers give the page shared memory, from the first opening on.
			expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
		});
	});

	test('says what is wrong with an option', async () => {
		await ensureBuild();
		await expect(start('--scenario', 'nonsense')).rejects.toThrow(/Unknown scenario "nonsense".*bearing-wear/s);
	});
});
