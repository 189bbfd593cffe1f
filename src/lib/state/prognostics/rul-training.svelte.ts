/**
 * State: a remaining-life model on its way from a file to a backtest: chosen, mapped, read, trained. One at a time in this tab; it goes
 * on while other screens are looked at. A training that has begun is taken up again after a reload or a crash, by one tab, from the
 * networks that were learnt by then.
 *
 * In: a file and a person's choices. Out: phase, preview, what was read, progress, the stored version. Reading is the import worker's,
 * training the training worker's.
 */
import {
	fewestFailedUnits,
	isAborted,
	toPlainError,
	type RulTrainingRequest,
	type LifeMapping,
	type LifePreview,
	type LifeReading,
	type PlainError,
	type RulModelVersion,
	type RulPlanChange,
	type RulTrainingProgress
} from '$lib/contracts';
import { formatCount } from '$lib/words';
import { openImport, type FileReading } from '$lib/workers/import.client';
import { alone, trainingLock } from '../app/alone';
import { session, type Store } from '../app/session.svelte';
import { cancelTraining } from '../app/cancel-training';
import { runToEnd, takeUpKept } from './kept-training';

export type RulPhase =
	'choosing' | 'reading-preview' | 'mapping' | 'reading' | 'ready' | 'training' | 'cancelling' | 'done';

export interface RulChoices {
	readonly title: string;
	/** `quick`: three networks and few steps, for a first look. */
	readonly effort: 'quick' | 'full';
	readonly searchMinutes: number;
	/** Longest remaining life that is told apart, steps. */
	readonly capSteps: number;
	readonly seed: number;
}

/** Units from which a search can keep some back to judge its choice. */
export const fewestForSearch = 13;

const effortPlan: Record<RulChoices['effort'], RulPlanChange> = {
	quick: { folds: 3, repeats: 1, updates: 300 },
	full: {}
};

export class RulTraining {
	phase = $state<RulPhase>('choosing');
	file = $state.raw<File | undefined>();
	preview = $state.raw<LifePreview | undefined>();
	mapping = $state.raw<LifeMapping | undefined>();
	reading = $state.raw<LifeReading | undefined>();
	readFraction = $state(0);
	choices = $state.raw<RulChoices>({ title: '', effort: 'full', searchMinutes: 0, capSteps: 125, seed: 1 });
	progress = $state.raw<RulTrainingProgress | undefined>();
	version = $state.raw<RulModelVersion | undefined>();
	problem = $state.raw<PlainError | undefined>();
	cancelled = $state(false);
	/** What is being trained, or was, from the first step of the training on. */
	training = $state.raw<Omit<RulTrainingRequest, 'histories'> | undefined>();
	/** Why the training had to be taken up again, the last time that it was. */
	interruption = $state<'reload' | 'crash' | undefined>();

	readonly errors = $derived(this.mapping ? lifeMappingErrors(this.mapping) : []);
	/** Why what was read cannot be trained on; undefined: it can. */
	readonly refusal = $derived.by(() => {
		const failed = this.reading?.summary.failedUnits;
		if (failed === undefined || failed >= fewestFailedUnits) return undefined;
		return failed === 0
			? 'No unit failed in this file, so there is no remaining life to learn from.'
			: `Remaining life is learnt from at least ${fewestFailedUnits} units that ran to failure; this file has ${failed}.`;
	});
	readonly busy = $derived(this.phase === 'training' || this.phase === 'cancelling');

	#import: FileReading | undefined;
	#jobId = '';

