/**
 * State: trainings of this tab. They go on while a person looks at other screens; only Cancel ends one for good. After a crash of
 * the worker, a reload or a closed tab they are taken up again from their last whole epoch, by one tab (Web Locks).
 *
 * In: requests from the training screen, unfinished trainings from storage. Out: progress, result or error per machine. The
 * network is trained in the training worker; nothing here blocks the page.
 */
import {
	isAborted,
	toPlainError,
	type EpochMs,
	type MachineId,
	type ModelVersion,
	type PlainError,
	type TrainingProgress,
	type TrainingProposal,
	type TrainingRequest,
	type UnfinishedTraining
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { alone, trainingLock } from '../app/alone';
import { cancelTraining, driveTraining, wasInterrupted } from '../app/cancel-training';
import { session } from '../app/session.svelte';

export interface TrainingRun {
	readonly jobId: string;
	readonly request: TrainingRequest;
	readonly startedAt: EpochMs;
	readonly state: 'running' | 'cancelling' | 'done' | 'cancelled' | 'failed';
	/** Why it had to be taken up again, the last time that it was. */
	readonly interruption?: 'reload' | 'crash';
	readonly progress?: TrainingProgress;
	readonly version?: ModelVersion;
	readonly problem?: PlainError;
}

/** Crashes without another epoch between them after which a training has failed. */
const mostCrashes = 4;

class TrainingRuns {
	/** The last run of each machine. */
	runs = $state.raw<ReadonlyMap<MachineId, TrainingRun>>(new Map());

	readonly active = $derived([...this.runs.values()].find(isActive));

	/** Jobs of this tab, one after the other. */
	#turn: Promise<void> = Promise.resolve();

	of(machineId: MachineId): TrainingRun | undefined {
		return this.runs.get(machineId);
	}

	/** Looks for a span of normal running. Rejects with MillwrightError. */
	async propose(machineId: MachineId): Promise<TrainingProposal> {
		try {
			return await session.training.propose(machineId);
		} catch (error) {
			// A cancel may have ended the worker meanwhile: the next one is asked.
			if (!isAborted(error) || !session.store) throw error;
			return session.training.propose(machineId);
		}
	}

	/** Starts a training; while another one runs, does nothing and returns false. */
	start(request: TrainingRequest): boolean {
		if (this.active) return false;
		const run: TrainingRun = { jobId: crypto.randomUUID(), request, startedAt: Date.now(), state: 'running' };
		this.#put(run);
		void alone(trainingLock(run.jobId), undefined, () => this.#inTurn(() => this.#drive(run)));
		return true;
	}

	/**
	 * Takes up what was left unfinished in this workspace. A training that another tab runs is waited for: should that tab be closed, it
	 * goes on here. Returns how to stop looking, when the workspace is left.
	 */
	follow(store: Store): () => void {
		const left = new AbortController();
		void store.trainings
			.unfinished()
			.then((trainings) => trainings.forEach((training) => void this.#takeUp(store, training, left.signal)))
			.catch(() => undefined);
		return () => {
			left.abort();
			this.runs = new Map();
		};
	}

	async cancel(machineId: MachineId): Promise<void> {
		const run = this.runs.get(machineId);
		if (run?.state !== 'running') return;
		this.#change(run, { state: 'cancelling' });
		const outcome = await cancelTraining(run.jobId, run.progress?.phase);
		// It may have ended otherwise meanwhile.
		if (this.#now(run)?.state !== 'cancelling') return;
		this.#change(run, { state: outcome === 'saving' ? 'running' : 'cancelled' });
	}

	/** Forgets a finished run, so that the form shows again. */
	forget(machineId: MachineId): void {
		const run = this.runs.get(machineId);
		if (!run || isActive(run)) return;
		const runs = new Map(this.runs);
		runs.delete(machineId);
		this.runs = runs;
	}

	async #takeUp(store: Store, training: UnfinishedTraining, left: AbortSignal): Promise<void> {
		await alone(trainingLock(training.jobId), left, async () => {
			if (left.aborted || !(await store.trainings.find(training.jobId))) return;
			const { jobId, request, startedAt } = training;
			await this.#inTurn(async () => {
				if (left.aborted) return;
				const run: TrainingRun = { jobId, request, startedAt, state: 'running', interruption: 'reload' };
				this.#put(run);
				await this.#drive(run);
			});
		});
	}

	#inTurn(work: () => Promise<void>): Promise<void> {
		return (this.#turn = this.#turn.then(work));
	}

	/** Runs a job to its end, in as many workers as it takes. Never rejects. */
	#drive(run: TrainingRun): Promise<void> {
		// Cancelled while another was still at work.
		if (this.#now(run)?.state !== 'running') return Promise.resolve();
		return driveTraining(run.jobId, () => this.#run(run));
	}

	async #run(run: TrainingRun): Promise<void> {
		const { jobId, request } = run;
		let epochs = 0;
		let crashes = 0;
		const onProgress = (progress: TrainingProgress) => {
			if (progress.lossCurve.length > epochs) crashes = 0;
			epochs = Math.max(epochs, progress.lossCurve.length);
			this.#change(run, { progress });
		};
		for (;;) {
			try {
				const version = await session.training.train(jobId, request, onProgress);
				this.#change(run, { state: 'done', version });
				void session.inference.reloadModel(request.machineId).catch(() => undefined);
				return;
			} catch (error) {
				const problem = toPlainError(error);
				const running = this.#now(run)?.state === 'running';
				const crashed = problem.code === 'worker-crashed' || problem.code === 'device-lost';
				if (running && (wasInterrupted(jobId) || (crashed && ++crashes <= mostCrashes))) {
					this.#change(run, { interruption: 'crash', progress: undefined });
					continue;
				}
				// A cancel says itself how it ended.
				if (!running) return;
				if (crashed) await session.store?.trainings.remove(jobId).catch(() => undefined);
				this.#change(run, isAborted(error) ? { state: 'cancelled' } : { state: 'failed', problem });
				return;
			}
		}
	}

	#now(run: TrainingRun): TrainingRun | undefined {
		const now = this.runs.get(run.request.machineId);
		return now?.jobId === run.jobId ? now : undefined;
	}

	#put(run: TrainingRun): void {
		this.runs = new Map(this.runs).set(run.request.machineId, run);
	}

	#change(run: TrainingRun, change: Partial<TrainingRun>): void {
		const now = this.#now(run);
		if (now) this.#put({ ...now, ...change });
	}
}

function isActive(run: TrainingRun): boolean {
	return run.state === 'running' || run.state === 'cancelling';
}

export const trainingRuns = new TrainingRuns();
