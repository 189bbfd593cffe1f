/** The file server of `npm start`: what it serves may be built again under its feet. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { serveFolder, type StaticServer } from '../../../simulator/cli/static-server';

const folder = mkdtempSync(join(tmpdir(), 'millwright-served-'));
let server: StaticServer | undefined;
afterEach(async () => {
	await server?.close();
	rmSync(folder, { recursive: true, force: true });
});

test('a file that disappears is not found, one that changes is served anew, and the server goes on', async () => {
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, 'index.html'), 'first');
	writeFileSync(join(folder, 'gone.js'), 'script');
	server = await serveFolder(folder);
	const get = async (path: string) => {
		const response = await fetch(`${server!.url}${path}`);
		return { status: response.status, text: await response.text() };
	};
	expect(await get('gone.js')).toEqual({ status: 200, text: 'script' });
	rmSync(join(folder, 'gone.js'));
	writeFileSync(join(folder, 'index.html'), 'built again');
	expect((await get('gone.js')).status).toBe(404);
	expect(await get('')).toEqual({ status: 200, text: 'built again' });
	rmSync(folder, { recursive: true });
	expect((await get('')).status).toBe(404);
	writeFileSync(folder, 'no folder now');
	expect((await get('deep/er')).status).toBe(404);
});
