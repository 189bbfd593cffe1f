/** The worker host with real workers: whatever ends a worker, every pending call settles. */
import { expect, it } from 'vitest';
import { spawnWorker } from '$lib/workers/host';
import type { ProbeApi } from './probe.worker';

const spawn = () =>
	spawnWorker<ProbeApi>(
		() => new Worker(new URL('./probe.worker.ts', import.meta.url), { type: 'module', name: 'probe' }),
		'probe'
	);

it('calls, rebuilds errors, passes callbacks in order before the result', async () => {
	const { api, terminate } = spawn();
	expect(await api.add(2, 3)).toBe(5);
	await expect(api.fail()).rejects.toMatchObject({
		name: 'MillwrightError',
		code: 'invalid-file',
		details: { row: 3 }
	});
	const steps: number[] = [];
	await api.count(5, (n) => steps.push(n));
	expect(steps).toEqual([0, 1, 2, 3, 4]);
	terminate();
});

it('rejects pending calls when an error escapes in the worker', async () => {
	const { api, onCrash } = spawn();
	const crashed = new Promise((resolve) => onCrash(resolve));
	const pending = api.hang();
	await api.throwLater();
	await expect(pending).rejects.toMatchObject({ code: 'worker-crashed' });
	expect(await crashed).toMatchObject({ code: 'worker-crashed' });
});

it('notices a worker that ends without a word', async () => {
	const { api } = spawn();
	const pending = api.hang();
	await api.close();
	await expect(pending).rejects.toMatchObject({ code: 'worker-crashed' });
});

it('rejects calls to a worker that cannot start', async () => {
	const broken = spawnWorker<ProbeApi>(
		() => new Worker(new URL('./broken.worker.ts', import.meta.url), { type: 'module', name: 'broken' }),
		'broken'
	);
	await expect(broken.api.add(1, 1)).rejects.toMatchObject({
		code: 'worker-crashed',
		message: expect.stringContaining('start')
	});
});

it('rejects with aborted on terminate', async () => {
	const { api, terminate } = spawn();
	const pending = api.hang();
	terminate();
	await expect(pending).rejects.toMatchObject({ code: 'aborted' });
});
