/**
 * State: work that only one tab does at a time (Web Locks). In: a name and the work. Out: the work's end. Waiting ends when `left` fires.
 */
import { isAborted } from '$lib/contracts';

export async function alone(name: string, left: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
	if (!navigator.locks) return work();
	try {
		await navigator.locks.request(name, left ? { signal: left } : {}, work);
	} catch (error) {
		if (!isAborted(error)) throw error;
	}
}

/** Lock of a training that is under way. */
export const trainingLock = (jobId: string) => `millwright:training:${jobId}`;
