/**
 * A device that calculates wrongly, as a person meets it: the compiled kernels are served with one coefficient of tanh changed. They
 * are disqualified, Settings says so and by how much, and the plain loops take their place.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveFolder, type StaticServer } from '../../simulator/cli/static-server';
import { withChromium } from '../bench/harness';
import { ensureBuild, watchPage } from '../tools/app';

const assets = '_app/immutable/workers/assets';
let folder: string;
let app: StaticServer;

/** Every compiled kernel in the folder, with the tanh coefficient of simd.ts off by a fiftieth. */
function spoilKernels(): number {
	const coefficient = 0.129344183;
	const pattern = Buffer.from(Float32Array.of(coefficient).buffer);
	let spoilt = 0;
	for (const name of readdirSync(folder).filter((file) => file.endsWith('.wasm'))) {
		const bytes = readFileSync(join(folder, name));
		let at = bytes.indexOf(pattern);
		if (at < 0) continue;
		for (; at >= 0; at = bytes.indexOf(pattern, at)) bytes.writeFloatLE(coefficient * 1.02, at);
		writeFileSync(join(folder, name), bytes);
		spoilt++;
	}
	return spoilt;
}

beforeAll(async () => {
	await ensureBuild();
	folder = mkdtempSync(join(tmpdir(), 'millwright-wrong-'));
	cpSync(join('build', assets), folder, { recursive: true });
	app = await serveFolder('build', { mounts: { [`/${assets}/`]: folder } });
});
afterAll(async () => {
	await app.close();
	rmSync(folder, { recursive: true, force: true });
});

test('a backend that calculates wrongly is disqualified, visibly, and another takes its place', async () => {
	expect(spoilKernels(), 'builds of the kernels: with relaxed SIMD and without').toBe(2);
	await withChromium(async (context) => {
		const page = await context.newPage();
		const watched = watchPage(page, app);
		await page.goto(app.url);
		await page.getByRole('button', { name: /^Demo/ }).click();
		await page.locator('[data-machine]').first().waitFor();
		await page.goto(`${app.url}settings/`);
		for (const build of ['SIMD128 + relaxed FMA', 'SIMD128']) {
			const words = `Disqualified: processor, compiled code (WebAssembly), ${build} calculates wrongly on this device`;
			await page.getByText(words).waitFor();
		}
		const howFar = page.getByText(/differs from the reference by \d\.\de-\d/);
		await howFar.first().waitFor();
		await page
			.locator('dd', { hasText: 'processor, plain JavaScript' })
			.filter({ hasText: 'Measured on this device' })
			.waitFor();
		expect(watched.errors).toEqual([]);
	});
});