	async choose(file: File): Promise<void> {
		this.reset();
		this.file = file;
		this.phase = 'reading-preview';
		const reading = (this.#import = openImport(file));
		try {
			const preview = await reading.previewLives();
			if (this.#import !== reading) return;
			this.preview = preview;
			this.mapping = preview.proposed;
			this.phase = 'mapping';
		} catch (error) {
			if (this.#import === reading) this.#fail(error, 'choosing');
		}
	}

	/** Reads the whole file by the mapping. */
	async read(): Promise<void> {
		if (!this.file || !this.mapping || this.errors.length > 0) return;
		const reading = (this.#import ??= openImport(this.file));
		this.phase = 'reading';
		this.problem = undefined;
		this.readFraction = 0;
		try {
			const found = await reading.readLives(this.mapping, (fraction) => (this.readFraction = fraction));
			if (this.#import !== reading) return;
			this.#end();
			this.reading = found;
			const middle = found.summary.steps[1];
			this.choices = {
				...this.choices,
				title: this.file.name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, ''),
				// The longest that can be told apart lies about where wear begins to show: 125 of the 200 cycles of C-MAPSS.
				capSteps: Math.max(10, Math.round((middle * 0.625) / 5) * 5)
			};
			this.phase = 'ready';
		} catch (error) {
			if (this.#import === reading) this.#fail(error, 'mapping');
		}
	}

	async train(): Promise<void> {
		if (!this.reading || this.refusal || this.phase !== 'ready') return;
		const { histories, summary } = this.reading;
		const { title, effort, searchMinutes, capSteps, seed } = $state.snapshot(this.choices) as RulChoices;
		const request = {
			title: title.trim() || 'Remaining life',
			description: `${this.file?.name ?? 'a file'}: ${summary.failedUnits} units that ran to failure, ${formatCount(summary.rows, 'row')}`,
			...(summary.stepHours !== undefined && { stepHours: summary.stepHours }),
			seed,
			plan: { ...effortPlan[effort], network: { capSteps } },
			...(searchMinutes > 0 && { searchMinutes })
		};
		const jobId = crypto.randomUUID();
		this.#begin(jobId, request);
		await alone(trainingLock(jobId), undefined, () => this.#drive(jobId, { ...request, histories }));
	}

	/** Takes up what was left unfinished in this workspace; returns how to stop looking, when the workspace is left. */
	follow(store: Store): () => void {
		const stop = takeUpKept(store, 'remaining-life', async ({ jobId, request }) => {
			// What a person does here is not taken from them.
			if (this.busy) return;
			this.reset();
			this.#begin(jobId, request);
			this.interruption = 'reload';
			await this.#drive(jobId, undefined);
		});
		return () => {
			stop();
			this.#jobId = '';
			this.phase = 'choosing';
			this.reset();
		};
	}

	#begin(jobId: string, request: Omit<RulTrainingRequest, 'histories'>): void {
		this.#jobId = jobId;
		this.training = request;
		this.phase = 'training';
		this.problem = undefined;
		this.cancelled = false;
		this.interruption = undefined;
		this.progress = undefined;
	}

	/** `given` undefined: as it is stored. */
	async #drive(jobId: string, given: RulTrainingRequest | undefined): Promise<void> {
		const end = await runToEnd(
			{
				jobId,
				kind: 'remaining-life',
				run: async (resume, onProgress) =>
					(await session.training.trainRul(jobId, resume ? undefined : given, onProgress)).version,
				stageOf: ({ trials, member }: RulTrainingProgress) => `${trials}/${member}`,
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
		this.phase = this.reading ? 'ready' : 'choosing';
	}

	#endCancelled(): void {
		this.#jobId = '';
		this.cancelled = true;
		this.phase = this.reading ? 'ready' : 'choosing';
	}

	async cancel(): Promise<void> {
		if (this.phase === 'reading-preview') return this.reset();
		if (this.phase === 'reading') {
			this.#end();
			this.phase = 'mapping';
		}
		if (this.phase !== 'training') return;
		const jobId = this.#jobId;
		this.phase = 'cancelling';
		const outcome = await cancelTraining(jobId, this.progress?.phase);
		// It may have ended otherwise meanwhile.
		if (this.#jobId !== jobId || this.phase !== 'cancelling') return;
		if (outcome === 'saving') this.phase = 'training';
		else this.#endCancelled();
	}

	/** Back to what the columns mean, keeping the file. */
	remap(): void {
		if (this.busy) return;
		this.reading = undefined;
		this.problem = undefined;
		this.phase = 'mapping';
	}

	reset(): void {
		if (this.busy) return;
		this.#end();
		this.phase = 'choosing';
		this.file = undefined;
		this.preview = undefined;
		this.mapping = undefined;
		this.reading = undefined;
		this.progress = undefined;
		this.version = undefined;
		this.training = undefined;
		this.interruption = undefined;
		this.problem = undefined;
		this.cancelled = false;
	}

	#fail(error: unknown, phase: RulPhase): void {
		this.#end();
		if (!isAborted(error)) this.problem = toPlainError(error);
		this.phase = phase;
	}

	#end(): void {
		this.#import?.end();
		this.#import = undefined;
	}
}

/** What stands in the way of reading, in words. */
export function lifeMappingErrors(mapping: LifeMapping): string[] {
	const { unitColumn, orderColumn, sensors, settings, end } = mapping;
	const errors: string[] = [];
	if (unitColumn === '') errors.push('Choose the column that names the unit.');
	if (sensors.length === 0) errors.push('Choose at least one sensor.');
	if (unitColumn !== '' && unitColumn === orderColumn) errors.push('The unit and the order cannot be the same column.');
	if (end.kind !== 'last-row' && end.column === '') errors.push('Choose the column that says when a unit failed.');
	const taken = end.kind === 'last-row' ? '' : end.column;
	if (taken !== '' && [...sensors, ...settings, unitColumn, orderColumn].includes(taken))
		errors.push(`"${taken}" says when a unit failed: it cannot be anything else.`);
	return errors;
}

export type ColumnRole = 'none' | 'unit' | 'order' | 'setting' | 'sensor' | 'end';

export function roleOf(mapping: LifeMapping, column: string): ColumnRole {
	if (mapping.unitColumn === column) return 'unit';
	if (mapping.orderColumn === column) return 'order';
	if (mapping.end.kind !== 'last-row' && mapping.end.column === column) return 'end';
	if (mapping.settings.includes(column)) return 'setting';
	return mapping.sensors.includes(column) ? 'sensor' : 'none';
}

/** Gives a column one meaning and takes every other from it; sensors and settings stay in the file's order. */
export function withRole(
	mapping: LifeMapping,
	columns: readonly string[],
	column: string,
	role: 'none' | 'setting' | 'sensor' | 'unit' | 'order'
): LifeMapping {
	const others = (chosen: readonly string[]) => chosen.filter((name) => name !== column);
	const inOrder = (chosen: readonly string[]) => columns.filter((name) => chosen.includes(name));
	return {
		...mapping,
		unitColumn: role === 'unit' ? column : mapping.unitColumn === column ? '' : mapping.unitColumn,
		orderColumn: role === 'order' ? column : mapping.orderColumn === column ? '' : mapping.orderColumn,
		settings: role === 'setting' ? inOrder([...others(mapping.settings), column]) : others(mapping.settings),
		sensors: role === 'sensor' ? inOrder([...others(mapping.sensors), column]) : others(mapping.sensors)
	};
}

export const rulTraining = new RulTraining();
