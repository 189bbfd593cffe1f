/**
 * Training worker: what is kept of a remaining-life job until it ends, so that another worker can go on with it. In: the request with its
 * histories, networks as they are learnt. Out: the same again after a reload or a crash.
 */
import {
	MillwrightError,
	type EpochMs,
	type RulTrainingRequest,
	type UnfinishedRulTraining,
	type UnitHistories
} from '../../contracts';
import type { FitCheckpoint } from '../../neural';
import type { TrainingStore } from '../../storage/store';
import type { CheckpointPlace } from '../../training';

/** Name under which the histories lie among the checkpoints. */
const historiesName = 'histories';
/** A job taken up so often without finishing another epoch is given up: it may be what crashes this device. */
const mostAttempts = 5;

export class KeptRulJob {
	/** What was learnt could not be stored: a reload would lose this job. */
	lost = false;
	private training: UnfinishedRulTraining | undefined;
	private member = 0;
	private began = 0;
	private spentBefore = 0;

	constructor(
		private readonly jobId: string,
		private readonly trainings: TrainingStore
	) {}

	readonly checkpoints: CheckpointPlace = {
		load: async (fit) => (this.lost ? undefined : this.trainings.checkpoint<FitCheckpoint>(this.jobId, fit)),
		save: async (fit, checkpoint) => {
			if (!this.lost) await this.trainings.saveCheckpoint(this.jobId, fit, checkpoint);
		},
		onProblem: () => (this.lost = true)
	};

	/**
	 * Stores a new job, or reads one that was left.
	 * @throws MillwrightError `not-found` when nothing is stored of it, `internal` when it only ever crashed
	 */
	async takeUp(given: RulTrainingRequest | undefined): Promise<{
		readonly request: RulTrainingRequest;
		readonly startedAt: EpochMs;
		readonly spentSeconds: number;
	}> {
		const { jobId, trainings } = this;
		if (given) {
			const { histories, ...request } = given;
			const startedAt = Date.now();
			this.training = { jobId, kind: 'remaining-life', request, startedAt, attempts: 0, spentSeconds: 0 };
			try {
				await trainings.put(this.training);
				await trainings.saveCheckpoint(jobId, historiesName, histories);
			} catch (error) {
				if (!(error instanceof MillwrightError) || error.code !== 'storage-quota') throw error;
				this.lost = true;
				await trainings.remove(jobId);
			}
			return { request: given, startedAt, spentSeconds: 0 };
		}
		const training = await trainings.findLives(jobId);
		const histories = await trainings.checkpoint<UnitHistories>(jobId, historiesName);
		if (!training || !histories)
			throw new MillwrightError('not-found', 'Nothing is stored of this training any more', { jobId });
		const attempts = training.attempts + 1;
		if (attempts > mostAttempts)
			throw new MillwrightError(
				'internal',
				`This training ended ${mostAttempts} times without finishing another epoch; it is not taken up again`
			);
		this.training = { ...training, attempts };
		this.spentBefore = training.spentSeconds;
		await trainings.put(this.training);
		return {
			request: { ...training.request, histories },
			startedAt: training.startedAt,
			spentSeconds: training.spentSeconds
		};
	}

	/** The final ensemble is at this network: what was spent so far is noted with each new one. */
	noteMember(member: number): void {
		if (member === this.member || !this.training || this.lost) return;
		if (this.member === 0) this.began = performance.now();
		const first = this.member === 0;
		this.member = member;
		if (first) return;
		const spentSeconds = this.spentBefore + (performance.now() - this.began) / 1000;
		const training = (this.training = { ...this.training, attempts: 0, spentSeconds });
		void this.trainings
			.findLives(this.jobId)
			.then((there) => (there && this.training === training ? this.trainings.put(training) : undefined))
			.catch(() => undefined);
	}

	async remove(): Promise<void> {
		this.training = undefined;
		await this.trainings.remove(this.jobId);
	}
}
