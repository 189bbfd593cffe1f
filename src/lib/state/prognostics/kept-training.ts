/**
 * State: a training that outlives its page. In: a job, how the training worker runs it. Out: how it ended, in as many workers as it takes; and
 * what was left unfinished in a workspace, taken up by one tab.
 */
import {
	isAborted,
	toPlainError,
	type ModelTrainingKind,
	type PlainError,
	type UnfinishedModelTraining
} from '$lib/contracts';
import { alone, trainingLock } from '../app/alone';
import { session, type Store } from '../app/session.svelte';

/** A worker in the middle of one long computation does not hear a cancel: after this long it is ended. */
const cancelPatienceMs = 500;
/** Crashes without getting any further between them after which a training has failed. */
const mostCrashes = 4;

export interface KeptTraining<Progress, Version> {
	readonly jobId: string;
	readonly kind: ModelTrainingKind;
	/** `resume`: as it is stored. */
	readonly run: (resume: boolean, onProgress: (progress: Progress) => void) => Promise<Version>;
	/** Changes with each piece that is learnt. */
	readonly stageOf: (progress: Progress) => string;
	/** False once the page looks at another job. */
	readonly isCurrent: () => boolean;
	/** False while it is being cancelled. */
	readonly isRunning: () => boolean;
	readonly onProgress: (progress: Progress) => void;
	readonly onCrash: () => void;
}

export type TrainingEnd<Version> =
	| { readonly kind: 'done'; readonly version: Version }
	| { readonly kind: 'cancelled' }
	| { readonly kind: 'failed'; readonly problem: PlainError }
	/** Nobody looks at it any more. */
	| { readonly kind: 'left' };

/** Never rejects. */
export async function runToEnd<Progress, Version>(
	job: KeptTraining<Progress, Version>,
	resume: boolean
): Promise<TrainingEnd<Version>> {
	const { jobId, kind, isCurrent } = job;
	let crashes = 0;
	let reached = '';
	for (;;) {
		try {
			const version = await job.run(resume, (progress) => {
				if (!isCurrent()) return;
				const stage = job.stageOf(progress);
				if (stage !== reached) crashes = 0;
				reached = stage;
				job.onProgress(progress);
			});
			return isCurrent() ? { kind: 'done', version } : { kind: 'left' };
		} catch (error) {
			if (!isCurrent()) return { kind: 'left' };
			const problem = toPlainError(error);
			const crashed = problem.code === 'worker-crashed' || problem.code === 'device-lost';
			if (job.isRunning() && crashed && ++crashes <= mostCrashes) {
				// What could not be kept begins anew.
				if (await session.store?.trainings.findModel(kind, jobId).catch(() => undefined)) resume = true;
				// The engine of a lost device goes with its worker.
				if (problem.code === 'device-lost') await session.training.end();
				job.onCrash();
				continue;
			}
			// Once more after a cancel: the worker may have stored the job anew while it was being cancelled.
			await session.store?.trainings.remove(jobId).catch(() => undefined);
			return isAborted(error) || !job.isRunning() ? { kind: 'cancelled' } : { kind: 'failed', problem };
		}
	}
}

/** `isCancelling`: still waiting for its end. */
export async function cancelKept(jobId: string, isCancelling: () => boolean): Promise<void> {
	setTimeout(() => {
		if (isCancelling()) void session.training.end();
	}, cancelPatienceMs);
	await Promise.allSettled([session.training.cancel(jobId), session.store?.trainings.remove(jobId)]);
}

/**
 * Hands over what was left unfinished in this workspace, each to one tab; `take` returns when that training has ended. Returns how to stop
 * looking, when the workspace is left.
 */
export function takeUpKept<Kind extends ModelTrainingKind>(
	store: Store,
	kind: Kind,
	take: (training: UnfinishedModelTraining<Kind>) => Promise<void>
): () => void {
	const left = new AbortController();
	const takeUp = (training: UnfinishedModelTraining<Kind>) =>
		alone(trainingLock(training.jobId), left.signal, async () => {
			// Another tab may have ended it meanwhile.
			if (left.signal.aborted || !(await store.trainings.findModel(kind, training.jobId))) return;
			await take(training);
		});
	void store.trainings
		.unfinishedModels(kind)
		.then((trainings) => trainings.forEach((training) => void takeUp(training)))
		.catch(() => undefined);
	return () => left.abort();
}
