/** Training worker: what its jobs share: the store, the engine, and a way to be cancelled by name. */
import { MillwrightError, isAborted } from '../../contracts';
import type { Engine } from '../../neural';
import type { Store } from '../../storage/store';

export const cancelledWords = 'Training was cancelled';

export interface JobContext {
	store(): Store;
	engine(): Promise<Engine>;
	/** Jobs that can be cancelled, by id. */
	readonly jobs: Map<string, AbortController>;
}

/** Runs work that `cancel(jobId)` can end. */
export async function asJob<T>(
	{ jobs }: JobContext,
	jobId: string,
	work: (signal: AbortSignal) => Promise<T>
): Promise<T> {
	if (jobs.has(jobId)) throw new MillwrightError('invalid-input', `Job ${jobId} is running already`);
	const abort = new AbortController();
	jobs.set(jobId, abort);
	try {
		return await work(abort.signal);
	} catch (error) {
		if (abort.signal.aborted || isAborted(error)) throw new MillwrightError('aborted', cancelledWords);
		throw error;
	} finally {
		jobs.delete(jobId);
	}
}
