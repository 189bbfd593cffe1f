/**
 * State: ends a training of this tab, whatever its worker is at. In: a job. Out: whether it is cancelled, or its result is being stored
 * already. What is stored of the job decides, so that nobody waits for the worker: once cancelled, its result is refused.
 */
import { session } from './session.svelte';

/** A worker in the middle of one long computation does not hear a cancel: after this long it is ended. */
const cancelPatienceMs = 120;

/** Jobs that a worker still works at, cancelled ones too, with their ends. */
const driven = new Map<string, Promise<unknown>>();
const cancelled = new Set<string>();
/** Jobs whose worker was ended for another's sake. */
const interrupted = new Set<string>();

/** Runs a job's work, which never rejects; afterwards nothing of a cancelled job is left, even if it stored itself anew meanwhile. */
export function driveTraining(jobId: string, work: () => Promise<void>): Promise<void> {
	const end = work().then(async () => {
		if (cancelled.delete(jobId)) await session.store?.trainings.remove(jobId).catch(() => undefined);
		driven.delete(jobId);
		interrupted.delete(jobId);
	});
	driven.set(jobId, end);
	return end;
}

/** Whether the job's worker was ended because another job in it was cancelled: told once each time, and no fault of this job. */
export function wasInterrupted(jobId: string): boolean {
	return interrupted.delete(jobId);
}

/** Ends the worker for the sake of one job; others that it works at go on in the next worker. */
export function endTrainingWorker(jobId: string): Promise<void> {
	for (const other of driven.keys()) if (other !== jobId && !cancelled.has(other)) interrupted.add(other);
	return session.training.end();
}

/**
 * `phase`: what its worker has last said; before that and while it loads, it may be about to store the job, so its end is awaited.
 * 'saving': too late, the job goes on to its end.
 */
export async function cancelTraining(jobId: string, phase: string | undefined): Promise<'cancelled' | 'saving'> {
	const mayStoreAnew = phase === undefined || phase === 'loading';
	const asked = session.store?.trainings.cancel(jobId);
	// Sooner than by the answer: the worker may look up in time.
	void session.training.cancel(jobId).catch(() => undefined);
	const outcome = (await asked?.catch(() => undefined)) ?? 'unknown';
	if (outcome === 'saving' && driven.has(jobId)) return outcome;
	const end = driven.get(jobId);
	if (!end) return 'cancelled';
	cancelled.add(jobId);
	setTimeout(() => {
		if (driven.get(jobId) === end) void endTrainingWorker(jobId);
	}, cancelPatienceMs);
	// Where nothing is stored that could refuse its result, it must have ended too.
	if (outcome === 'unknown' || mayStoreAnew) await end;
	return 'cancelled';
}
