/**
 * State: a remaining-life model asked about a file of units that still run. In: a model, a file, which column is what. Out: phase,
 * preview, and the remaining life of each unit. Reading is the import worker's, estimating the training worker's; nothing is stored.
 */
import {
	isAborted,
	sensorsReadBy,
	toPlainError,
	type LifeMapping,
	type LifePreview,
	type PlainError,
	type RulModelVersion,
	type UnitEstimate,
	type UnitHistories
} from '$lib/contracts';
import { openImport, type FileReading } from '$lib/workers/import.client';
import type { RulShelf } from './rul-shelf.svelte';
import { session } from '../app/session.svelte';

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

	#import: FileReading | undefined;

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
		const reading = (this.#import = openImport(file));
		try {
			const preview = await reading.previewLives();
			if (this.#import !== reading) return;
			this.preview = preview;
			this.columns = proposeColumns(preview, version);
			this.phase = 'mapping';
		} catch (error) {
			if (this.#import === reading) this.#fail(error, 'choosing');
		}
	}

	/** Reads the file and asks the model, which is stored first if it came with the app. */
	async ask(version: RulModelVersion, shelf: Pick<RulShelf, 'adopt'>): Promise<void> {
		const { file, preview, columns } = this;
		if (!file || !preview || !columns || this.errorsFor(version).length > 0) return;
		const reading = (this.#import ??= openImport(file));
		this.phase = 'reading';
		this.problem = undefined;
		this.fraction = 0;
		try {
			const { histories, summary } = await reading.readLives(
				mappingOf(preview, columns, version),
				(fraction) => (this.fraction = fraction)
			);
			if (this.#import !== reading) return;
			this.phase = 'asking';
			this.notes = summary.faults.map(({ what, count, example }) => `${count} × ${what} (${example})`);
			await shelf.adopt(version);
			const { capSteps } = version.spec;
			this.horizons = [
				...new Set([0.05, 0.1, 0.25, 0.5, 0.75].map((share) => Math.max(1, Math.round(share * capSteps))))
			];
			const named = withModelNames(histories, columns);
			const estimates = await session.training.estimateRul(version.id, named, this.horizons);
			if (this.#import !== reading) return;
			this.#end();
			this.estimates = estimates;
			this.phase = 'done';
		} catch (error) {
			if (this.#import === reading) this.#fail(error, 'mapping');
		}
	}

	/** Back to the columns; from there to another file. */
	remap(): void {
		this.#end();
		this.problem = undefined;
		this.phase = this.preview ? 'mapping' : 'choosing';
	}

	reset(): void {
		this.#end();
		this.phase = 'choosing';
		this.file = undefined;
		this.preview = undefined;
		this.columns = undefined;
		this.estimates = [];
		this.notes = [];
		this.problem = undefined;
	}

	#fail(error: unknown, phase: QuestionPhase): void {
		this.#end();
		if (!isAborted(error)) this.problem = toPlainError(error);
		this.phase = phase;
	}

	#end(): void {
		this.#import?.end();
		this.#import = undefined;
	}
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
