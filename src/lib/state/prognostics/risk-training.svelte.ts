/**
 * State: a failure classifier being trained, from files or from what the plant itself recorded. One at a time in this tab; it goes on while other
 * screens are looked at, but not over a reload: what was read lives in this page alone.
 *
 * In: a source and a person's choices. Out: phase, progress, the stored version.
 */
import {
	defaultRiskCosts,
	fewestFailures,
	isAborted,
	toPlainError,
	type FailureModelVersion,
	type MachineId,
	type PlainError,
	type RiskCosts,
	type RiskSource,
	type RiskTrainingProgress
} from '$lib/contracts';
import { RiskFiles } from './risk-files.svelte';
import { session } from '../app/session.svelte';

export interface RiskChoices {
	readonly title: string;
	readonly costs: RiskCosts;
	/** Also products and differences of inputs; rows only. */
	readonly pairs: boolean;
	readonly lstm: boolean;
	readonly seed: number;
}

const startChoices: RiskChoices = { title: '', costs: defaultRiskCosts, pairs: true, lstm: false, seed: 1 };
/** A worker in the middle of one long computation does not hear a cancel: after this long it is ended. */
const cancelPatienceMs = 500;

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
				`${this.files.name}: ${table.table.ids.length} rows, ${this.failures} of them failed`
			);
		if (days)
			return this.#train(
				{ kind: 'days', fleet: days.fleet },
				`${this.files.name}: ${days.fleet.machines.length} machines, ${this.failures} failures`
			);
		return Promise.resolve();
	}

	trainPlant(machineIds: readonly MachineId[], failures: number, title: string): Promise<void> {
		this.plant = machineIds;
		this.choices = { ...this.choices, title };
		return this.#train(
			{ kind: 'plant', machineIds: [...machineIds] },
			`${failures} failures recorded here, of ${machineIds.length} machines`
		);
	}

	async #train(source: RiskSource, description: string): Promise<void> {
		if (this.busy) return;
		const { title, costs, lstm, seed } = $state.snapshot(this.choices) as RiskChoices;
		const jobId = (this.#jobId = crypto.randomUUID());
		this.phase = 'training';
		this.problem = undefined;
		this.cancelled = false;
		this.progress = undefined;
		this.version = undefined;
		try {
			const version = await session.training.trainRisk(
				jobId,
				{ title: title.trim() || 'Failures', description, source, costs, seed, lstm },
				(progress) => {
					if (this.#jobId === jobId) this.progress = progress;
				}
			);
			if (this.#jobId !== jobId) return;
			this.version = version;
			this.phase = 'done';
		} catch (error) {
			if (this.#jobId !== jobId) return;
			if (isAborted(error)) this.cancelled = true;
			else this.problem = toPlainError(error);
			this.phase = 'idle';
		}
	}

	async cancel(): Promise<void> {
		if (this.phase !== 'training') return;
		const jobId = this.#jobId;
		this.phase = 'cancelling';
		setTimeout(() => {
			if (this.phase === 'cancelling' && this.#jobId === jobId) void session.training.end();
		}, cancelPatienceMs);
		await session.training.cancel(jobId).catch(() => undefined);
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
	}
}

export const riskTraining = new RiskTraining();
