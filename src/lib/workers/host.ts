/**
 * Page side of the worker boundary: the one place that spawns workers.
 *
 * In: a function that creates a worker. Out: a handle with the worker's api, every call of which settles: a crash, a
 * failed start, an unreadable message or `terminate` rejects what is pending with a `MillwrightError`.
 */
import * as Comlink from 'comlink';
import { fromPlainError, MillwrightError, type ErrorCode } from '../contracts';
import type { Outcome, WorkerNotice } from './expose';

/** The api as the page sees it: every call gives a promise. */
export type Promisified<T> = {
	readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

export interface WorkerHandle<T> {
	/** Functions among the arguments of a call may be called by the worker until that call settles. */
	readonly api: Promisified<T>;
	/** Hears of the end of the worker, unless `terminate` ended it. Called at once when it has ended already. */
	onCrash(listener: (error: MillwrightError) => void): () => void;
	/** Ends the worker at once; pending calls reject with code `aborted`. */
	terminate(): void;
}

/** Comlink's proxy and its port die when collected, and calls in flight with them: live workers are held here. */
const alive = new Set<object>();

type Remote = Record<string, (...args: unknown[]) => Promise<Outcome>>;

/**
 * Starts a worker whose script calls `exposeWorker`.
 * @param create makes the worker, e.g. `() => new Worker(new URL('./x.worker.ts', import.meta.url), { type: 'module' })`
 * @param name for messages to a person, e.g. "acquisition"
 */
export function spawnWorker<T>(create: () => Worker, name: string): WorkerHandle<T> {
	const pending = new Set<(error: MillwrightError) => void>();
	const crashListeners = new Set<(error: MillwrightError) => void>();
	let worker: Worker | undefined;
	let remote: Remote | undefined;
	let ready = false;
	let ended: MillwrightError | undefined;
	let watch: AbortController | undefined;

	const rejectPending = (error: MillwrightError) => {
		const rejections = [...pending];
		pending.clear();
		for (const reject of rejections) reject(error);
	};
	const end = (error: MillwrightError) => {
		if (ended) return;
		ended = error;
		watch?.abort();
		worker?.terminate();
		alive.delete(handle);
		rejectPending(error);
		if (error.code === 'aborted') return;
		for (const listener of [...crashListeners]) notify(() => listener(error));
	};
	const crash = (why: string, details: Record<string, unknown> = {}) =>
		end(new MillwrightError('worker-crashed', `The ${name} worker ${why}`, { worker: name, ...details }));

	const onNotice = (event: MessageEvent) => {
		const notice = event.data as WorkerNotice | undefined;
		if (notice?.millwright === 'ready') {
			ready = true;
			if (notice.lock) void watchLock(notice.lock);
		} else if (notice?.millwright === 'unreadable') {
			rejectPending(
				new MillwrightError('worker-crashed', `The ${name} worker could not read a call`, { worker: name })
			);
		}
	};
	const watchLock = async (lock: string) => {
		watch = new AbortController();
		try {
			await navigator.locks.request(lock, { signal: watch.signal }, () => crash('ended without a word'));
		} catch {
			// Aborted by `end`, or no locks here: the other signs of a crash remain.
		}
	};

	const call = (method: string, args: unknown[]): Promise<unknown> =>
		new Promise((resolve, reject) => {
			if (ended || !remote) return reject(ended);
			pending.add(reject);
			remote[method]!(...args.map(passArgument)).then(
				(outcome) => {
					pending.delete(reject);
					if (outcome?.ok) resolve(outcome.value);
					else if (outcome) reject(fromPlainError(outcome.error));
					else reject(new MillwrightError('internal', `The ${name} worker has no "${method}"`));
				},
				(error: unknown) => {
					pending.delete(reject);
					reject(wrapTransportError(error, name, method));
				}
			);
		});

	const functions = new Map<string, (...args: unknown[]) => Promise<unknown>>();
	const api = new Proxy(Object.create(null) as object, {
		get(_, key) {
			// Not thenable: an api may be returned from an async function.
			if (typeof key === 'symbol' || key === 'then') return undefined;
			let method = functions.get(key);
			if (!method) functions.set(key, (method = (...args) => call(key, args)));
			return method;
		}
	}) as Promisified<T>;

	const handle: WorkerHandle<T> = {
		api,
		onCrash(listener) {
			crashListeners.add(listener);
			if (ended && ended.code !== 'aborted') notify(() => listener(ended!));
			return () => crashListeners.delete(listener);
		},
		terminate: () => end(new MillwrightError('aborted', `The ${name} worker was stopped`, { worker: name }))
	};

	try {
		worker = create();
		worker.addEventListener('error', (event: ErrorEvent) => {
			event.preventDefault?.();
			const place = event.filename ? ` (${event.filename}:${event.lineno})` : '';
			const said = event.message ? `: ${event.message}${place}` : '';
			crash(ready ? `crashed${said}` : `could not start${said}`, { started: ready });
		});
		worker.addEventListener('messageerror', () =>
			rejectPending(new MillwrightError('worker-crashed', `An answer of the ${name} worker could not be read`))
		);
		worker.addEventListener('message', onNotice);
		remote = Comlink.wrap(worker) as unknown as Remote;
		alive.add(handle);
	} catch (error) {
		crash(`could not be created: ${error instanceof Error ? error.message : String(error)}`);
	}
	return handle;
}

function passArgument(argument: unknown): unknown {
	if (typeof argument !== 'function') return argument;
	const callback = argument as (...args: unknown[]) => unknown;
	return Comlink.proxy((...args: unknown[]) => {
		notify(() => callback(...args));
	});
}

function wrapTransportError(error: unknown, name: string, method: string): MillwrightError {
	if (error instanceof MillwrightError) return error;
	const said = error instanceof Error ? error.message : String(error);
	const code: ErrorCode = (error as { name?: string } | null)?.name === 'DataCloneError' ? 'invalid-input' : 'internal';
	return new MillwrightError(code, `Calling "${method}" of the ${name} worker failed: ${said}`, {
		worker: name,
		method
	});
}

/** A listener's own error is that listener's: it surfaces as an uncaught error and stops nobody else. */
function notify(action: () => void): void {
	try {
		action();
	} catch (error) {
		queueMicrotask(() => {
			throw error;
		});
	}
}
