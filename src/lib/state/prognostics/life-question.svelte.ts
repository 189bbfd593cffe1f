/**
 * State: a remaining-life model asked about a file of units that still run. In: a model, a file, which column is what. Out: phase,
 * preview, and the remaining life of each unit. Reading is the import worker's, estimating the training worker's; nothing is stored.
 */
import {
	sensorsReadBy,
	type LifeMapping,
	type LifePreview,
	type PlainError,
	type RulModelVersion,
	type UnitEstimate,
	type UnitHistories
} from '$lib/contracts';
import type { RulShelf } from './rul-shelf.svelte';
import { session } from '../app/session.svelte';
import { FileTurn } from './file-turn';

export type QuestionPhase = 'choosing' | 'reading-preview' | 'mapping' | 'reading' | 'asking' | 'done';

export interface QuestionColumns {
	readonly unit: string;
	/** Empty: rows are in order as they stand. */
	readonly order: string;
	/** Column of each sensor and setting of the model, by the model's name; empty: none. */
	readonly of: Readonly<Record<string, string>>;
}

export class LifeQuestion {
	phase = $state<QuestionPhase>('choosing');
	file = $state.raw<File | undefined>();
	preview = $state.raw<LifePreview | undefined>();
	columns = $state.raw<QuestionColumns | undefined>();
	fraction = $state(0);
	estimates = $state.raw<readonly UnitEstimate[]>([]);
	/** Steps within which a failure's probability is given. */
	horizons = $state.raw<readonly number[]>([]);
	/** What of the file could not be used, in words. */
	notes = $state.raw<readonly string[]>([]);
	problem = $state.raw<PlainError | undefined>();

	#turn = new FileTurn();

	/** What stands in the way of asking, in words. */
	errorsFor(version: RulModelVersion): string[] {
		const { columns } = this;
		if (!columns) return [];
		const lacking = sensorsReadBy(version).filter((name) => !columns.of[name]);
		const used = [columns.unit, columns.order, ...Object.values(columns.of)].filter(Boolean);
		const twice = used.find((name, k) => used.indexOf(name) !== k);
		return [
			...(columns.unit === '' ? ['Choose the column that names the unit.'] : []),
			...(lacking.length > 0 ? [`The model reads ${lacking.join(', ')}: choose the columns.`] : []),
			...(twice !== undefined ? [`"${twice}" is chosen twice: a column has one meaning.`] : [])
		];
	}

	async choose(file: File, version: RulModelVersion): Promise<void> {
		this.reset();
		this.file = file;
		this.phase = 'reading-preview';
		const preview = await this.#turn.take(
			file,
			(reading) => reading.previewLives(),
			(problem) => this.#fail(problem, 'choosing')
		);
		if (!preview) return;
		this.preview = preview;
		this.columns = proposeColumns(preview, version);
		this.phase = 'mapping';
	}

	/** Reads the file and asks the model, which is stored first if it came with the app. */
	async ask(version: RulModelVersion, shelf: Pick<RulShelf, 'adopt'>): Promise<void> {
		const { file, preview, columns } = this;
		if (!file || !preview || !columns || this.errorsFor(version).length > 0) return;
		this.phase = 'reading';
		this.problem = undefined;
		this.fraction = 0;
		const answer = await this.#turn.take(
			file,
			async (reading, isCurrent) => {
				const { histories, summary } = await reading.readLives(
					mappingOf(preview, columns, version),
					(fraction) => (this.fraction = fraction)
				);
				if (isCurrent()) this.phase = 'asking';
				await shelf.adopt(version);
				const horizons = horizonsOf(version);
				const named = withModelNames(histories, columns);
				return { horizons, summary, estimates: await session.training.estimateRul(version.id, named, horizons) };
			},
			(problem) => this.#fail(problem, 'mapping')
		);
		if (!answer) return;
		this.notes = answer.summary.faults.map(({ what, count, example }) => `${count} × ${what} (${example})`);
		this.horizons = answer.horizons;
		this.estimates = answer.estimates;
		this.phase = 'done';
	}

	/** Back to the columns; from there to another file. */
	remap(): void {
		this.#turn.end();
		this.problem = undefined;
		this.phase = this.preview ? 'mapping' : 'choosing';
	}

	reset(): void {
		this.#turn.end();
		this.phase = 'choosing';
		this.file = undefined;
		this.preview = undefined;
		this.columns = undefined;
		this.estimates = [];
		this.notes = [];
		this.problem = undefined;
	}

	#fail(problem: PlainError | undefined, phase: QuestionPhase): void {
		this.problem = problem;
		this.phase = phase;
	}
}

/** Shares of the longest remaining life that the model tells apart, steps. */
function horizonsOf({ spec }: RulModelVersion): number[] {
	const steps = [0.05, 0.1, 0.25, 0.5, 0.75].map((share) => Math.max(1, Math.round(share * spec.capSteps)));
	return [...new Set(steps)];
}

/** Columns that are named as the model's are. */
export function proposeColumns({ columns, proposed }: LifePreview, version: RulModelVersion): QuestionColumns {
	const plain = (name: string) => name.toLowerCase().replace(/[\s_-]+/g, '');
	const byName = new Map(columns.map((column) => [plain(column), column]));
	const names = [...version.sensorNames, ...version.settingNames];
	return {
		unit: proposed.unitColumn,
		order: proposed.orderColumn,
		of: Object.fromEntries(names.map((name) => [name, byName.get(plain(name)) ?? '']))
	};
}

function mappingOf({ proposed }: LifePreview, columns: QuestionColumns, version: RulModelVersion): LifeMapping {
	const chosen = (names: readonly string[]) => names.flatMap((name) => columns.of[name] || []);
	return {
		delimiter: proposed.delimiter,
		unitColumn: columns.unit,
		orderColumn: columns.order,
		sensors: chosen(version.sensorNames),
		settings: chosen(version.settingNames),
		stepName: version.stepName,
		end: { kind: 'last-row' },
		stillRunning: { rowsPerStep: version.rowsPerStep ?? 1 }
	};
}

function withModelNames(histories: UnitHistories, columns: QuestionColumns): UnitHistories {
	const modelName = new Map(Object.entries(columns.of).map(([name, column]) => [column, name]));
	const renamed = (names: readonly string[]) => names.map((name) => modelName.get(name) ?? name);
	return {
		...histories,
		sensorNames: renamed(histories.sensorNames),
		settingNames: renamed(histories.settingNames)
	};
}

/** The table as a file. */
export function estimatesAsCsv(
	estimates: readonly UnitEstimate[],
	horizons: readonly number[],
	stepName: string
): string {
	const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
	const steps = `${stepName}s`;
	const head = ['unit', `${steps}_known`, `remaining_${steps}`, 'low_90', 'high_90', 'or_more'];
	const rows = estimates.map(({ unitId, steps, estimate, within }) =>
		[
			cell(unitId),
			steps,
			...(estimate
				? [estimate.median.toFixed(2), estimate.low.toFixed(2), estimate.high.toFixed(2), estimate.beyondCap ? 1 : 0]
				: ['', '', '', '']),
			...horizons.map((_, k) => within[k]?.toFixed(4) ?? '')
		].join()
	);
	return [[...head, ...horizons.map((span) => `p_within_${span}`)].join(), ...rows].join('\n') + '\n';
}
