/**
 * Neural: one worker that helps to train, as the thread that trains sees it. In: messages of protocol.ts. Out: its answers; at most
 * one question is open at a time and it never stays unsettled, whatever ends the worker.
 */
import { fromPlainError, MillwrightError } from '../../contracts/error';
import type { FromHelper, ToHelper } from './protocol';

export interface Share {
	readonly gradient: Float32Array;
	readonly loss: number;
}

export class Helper {
	private readonly worker = new Worker(new URL('./gradient.worker.ts', import.meta.url), {
		type: 'module',
		name: 'gradient'
	});
	private settle: { resolve: (share: Share | undefined) => void; reject: (error: unknown) => void } | undefined;
	private failure: MillwrightError | undefined;
	private readonly ended = new AbortController();

	constructor() {
		this.worker.onmessage = (event: MessageEvent<FromHelper>) => {
			const message = event.data;
			if (message.kind === 'ready' && message.lock) this.watch(message.lock);
			if (message.kind === 'failed') this.fail(fromPlainError(message.error));
			else this.settle?.resolve(message.kind === 'gradient' ? message : undefined);
		};
		this.worker.onerror = (event) => {
			event.preventDefault();
			this.fail(
				new MillwrightError('worker-crashed', `A training worker failed: ${event.message || 'it could not start'}.`)
			);
		};
		this.worker.onmessageerror = () =>
			this.fail(new MillwrightError('worker-crashed', 'A training worker sent something unreadable.'));
	}

	ask(message: ToHelper, transfer: Transferable[] = []): Promise<Share | undefined> {
		return new Promise((resolve, reject) => {
			if (this.failure) return reject(this.failure);
			this.settle = { resolve, reject };
			this.worker.postMessage(message, transfer);
		});
	}

	tell(message: ToHelper, transfer: Transferable[]): void {
		this.worker.postMessage(message, transfer);
	}

	/** For who waits for it without a question open. Throws what ended it, once that is known. */
	throwIfFailed(): void {
		if (this.failure) throw this.failure;
	}

	terminate(): void {
		this.ended.abort();
		this.worker.terminate();
		this.fail(new MillwrightError('aborted', 'Training was cancelled.'));
	}

	/** The lock that a worker holds while it lives is free only when it has ended. */
	private watch(lock: string): void {
		const crashed = new MillwrightError('worker-crashed', 'A training worker ended without a word.');
		navigator.locks.request(lock, { signal: this.ended.signal }, () => this.fail(crashed)).catch(() => undefined);
	}

	private fail(error: MillwrightError): void {
		this.failure ??= error;
		this.settle?.reject(error);
	}
}
