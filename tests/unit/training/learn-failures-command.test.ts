/** `npm run train:models -- --failures`: what it writes is what the product reads; a few lives of one class, in a folder of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { machineClasses } from '$simulator';
import type { ModelVersion } from '$lib/contracts';
import { FailureOutlooks } from '$lib/prognostics';
import type { ModelStore } from '$lib/storage/store';
import { ModelSource } from '$lib/workers/model-source';

const folder = mkdtempSync(join(tmpdir(), 'failures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (path: string) => readFileSync(join(folder, path));

test('learns a library that the product takes, and leaves what is shipped as it is', async () => {
	const machineClass = 'cnc-spindle';
	const shipped = readFileSync('models/index.json', 'utf8');
	const options = ['--failures', '--quick', '--class', machineClass, '--out', folder];
	const child = spawn(process.execPath, ['--import', 'tsx', 'models/train-models.ts', ...options]);
	let said = '';
	child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
	const code = await new Promise((resolve) => child.once('exit', resolve));
	expect(code, said).toBe(0);
	expect(readFileSync('models/index.json', 'utf8')).toBe(shipped);

	const [entry] = JSON.parse(read('index.json').toString()) as { path: string }[];
	const version = JSON.parse(read(`${entry!.path}model.json`).toString()) as ModelVersion;
	const source = new ModelSource({} as ModelStore, 'https://plant.example/app/', (address) =>
		Promise.resolve(new Response(read(String(address).replace('https://plant.example/app/models/', ''))))
	);
	const library = (await source.failuresFor(version))!;
	const faults = machineClasses.find(({ id }) => id === machineClass)!.faults.map(({ id }) => id);
	expect(library.faults.map(({ fault }) => fault).sort()).toEqual([...faults].sort());
	expect(library.lives).toBe(2 * faults.length);
	expect(library.calibration!.lives).toBe(library.lives + 2);
	expect(read(`${entry!.path}FAILURES.md`).toString()).toContain(`--failures --class ${machineClass}`);

	// A machine that stays as it began runs as it should.
	const points = Array.from({ length: 24 }, (_, hour) => ({
		time: hour * 3_600_000,
		rows: 10,
		levels: new Float64Array(2 * library.sensorNames.length)
	}));
	expect(new FailureOutlooks(library).look(points, 24 * 3_600_000)).toMatchObject({ nothingInSight: true });
});
