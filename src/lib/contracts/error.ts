/**
 * The one error class of Millwright, and its plain form.
 *
 * In: what went wrong, as a stable `code` plus a sentence for a person. Out: an `Error` that survives a worker boundary:
 * Comlink drops `code` and `cause`, so errors cross as `PlainError` and are rebuilt on the other side.
 */
export type ErrorCode =
	| 'aborted' // the caller cancelled: not a failure, never shown as one
	| 'worker-crashed'
	| 'worker-timeout'
	| 'invalid-input'
	| 'invalid-file'
	| 'invalid-model'
	| 'not-found'
	| 'not-enough-data'
	| 'storage-quota'
	| 'storage-unavailable'
	| 'backend-unavailable'
	| 'backend-wrong' // its self-test gave wrong numbers
	| 'device-lost'
	| 'link-failed'
	| 'unsupported'
	| 'internal';

export interface PlainError {
	readonly code: ErrorCode;
	readonly message: string;
	/** Names, numbers and places that help a person mend it: plain data only. */
	readonly details?: Record<string, unknown>;
	readonly stack?: string;
}

export class MillwrightError extends Error {
	override readonly name = 'MillwrightError';
	constructor(
		readonly code: ErrorCode,
		message: string,
		readonly details: Record<string, unknown> = {},
		options?: ErrorOptions
	) {
		super(message, options);
	}
}

/** True for an `aborted` MillwrightError and for the platform's own AbortError. */
export function isAborted(error: unknown): boolean {
	return (
		(error instanceof MillwrightError && error.code === 'aborted') ||
		(typeof error === 'object' && error !== null && (error as { name?: string }).name === 'AbortError')
	);
}

/** Reduces anything thrown to plain data that structured clone carries. */
export function toPlainError(error: unknown): PlainError {
	if (error instanceof MillwrightError)
		return { code: error.code, message: error.message, details: error.details, stack: error.stack };
	if (isAborted(error)) return { code: 'aborted', message: 'Cancelled' };
	if (error instanceof Error) {
		const quota = error.name === 'QuotaExceededError';
		return { code: quota ? 'storage-quota' : 'internal', message: error.message || error.name, stack: error.stack };
	}
	return { code: 'internal', message: String(error) };
}

/** Rebuilds the error on the receiving side. */
export function fromPlainError(plain: PlainError): MillwrightError {
	const error = new MillwrightError(plain.code, plain.message, plain.details ?? {});
	if (plain.stack) error.stack = plain.stack;
	return error;
}
