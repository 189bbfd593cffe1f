/** The worker host over a MessageChannel: results, errors, callbacks, and that no call stays unsettled. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { MillwrightError } from '$lib/contracts';
import { exposeWorker, withTransfer } from '$lib/workers/expose';
import { spawnWorker } from '$lib/workers/host';

interface Api {
	add(a: number, b: number): Promise<number>;
	fail(): Promise<void>;
	failPlain(): Promise<void>;
	hang(): Promise<void>;
	report(onProgress: (n: number) => void): Promise<string>;
	later(onProgress: (n: number) => void): Promise<void>;
	bytes(): Promise<ArrayBuffer>;
	uncloneable(): Promise<unknown>;
}

let late: (() => void) | undefined;
const moved = new ArrayBuffer(8);
class Implementation implements Api {
	async add(a: number, b: number) {
		return a + b;
	}
	async fail() {
		throw new MillwrightError('invalid-file', 'Row 3 is short', { row: 3 });
	}
	async failPlain() {
		throw new TypeError('oops');
	}
	hang() {
		return new Promise<void>(() => undefined);
	}
	async report(onProgress: (n: number) => void) {
		for (let n = 0; n < 3; n++) onProgress(n);
		return 'done';
	}
	async later(onProgress: (n: number) => void) {
		late = () => onProgress(99);
	}
	async bytes() {
		return withTransfer(moved, [moved]);
	}
	async uncloneable() {
		return () => 1;
	}
}

/** A Worker made of a MessageChannel, with the events a browser would send. */
class PortWorker extends EventTarget {
	readonly #near: MessagePort;
	readonly far: MessagePort;
	terminated = false;
	constructor() {
		super();
		const { port1, port2 } = new MessageChannel();
		this.#near = port1;
		this.far = port2;
		port1.on('message', (data: unknown) => this.dispatchEvent(new MessageEvent('message', { data })));
	}
	postMessage(message: unknown, transfer: Transferable[] = []) {
		this.#near.postMessage(message, transfer as never);
	}
	crash(message: string) {
		this.dispatchEvent(Object.assign(new Event('error'), { message, filename: 'x.js', lineno: 7 }));
	}
	terminate() {
		this.terminated = true;
		this.#near.close();
	}
}

const opened: PortWorker[] = [];
afterEach(() => opened.splice(0).forEach((worker) => worker.terminate()));
function open() {
	const worker = new PortWorker();
	opened.push(worker);
	exposeWorker<Api>(new Implementation(), worker.far as never);
	worker.far.start?.();
	return { worker, handle: spawnWorker<Api>(() => worker as unknown as Worker, 'test') };
}

describe('spawnWorker', () => {
	it('returns results', async () => {
		expect(await open().handle.api.add(2, 3)).toBe(5);
	});

	it('rebuilds errors with code and details', async () => {
		const { handle } = open();
		const error = await handle.api.fail().catch((e: unknown) => e);
		expect(error).toBeInstanceOf(MillwrightError);
		expect(error).toMatchObject({ code: 'invalid-file', message: 'Row 3 is short', details: { row: 3 } });
		await expect(handle.api.failPlain()).rejects.toMatchObject({ code: 'internal', message: 'oops' });
	});

	it('calls callbacks before the result, and no more after it', async () => {
		const { handle } = open();
		const seen: number[] = [];
		expect(await handle.api.report((n) => seen.push(n))).toBe('done');
		await handle.api.later((n) => seen.push(n));
		late!();
		await handle.api.add(1, 1);
		expect(seen).toEqual([0, 1, 2]);
	});

	it('moves what the worker marks for transfer', async () => {
		const { handle } = open();
		expect((await handle.api.bytes()).byteLength).toBe(8);
		expect(moved.byteLength).toBe(0);
	});

	it('rejects pending and later calls when the worker crashes, and tells', async () => {
		const { worker, handle } = open();
		const told: MillwrightError[] = [];
		handle.onCrash((error) => told.push(error));
		await handle.api.add(1, 1);
		const pending = handle.api.hang();
		worker.crash('boom');
		await expect(pending).rejects.toMatchObject({ code: 'worker-crashed', message: expect.stringContaining('boom') });
		await expect(handle.api.add(1, 1)).rejects.toMatchObject({ code: 'worker-crashed' });
		expect(told).toHaveLength(1);
		expect(worker.terminated).toBe(true);
		handle.onCrash((error) => told.push(error));
		expect(told).toHaveLength(2);
	});

	it('rejects with aborted on terminate, without calling it a crash', async () => {
		const { handle } = open();
		let crashed = false;
		handle.onCrash(() => (crashed = true));
		const pending = handle.api.hang();
		handle.terminate();
		await expect(pending).rejects.toMatchObject({ code: 'aborted' });
		await expect(handle.api.add(1, 1)).rejects.toMatchObject({ code: 'aborted' });
		expect(crashed).toBe(false);
	});

	it('rejects pending calls on an answer that cannot be read, and goes on', async () => {
		const { worker, handle } = open();
		const pending = handle.api.hang();
		worker.dispatchEvent(new Event('messageerror'));
		await expect(pending).rejects.toMatchObject({ code: 'worker-crashed' });
		expect(await handle.api.add(1, 1)).toBe(2);
	});

	it('rejects every call when the worker cannot be created', async () => {
		const handle = spawnWorker<Api>(() => {
			throw new Error('refused by policy');
		}, 'test');
		await expect(handle.api.add(1, 1)).rejects.toMatchObject({ code: 'worker-crashed' });
	});

	it('rejects arguments and results that cannot cross', async () => {
		const { handle } = open();
		await expect(handle.api.add(Symbol('x') as never, 1)).rejects.toMatchObject({ code: 'invalid-input' });
		await expect(handle.api.uncloneable()).rejects.toBeInstanceOf(MillwrightError);
		await expect((handle.api as unknown as { nothing(): Promise<void> }).nothing()).rejects.toBeInstanceOf(
			MillwrightError
		);
	});
});
