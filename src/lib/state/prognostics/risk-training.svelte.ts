/**
 * State: a failure classifier being trained, from files or from what the plant itself recorded. One at a time in this tab; it goes on while other
 * screens are looked at, and after a reload or a crash from the trees that were grown by then.
 *
 * In: a source and a person's choices. Out: stage, progress, the stored version.
 */
import {
	defaultRiskCosts,
	fewestFailures,
	type FailureModelVersion,
	type KeptRiskRequest,
	type MachineId,
	type RiskCosts,
	type RiskSource,
	type RiskTrainingProgress,
	type RiskTrainingRequest
} from '$lib/contracts';
import { formatCount } from '$lib/words';
import { session } from '../app/session.svelte';
import { ModelTraining } from './model-training.svelte';
import { RiskFiles } from './risk-files.svelte';

export interface RiskChoices {
	readonly title: string;
	readonly costs: RiskCosts;
	/** Also products and differences of inputs; rows only. */
	readonly pairs: boolean;
	readonly lstm: boolean;
	readonly seed: number;
}

const startChoices: RiskChoices = { title: '', costs: defaultRiskCosts, pairs: true, lstm: false, seed: 1 };

export class RiskTraining extends ModelTraining<
	'failure-classifier',
	KeptRiskRequest,
	RiskTrainingRequest,
	RiskTrainingProgress,
	FailureModelVersion
> {
	readonly files = new RiskFiles(true);
	choices = $state.raw<RiskChoices>(startChoices);
	/** What is trained from the plant itself: these machines. */
	readonly plant = $derived(this.training?.plant);
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

	constructor() {
		super('failure-classifier');
	}

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
		this.choices = { ...this.choices, title };
		return this.#train(
			{ kind: 'plant', machineIds: [...machineIds] },
			`${formatCount(failures, 'failure')} recorded here, of ${formatCount(machineIds.length, 'machine')}`
		);
	}

	async #train(source: RiskSource, description: string): Promise<void> {
		if (this.busy) return;
		const { title, costs, lstm, seed } = $state.snapshot(this.choices) as RiskChoices;
		const request = { title: title.trim() || 'Failures', description, costs, seed, lstm };
		const plant = source.kind === 'plant' ? { plant: source.machineIds } : {};
		await this.start({ ...request, ...plant }, { ...request, source });
	}

	protected override run(
		jobId: string,
		given: RiskTrainingRequest | undefined,
		onProgress: (progress: RiskTrainingProgress) => void
	): Promise<FailureModelVersion> {
		return session.training.trainRisk(jobId, given, onProgress);
	}

	protected override pieceOf({ phase, target }: RiskTrainingProgress): string {
		return `${phase} ${target}`;
	}

	async choose(files: readonly File[]): Promise<void> {
		if (this.busy) return;
		this.forget();
		await this.files.choose(files);
		const name = files[0]?.name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, '') ?? '';
		this.choices = { ...startChoices, title: files.length === 1 ? name : 'Failures of the fleet' };
	}

	remap(): void {
		if (this.busy) return;
		this.forget();
		this.files.remap();
	}

	override reset(): void {
		if (this.busy) return;
		this.forget();
		this.files.reset();
		this.choices = startChoices;
	}
}

export const riskTraining = new RiskTraining();
