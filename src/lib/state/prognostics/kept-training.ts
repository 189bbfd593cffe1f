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
import { driveTraining, endTrainingWorker, wasInterrupted } from '../app/cancel-training';
import { session, type Store } from '../app/session.svelte';

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

/** Jobs of one kind, one after the other: one that was cancelled may still be at work. */
const turns = new Map<ModelTrainingKind, Promise<void>>();

/** Never rejects. */
export async function runToEnd<Progress, Version>(
	job: KeptTraining<Progress, Version>,
	resume: boolean
): Promise<TrainingEnd<Version>> {
	let end: TrainingEnd<Version> = { kind: 'left' };
	const turn = (turns.get(job.kind) ?? Promise.resolve()).then(async () => {
		// Cancelled while another was still at work.
		if (job.isCurrent()) await driveTraining(job.jobId, async () => void (end = await drive(job, resume)));
	});
	turns.set(job.kind, turn);
	await turn;
	return end;
}

async function drive<Progress, Version>(
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
			if (job.isRunning() && (wasInterrupted(jobId) || (crashed && ++crashes <= mostCrashes))) {
				// What could not be kept begins anew.
				if (await session.store?.trainings.findModel(kind, jobId).catch(() => undefined)) resume = true;
				// The engine of a lost device goes with its worker.
				if (problem.code === 'device-lost') await endTrainingWorker(jobId);
				job.onCrash();
				continue;
			}
			if (crashed) await session.store?.trainings.remove(jobId).catch(() => undefined);
			return isAborted(error) || !job.isRunning() ? { kind: 'cancelled' } : { kind: 'failed', problem };
		}
	}
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
