/**
 * State: a failure classifier being trained, from files or from what the plant itself recorded. One at a time in this tab; it goes on while other
 * screens are looked at. A training that has begun is taken up again after a reload or a crash, by one tab, from the trees that were grown by then.
 *
 * In: a source and a person's choices. Out: phase, progress, the stored version.
 */
import {
	defaultRiskCosts,
	fewestFailures,
	type FailureModelVersion,
	type KeptRiskRequest,
	type MachineId,
	type PlainError,
	type RiskCosts,
	type RiskSource,
	type RiskTrainingProgress,
	type RiskTrainingRequest
} from '$lib/contracts';
import { formatCount } from '$lib/words';
import { RiskFiles } from './risk-files.svelte';
import { alone, trainingLock } from '../app/alone';
import { session, type Store } from '../app/session.svelte';
import { cancelTraining } from '../app/cancel-training';
import { runToEnd, takeUpKept } from './kept-training';

export interface RiskChoices {
	readonly title: string;
	readonly costs: RiskCosts;
	/** Also products and differences of inputs; rows only. */
	readonly pairs: boolean;
	readonly lstm: boolean;
	readonly seed: number;
}

const startChoices: RiskChoices = { title: '', costs: defaultRiskCosts, pairs: true, lstm: false, seed: 1 };

export class RiskTraining {
	readonly files = new RiskFiles(true);
	phase = $state<'idle' | 'training' | 'cancelling' | 'done'>('idle');
	choices = $state.raw<RiskChoices>(startChoices);
	progress = $state.raw<RiskTrainingProgress | undefined>();
	version = $state.raw<FailureModelVersion | undefined>();
	problem = $state.raw<PlainError | undefined>();
	cancelled = $state(false);
	/** What is trained from the plant itself: these machines. */
	plant = $state.raw<readonly MachineId[] | undefined>();
	/** What is being trained, or was, from the first step of the training on. */
	training = $state.raw<KeptRiskRequest | undefined>();
	/** Why the training had to be taken up again, the last time that it was. */
	interruption = $state<'reload' | 'crash' | undefined>();

	readonly busy = $derived(this.phase === 'training' || this.phase === 'cancelling');
	/** Failures that were read: rows, or entries of the log. */
	readonly failures = $derived.by(() => {
		const { table, days } = this.files;
		if (table) return table.table.labels.reduce((sum, label) => sum + label, 0);
		return days?.fleet.machines.reduce((sum, machine) => sum + machine.days.failures.length, 0);
	});
	/** Why what was read cannot be trained on; undefined: it can. */
	readonly refusal = $derived(
		this.failures === undefined || this.failures >= fewestFailures
			? undefined
			: `A failure classifier is learnt from at least ${fewestFailures} failures; this ${this.files.table ? 'file has' : 'log has'} ${this.failures}.`
	);
	#jobId = '';

	trainFiles(): Promise<void> {
		const { table, days } = this.files;
		if (table)
			return this.#train(
				{ kind: 'rows', table: table.table, pairs: this.choices.pairs },
				`${this.files.name}: ${formatCount(table.table.ids.length, 'row')}, ${this.failures} of them failed`
			);
		if (days)
			return this.#train(
				{ kind: 'days', fleet: days.fleet },
				`${this.files.name}: ${formatCount(days.fleet.machines.length, 'machine')}, ${formatCount(this.failures!, 'failure')}`
			);
		return Promise.resolve();
	}

	trainPlant(machineIds: readonly MachineId[], failures: number, title: string): Promise<void> {
		this.plant = machineIds;
		this.choices = { ...this.choices, title };
		return this.#train(
			{ kind: 'plant', machineIds: [...machineIds] },
			`${formatCount(failures, 'failure')} recorded here, of ${formatCount(machineIds.length, 'machine')}`
		);
	}

	/** Takes up what was left unfinished in this workspace; returns how to stop looking, when the workspace is left. */
	follow(store: Store): () => void {
		const stop = takeUpKept(store, 'failure-classifier', async ({ jobId, request }) => {
			// What a person does here is not taken from them.
			if (this.busy) return;
			this.reset();
			this.plant = request.plant;
			this.#begin(jobId, request);
			this.interruption = 'reload';
			await this.#drive(jobId, undefined);
		});
		return () => {
			stop();
			this.#jobId = '';
			this.phase = 'idle';
			this.reset();
		};
	}

	async #train(source: RiskSource, description: string): Promise<void> {
		if (this.busy) return;
		const { title, costs, lstm, seed } = $state.snapshot(this.choices) as RiskChoices;
		const request = { title: title.trim() || 'Failures', description, costs, seed, lstm };
		const jobId = crypto.randomUUID();
		this.#begin(jobId, request);
		await alone(trainingLock(jobId), undefined, () => this.#drive(jobId, { ...request, source }));
	}

	#begin(jobId: string, request: KeptRiskRequest): void {
		this.#jobId = jobId;
		this.training = request;
		this.phase = 'training';
		this.problem = undefined;
		this.cancelled = false;
		this.interruption = undefined;
		this.progress = undefined;
		this.version = undefined;
	}

	/** `given` undefined: as it is stored. */
	async #drive(jobId: string, given: RiskTrainingRequest | undefined): Promise<void> {
		const end = await runToEnd(
			{
				jobId,
				kind: 'failure-classifier',
				run: (resume, onProgress) => session.training.trainRisk(jobId, resume ? undefined : given, onProgress),
				stageOf: ({ phase, target }: RiskTrainingProgress) => `${phase} ${target}`,
				isCurrent: () => this.#jobId === jobId,
				isRunning: () => this.phase === 'training',
				onProgress: (progress) => (this.progress = progress),
				onCrash: () => {
					this.interruption = 'crash';
					this.progress = undefined;
				}
			},
			given === undefined
		);
		if (end.kind === 'left') return;
		if (end.kind === 'done') {
			this.version = end.version;
			this.phase = 'done';
			return;
		}
		if (end.kind === 'cancelled') return this.#endCancelled();
		this.problem = end.problem;
		this.phase = 'idle';
	}

	#endCancelled(): void {
		this.#jobId = '';
		this.cancelled = true;
		this.phase = 'idle';
	}

	async cancel(): Promise<void> {
		if (this.phase !== 'training') return;
		const jobId = this.#jobId;
		this.phase = 'cancelling';
		const outcome = await cancelTraining(jobId, this.progress?.phase);
		// It may have ended otherwise meanwhile.
		if (this.#jobId !== jobId || this.phase !== 'cancelling') return;
		if (outcome === 'saving') this.phase = 'training';
		else this.#endCancelled();
	}

	async choose(files: readonly File[]): Promise<void> {
		if (this.busy) return;
		this.#forget();
		await this.files.choose(files);
		const name = files[0]?.name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, '') ?? '';
		this.choices = { ...startChoices, title: files.length === 1 ? name : 'Failures of the fleet' };
	}

	remap(): void {
		if (this.busy) return;
		this.#forget();
		this.files.remap();
	}

	reset(): void {
		if (this.busy) return;
		this.#forget();
		this.files.reset();
		this.choices = startChoices;
	}

	#forget(): void {
		this.phase = 'idle';
		this.progress = undefined;
		this.version = undefined;
		this.problem = undefined;
		this.cancelled = false;
		this.plant = undefined;
		this.training = undefined;
		this.interruption = undefined;
	}
}

export const riskTraining = new RiskTraining();
