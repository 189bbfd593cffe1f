/**
 * State: a remaining-life model on its way from a file to a backtest: chosen, mapped, read, trained. One at a time in this tab; it goes
 * on while other screens are looked at, and after a reload or a crash from the networks that were learnt by then.
 *
 * In: a file and a person's choices. Out: phase, preview, what was read, progress, the stored version. Reading is the import worker's,
 * training the training worker's.
 */
import {
	fewestFailedUnits,
	type LifeMapping,
	type LifePreview,
	type LifeReading,
	type PlainError,
	type RulModelVersion,
	type RulPlanChange,
	type RulTrainingProgress,
	type RulTrainingRequest
} from '$lib/contracts';
import { formatCount } from '$lib/words';
import { session } from '../app/session.svelte';
import { FileTurn } from './file-turn';
import { ModelTraining } from './model-training.svelte';

/** How far a file of lives is. */
export type LifeFilePhase = 'choosing' | 'reading-preview' | 'mapping' | 'reading' | 'ready';

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

export class RulTraining extends ModelTraining<
	'remaining-life',
	Omit<RulTrainingRequest, 'histories'>,
	RulTrainingRequest,
	RulTrainingProgress,
	RulModelVersion
> {
	filePhase = $state<LifeFilePhase>('choosing');
	/** How far the file is, until a training begins; then how far that is. */
	readonly phase = $derived(this.stage === 'none' ? this.filePhase : this.stage);
	file = $state.raw<File | undefined>();
	preview = $state.raw<LifePreview | undefined>();
	mapping = $state.raw<LifeMapping | undefined>();
	reading = $state.raw<LifeReading | undefined>();
	readFraction = $state(0);
	choices = $state.raw<RulChoices>({ title: '', effort: 'full', searchMinutes: 0, capSteps: 125, seed: 1 });

	readonly errors = $derived(this.mapping ? lifeMappingErrors(this.mapping) : []);
	/** Why what was read cannot be trained on; undefined: it can. */
	readonly refusal = $derived.by(() => {
		const failed = this.reading?.summary.failedUnits;
		if (failed === undefined || failed >= fewestFailedUnits) return undefined;
		return failed === 0
			? 'No unit failed in this file, so there is no remaining life to learn from.'
			: `Remaining life is learnt from at least ${fewestFailedUnits} units that ran to failure; this file has ${failed}.`;
	});
	#turn = new FileTurn();

	constructor() {
		super('remaining-life');
	}

	async choose(file: File): Promise<void> {
		this.reset();
		this.file = file;
		this.filePhase = 'reading-preview';
		const preview = await this.#turn.take(
			file,
			(reading) => reading.previewLives(),
			(problem) => this.#fail(problem, 'choosing')
		);
		if (!preview) return;
		this.preview = preview;
		this.mapping = preview.proposed;
		this.filePhase = 'mapping';
	}

	/** Reads the whole file by the mapping. */
	async read(): Promise<void> {
		const { file, mapping } = this;
		if (!file || !mapping || this.errors.length > 0) return;
		this.filePhase = 'reading';
		this.problem = undefined;
		this.readFraction = 0;
		const found = await this.#turn.take(
			file,
			(reading) => reading.readLives(mapping, (fraction) => (this.readFraction = fraction)),
			(problem) => this.#fail(problem, 'mapping')
		);
		if (!found) return;
		this.reading = found;
		const middle = found.summary.steps[1];
		this.choices = {
			...this.choices,
			title: file.name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, ''),
			// The longest that can be told apart lies about where wear begins to show: 125 of the 200 cycles of C-MAPSS.
			capSteps: Math.max(10, Math.round((middle * 0.625) / 5) * 5)
		};
		this.filePhase = 'ready';
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
		await this.start(request, { ...request, histories });
	}

	protected override async run(
		jobId: string,
		given: RulTrainingRequest | undefined,
		onProgress: (progress: RulTrainingProgress) => void
	): Promise<RulModelVersion> {
		return (await session.training.trainRul(jobId, given, onProgress)).version;
	}

	protected override pieceOf({ trials, member }: RulTrainingProgress): string {
		return `${trials}/${member}`;
	}

	/** Of the reading or the training, whichever is at work. */
	override async cancel(): Promise<void> {
		if (this.phase === 'reading-preview') return this.reset();
		if (this.phase === 'reading') {
			this.#turn.end();
			this.filePhase = 'mapping';
		}
		await super.cancel();
	}

	/** Back to what the columns mean, keeping the file. */
	remap(): void {
		if (this.busy) return;
		this.forget();
		this.reading = undefined;
		this.filePhase = 'mapping';
	}

	override reset(): void {
		if (this.busy) return;
		this.#turn.end();
		this.forget();
		this.filePhase = 'choosing';
		this.file = undefined;
		this.preview = undefined;
		this.mapping = undefined;
		this.reading = undefined;
	}

	#fail(problem: PlainError | undefined, phase: LifeFilePhase): void {
		this.problem = problem;
		this.filePhase = phase;
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
