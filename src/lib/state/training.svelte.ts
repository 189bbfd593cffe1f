/**
 * State: trainings of this tab. They go on while a person looks at other screens; only Cancel (or closing the tab) ends one.
 *
 * In: requests from the training screen. Out: progress, result or error per machine. The network is trained in the training
 * worker; nothing here blocks the page.
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
	type TrainingRequest
} from '$lib/contracts';
import { session } from './session.svelte';

export interface TrainingRun {
	readonly jobId: string;
	readonly request: TrainingRequest;
	readonly startedAt: EpochMs;
	readonly state: 'running' | 'cancelling' | 'done' | 'cancelled' | 'failed';
	readonly progress?: TrainingProgress;
	readonly version?: ModelVersion;
	readonly problem?: PlainError;
}

class TrainingRuns {
	/** The last run of each machine. */
	runs = $state.raw<ReadonlyMap<MachineId, TrainingRun>>(new Map());

	readonly active = $derived([...this.runs.values()].find(isActive));

	of(machineId: MachineId): TrainingRun | undefined {
		return this.runs.get(machineId);
	}

	/** Looks for a span of normal running. Rejects with MillwrightError. */
	async propose(machineId: MachineId): Promise<TrainingProposal> {
		return session.training.propose(machineId);
	}

	/** Starts a training; while another one runs, does nothing and returns false. */
	start(request: TrainingRequest): boolean {
		const training = session.training;
		if (this.active) return false;
		const jobId = crypto.randomUUID();
		this.#put({ jobId, request, startedAt: Date.now(), state: 'running' });
		void training
			.train(jobId, request, (progress) => this.#change(request.machineId, jobId, { progress }))
			.then(
				(version) => {
					this.#change(request.machineId, jobId, { state: 'done', version });
					void session.inference.reloadModel(request.machineId).catch(() => undefined);
				},
				(error: unknown) =>
					this.#change(
						request.machineId,
						jobId,
						isAborted(error) ? { state: 'cancelled' } : { state: 'failed', problem: toPlainError(error) }
					)
			);
		return true;
	}

	async cancel(machineId: MachineId): Promise<void> {
		const run = this.runs.get(machineId);
		if (run?.state !== 'running') return;
		this.#change(machineId, run.jobId, { state: 'cancelling' });
		await session.training.cancel(run.jobId).catch(() => undefined);
	}

	/** Forgets a finished run, so that the form shows again. */
	forget(machineId: MachineId): void {
		const run = this.runs.get(machineId);
		if (!run || isActive(run)) return;
		const runs = new Map(this.runs);
		runs.delete(machineId);
		this.runs = runs;
	}

	#put(run: TrainingRun): void {
		this.runs = new Map(this.runs).set(run.request.machineId, run);
	}

	#change(machineId: MachineId, jobId: string, change: Partial<TrainingRun>): void {
		const run = this.runs.get(machineId);
		if (run?.jobId === jobId) this.#put({ ...run, ...change });
	}
}

function isActive(run: TrainingRun): boolean {
	return run.state === 'running' || run.state === 'cancelling';
}

export const trainingRuns = new TrainingRuns();
