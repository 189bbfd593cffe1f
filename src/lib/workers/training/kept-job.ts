/**
 * Training worker: what is kept of a job until it ends, so that another worker can go on with it. In: the request, what it learns from, and
 * each piece as it is learnt. Out: the same again after a reload or a crash.
 */
import {
	MillwrightError,
	isAborted,
	toPlainError,
	type EpochMs,
	type ErrorCode,
	type ModelTrainingKind,
	type UnfinishedModelTraining
} from '../../contracts';
import type { TrainingStore } from '../../storage/store';
import { cancelledWords } from './job';

/** A job taken up so often without finishing another piece is given up: it may be what crashes this device. */
const mostAttempts = 5;
/** After these the job stays stored: another worker may go on with it. */
const survivable: ReadonlySet<ErrorCode> = new Set(['worker-crashed', 'device-lost']);

export interface KeptRequest<Kind extends ModelTrainingKind, Data> {
	readonly request: UnfinishedModelTraining<Kind>['request'];
	/** What it learns from. */
	readonly data: Data;
}

export class KeptJob<Kind extends ModelTrainingKind, Data> {
	/** What was learnt could not be stored: a reload would lose this job. */
	lost = false;
	/** It is stored that this job is under way. */
	private noted = true;
	private training: UnfinishedModelTraining<Kind> | undefined;
	private stage: string | number | undefined;
	private began = 0;
	private spentBefore = 0;

	/** `dataName`: under which what it learns from lies among the checkpoints. */
	constructor(
		private readonly jobId: string,
		private readonly kind: Kind,
		private readonly dataName: string,
		private readonly trainings: TrainingStore
	) {}

	/** Pieces by name. Storage that has no room is noted, and the job goes on without it. */
	readonly pieces = {
		load: async <T>(name: string): Promise<T | undefined> =>
			this.lost ? undefined : this.trainings.checkpoint<T>(this.jobId, name),
		save: async (name: string, piece: unknown): Promise<void> => {
			if (!this.lost) await this.trainings.saveCheckpoint(this.jobId, name, piece);
		},
		onProblem: () => (this.lost = true)
	};

	/**
	 * Stores a new job, or reads one that was left.
	 * @throws MillwrightError `not-found` when nothing is stored of it, `internal` when it only ever crashed
	 */
	async takeUp(
		given: KeptRequest<Kind, Data> | undefined
	): Promise<KeptRequest<Kind, Data> & { readonly startedAt: EpochMs; readonly spentSeconds: number }> {
		const { jobId, kind, trainings } = this;
		if (given) {
			const startedAt = Date.now();
			const { request } = given;
			this.training = {
				jobId,
				kind,
				request,
				startedAt,
				attempts: 0,
				spentSeconds: 0
			} as UnfinishedModelTraining<Kind>;
			try {
				await trainings.put(this.training);
				await trainings.saveCheckpoint(jobId, this.dataName, given.data);
			} catch (error) {
				if (!(error instanceof MillwrightError) || error.code !== 'storage-quota') throw error;
				this.lost = true;
				this.noted = false;
				await trainings.remove(jobId);
			}
			return { ...given, startedAt, spentSeconds: 0 };
		}
		const training = await trainings.findModel(kind, jobId);
		const data = await trainings.checkpoint<Data>(jobId, this.dataName);
		if (!training || !data)
			throw new MillwrightError('not-found', 'Nothing is stored of this training any more', { jobId });
		const attempts = training.attempts + 1;
		if (attempts > mostAttempts)
			throw new MillwrightError(
				'internal',
				`This training ended ${mostAttempts} times without getting any further; it is not taken up again`
			);
		this.training = { ...training, attempts, saving: undefined };
		this.spentBefore = training.spentSeconds;
		await trainings.put(this.training);
		const { request, startedAt, spentSeconds } = training;
		// What is found by a kind has that kind's request, which the compiler cannot tell.
		const kept = { request, data } as unknown as KeptRequest<Kind, Data>;
		return { ...kept, startedAt, spentSeconds };
	}

	/** It has come to this stage. Time counts from the first one; what was spent so far is noted with each new one. */
	noteStage(stage: string | number): void {
		if (stage === this.stage || !this.training || this.lost) return;
		if (this.stage === undefined) this.began = performance.now();
		const first = this.stage === undefined;
		this.stage = stage;
		if (first) return;
		const spentSeconds = this.spentBefore + (performance.now() - this.began) / 1000;
		const training = (this.training = { ...this.training, attempts: 0, spentSeconds });
		void this.trainings.renew(training).catch(() => undefined);
	}

	/** From here on it is too late to cancel. @throws MillwrightError `aborted` where it has been cancelled */
	async beginSaving(): Promise<void> {
		this.training = undefined;
		if (this.noted && !(await this.trainings.beginSaving(this.jobId)))
			throw new MillwrightError('aborted', cancelledWords);
	}

	async remove(): Promise<void> {
		this.training = undefined;
		await this.trainings.remove(this.jobId);
	}

	/** The job has failed: forgotten, unless another worker may go on with it. */
	async giveUp(error: unknown, signal: AbortSignal): Promise<void> {
		if (signal.aborted || isAborted(error) || !survivable.has(toPlainError(error).code))
			await this.remove().catch(() => undefined);
	}
}
