/**
 * A Chromium that nobody listens to while it is measured.
 *
 * Playwright follows a page's network, so every WebSocket frame of every worker is also sent to it: at 10,000 messages a second that costs the
 * browser more than the app does. Here Playwright prepares the tabs and then lets go; what is asked of them afterwards goes over a
 * DevTools session that follows nothing.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type CDPSession } from 'playwright-core';
import WebSocket from 'ws';
import { findChromium } from '../../tools/find-chromium';
import { chromiumArguments } from '../harness';

export interface BareTab {
	/** Only `send` and `on`. */
	readonly session: Pick<CDPSession, 'send' | 'on'>;
	/** Calls a function that the page has, by its path (`inspector.heard`), with values that JSON can carry. */
	call(path: string, ...values: readonly unknown[]): Promise<unknown>;
	/** Resolves when the tab crashes. */
	readonly crashed: Promise<void>;
}

export interface BareChromium {
	/** Runs `work` with Playwright attached; its pages stay open when it lets go. */
	prepare<T>(work: (context: BrowserContext) => Promise<T>): Promise<T>;
	/** The first open tab whose address `shows` accepts. */
	tab(shows: (address: string) => boolean): Promise<BareTab>;
}

/** Runs `work` in a fresh Chromium whose profile lies on disk; everything is closed and removed afterwards. */
export async function withBareChromium<T>(work: (browser: BareChromium) => Promise<T>): Promise<T> {
	const executable = findChromium();
	if (!executable) throw new Error('No Chromium found: set CHROMIUM_PATH, or run `npm test` once, which fetches one');
	const profile = mkdtempSync(join(tmpdir(), 'millwright-profile-'));
	const child = spawn(
		executable,
		[
			...chromiumArguments,
			'--headless=new',
			'--remote-debugging-port=0',
			'--window-size=1280,800',
			`--user-data-dir=${profile}`,
			'about:blank'
		],
		{ stdio: 'ignore' }
	);
	const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	const sockets: WebSocket[] = [];
	let address = '';
	try {
		address = `http://127.0.0.1:${await portOf(profile, () => child.exitCode !== null)}`;
		return await work({
			async prepare(prepareWork) {
				const browser = await chromium.connectOverCDP(address);
				try {
					return await prepareWork(browser.contexts()[0]!);
				} finally {
					await browser.close(); // connected to, not launched: this only lets go
				}
			},
			async tab(shows) {
				const targets = (await (await fetch(`${address}/json/list`)).json()) as {
					type: string;
					url: string;
					webSocketDebuggerUrl: string;
				}[];
				const target = targets.find(({ type, url }) => type === 'page' && shows(url));
				if (!target) throw new Error(`The tab is not there, only ${targets.map(({ url }) => url).join(', ')}`);
				const socket = new WebSocket(target.webSocketDebuggerUrl, { maxPayload: 512 * 1024 * 1024 });
				sockets.push(socket);
				await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
				return openTab(socket);
			}
		});
	} finally {
		for (const socket of sockets) socket.terminate();
		// The executable may be a script that starts the browser: only the browser itself ends all of its processes.
		if (address === '') child.kill('SIGTERM');
		else await closeBrowser(address);
		const killed = setTimeout(() => child.kill('SIGKILL'), 10_000);
		await gone;
		clearTimeout(killed);
		rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
	}
}

async function closeBrowser(address: string): Promise<void> {
	const { webSocketDebuggerUrl } = (await (await fetch(`${address}/json/version`)).json()) as {
		webSocketDebuggerUrl: string;
	};
	const socket = new WebSocket(webSocketDebuggerUrl);
	await new Promise((resolve) => socket.once('open', resolve));
	socket.send(JSON.stringify({ id: 1, method: 'Browser.close' }));
	await new Promise((resolve) => socket.once('close', resolve));
}

/** The browser writes down which port it took. */
async function portOf(profile: string, hasEnded: () => boolean): Promise<number> {
	for (const deadline = Date.now() + 30_000; Date.now() < deadline && !hasEnded();) {
		const file = join(profile, 'DevToolsActivePort');
		const port = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
		if (port > 0) return port;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error('Chromium did not start');
}

function openTab(socket: WebSocket): BareTab {
	let lastId = 0;
	const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
	const listeners = new Map<string, ((params: unknown) => void)[]>();
	const on = (event: string, listener: (params: unknown) => void) => {
		listeners.set(event, [...(listeners.get(event) ?? []), listener]);
	};
	const send = (method: string, params: object = {}) =>
		new Promise<unknown>((resolve, reject) => {
			const id = ++lastId;
			waiting.set(id, { resolve, reject });
			socket.send(JSON.stringify({ id, method, params }));
		});
	socket.on('message', (data: Buffer) => {
		const { id, result, error, method, params } = JSON.parse(data.toString()) as {
			id?: number;
			result?: unknown;
			error?: { message: string };
			method?: string;
			params?: unknown;
		};
		if (id === undefined) {
			for (const listener of listeners.get(method!) ?? []) listener(params);
			return;
		}
		const call = waiting.get(id);
		waiting.delete(id);
		if (error) call?.reject(new Error(error.message));
		else call?.resolve(result);
	});
	const crashed = new Promise<void>((resolve) => on('Inspector.targetCrashed', () => resolve()));
	void send('Inspector.enable').catch(() => undefined);
	return {
		session: { send, on } as unknown as BareTab['session'],
		crashed,
		async call(path, ...values) {
			const { result, exceptionDetails } = (await send('Runtime.evaluate', {
				expression: `${path}(...${JSON.stringify(values)})`,
				awaitPromise: true,
				returnByValue: true
			})) as {
				result: { value?: unknown };
				exceptionDetails?: { text: string; exception?: { description?: string } };
			};
			if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
			return result.value;
		}
	};
}
