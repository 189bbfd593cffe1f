/**
 * Worker side of the worker boundary: puts an api on the worker's message port (Comlink underneath).
 *
 * In: an object of functions. Out: nothing. Results and errors leave as an `Outcome`, because Comlink drops `code` and
 * `details` of an error; callbacks the page passed are released when the call they came with has settled.
 */
import * as Comlink from 'comlink';
import { toPlainError, type PlainError } from '../contracts';

/** What a call comes back as. */
export type Outcome =
	{ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: PlainError };

/** What a worker says of itself, beside Comlink's own messages. */
export type WorkerNotice =
	/** The worker runs; while it lives it holds the Web Lock `lock`, if there is one. */
	| { readonly millwright: 'ready'; readonly lock?: string }
	/** A call reached the worker in a form that it could not read. */
	| { readonly millwright: 'unreadable' };

type AnyFunction = (...args: never[]) => unknown;

const transfers = new WeakMap<object, Transferable[]>();

/** Marks what a returned value shall move, not copy, e.g. `return withTransfer(pkg, [pkg.weights])`. */
export function withTransfer<V extends object>(value: V, transferables: Transferable[]): V {
	transfers.set(value, transferables);
	return value;
}

/**
 * Answers calls to `api`. A function passed as an argument may be called, without waiting for its result, until the
 * call it was passed to settles; later calls of it do nothing.
 */
export function exposeWorker<T extends object>(api: T, endpoint: Comlink.Endpoint = globalThis as never): void {
	const announced = announceLife(endpoint);
	const answers: Record<string, (...args: unknown[]) => Promise<Outcome>> = {};
	for (const name of methodNames(api)) {
		const method = (api as Record<string, AnyFunction>)[name]!.bind(api) as (...args: unknown[]) => unknown;
		// Whoever has an answer also knows how to notice this worker's end.
		answers[name] = (...args) => announced.then(() => answer(method, args));
	}
	endpoint.addEventListener('messageerror', () => {
		endpoint.postMessage({ millwright: 'unreadable' } satisfies WorkerNotice);
	});
	Comlink.expose(answers, endpoint);
}

async function answer(method: (...args: unknown[]) => unknown, args: unknown[]): Promise<Outcome> {
	const releases: (() => Promise<unknown>)[] = [];
	const released = () => Promise.all(releases.splice(0).map((release) => release()));
	try {
		const value = await method(...args.map((argument) => receiveArgument(argument, releases)));
		// Callbacks travel on ports of their own: the page must have had the last one before it has the result.
		await released();
		const outcome: Outcome = { ok: true, value };
		const moved = typeof value === 'object' && value !== null ? transfers.get(value) : undefined;
		return moved ? Comlink.transfer(outcome, moved) : outcome;
	} catch (error) {
		await released();
		return { ok: false, error: cloneable(toPlainError(error)) };
	}
}

function receiveArgument(argument: unknown, releases: (() => Promise<unknown>)[]): unknown {
	if (typeof argument !== 'function') return argument;
	const remote = argument as unknown as Comlink.Remote<(...args: unknown[]) => void> & Comlink.ProxyMethods;
	let open = true;
	let delivered: Promise<unknown> = Promise.resolve();
	releases.push(async () => {
		open = false;
		await delivered;
		remote[Comlink.releaseProxy]();
	});
	return (...args: unknown[]) => {
		// The page may have gone meanwhile: a callback never fails the work that reports through it.
		if (open) delivered = remote(...args).catch(() => undefined);
	};
}

/** `details` of an error may hold something that does not clone; the error must still arrive. */
function cloneable(error: PlainError): PlainError {
	try {
		return structuredClone(error);
	} catch {
		return { code: error.code, message: error.message, stack: error.stack };
	}
}

function methodNames(api: object): string[] {
	const names = new Set<string>();
	for (let level: object | null = api; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
		for (const name of Object.getOwnPropertyNames(level)) {
			if (name !== 'constructor' && typeof (api as Record<string, unknown>)[name] === 'function') names.add(name);
		}
	}
	return [...names];
}

/** A worker that ends without an event (closed, killed for memory) frees its lock: that is how the page notices. */
function announceLife(endpoint: Comlink.Endpoint): Promise<void> {
	const ready = (notice: WorkerNotice) => endpoint.postMessage(notice);
	const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
	if (!locks || endpoint !== (globalThis as unknown)) {
		ready({ millwright: 'ready' });
		return Promise.resolve();
	}
	const lock = `millwright:alive:${crypto.randomUUID()}`;
	return new Promise((resolve) => {
		const held = () => {
			ready({ millwright: 'ready', lock });
			resolve();
			return new Promise<void>(() => undefined);
		};
		locks.request(lock, held).catch(() => {
			ready({ millwright: 'ready' });
			resolve();
		});
	});
}
