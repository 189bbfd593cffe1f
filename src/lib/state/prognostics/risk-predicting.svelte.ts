/**
 * State: a stored failure classifier asked about a file. In: the model, files, which column names a row. Out: predictions, likeliest first, and the
 * same as a CSV file. Nothing of it is stored.
 */
import {
	isAborted,
	toPlainError,
	type FailureModelVersion,
	type PlainError,
	type RiskMapping,
	type RiskPrediction
} from '$lib/contracts';
import { RiskFiles } from './risk-files.svelte';
import { predictionsCsv } from './risk-words';
import { saveFile } from '../app/save-file';
import { session } from '../app/session.svelte';

export class RiskPredicting {
	readonly files = new RiskFiles(false);
	predictions = $state.raw<readonly RiskPrediction[]>([]);
	asking = $state(false);
	problem = $state.raw<PlainError | undefined>();

	async choose(version: FailureModelVersion, files: readonly File[]): Promise<void> {
		this.reset();
		const { features } = version;
		if (features.kind === 'days' && files.length === 1) {
			this.problem = {
				code: 'invalid-input',
				message: 'This model reads machine-days: choose the telemetry and the logs of errors and replacements together.'
			};
			return;
		}
		if (features.kind === 'rows' && files.length > 1) {
			this.problem = { code: 'invalid-input', message: 'This model reads a table of rows: choose one file.' };
			return;
		}
		await this.files.choose(files);
		if (features.kind !== 'rows' || !this.files.mapping) return;
		const columns = this.files.preview!.columns;
		const wanted = features.inputs.map(({ name }) => name);
		const lacking = wanted.filter((name) => !columns.includes(name));
		if (lacking.length > 0) {
			this.files.reset();
			this.problem = {
				code: 'invalid-input',
				message: `${files[0]!.name} lacks columns that the model reads: ${lacking.join(', ')}. It has ${columns.join(', ')}.`
			};
			return;
		}
		const { delimiter, idColumn } = this.files.mapping;
		this.files.mapping = {
			delimiter,
			idColumn: wanted.includes(idColumn) ? '' : idColumn,
			unitColumn: '',
			orderColumn: '',
			inputs: wanted,
			label: '',
			modes: []
		} satisfies RiskMapping;
	}

	async predict(versionId: string): Promise<void> {
		this.problem = undefined;
		await this.files.read();
		const { table, days } = this.files;
		if (!table && !days) return;
		this.asking = true;
		try {
			const predictions = await session.training.predictRisk(
				versionId,
				table ? { table: table.table } : { fleet: days!.fleet }
			);
			const last = predictions[0]?.probabilities.length ?? 1;
			this.predictions = [...predictions].sort((a, b) => b.probabilities[last - 1]! - a.probabilities[last - 1]!);
		} catch (error) {
			if (!isAborted(error)) this.problem = toPlainError(error);
			this.files.remap();
		}
		this.asking = false;
	}

	save(version: FailureModelVersion): void {
		const text = predictionsCsv(version, this.predictions);
		saveFile(
			new Blob(['\uFEFF', text], { type: 'text/csv' }),
			`${this.files.name.replace(/\.[^.]*$/, '')}-predicted.csv`
		);
	}

	reset(): void {
		this.files.reset();
		this.predictions = [];
		this.problem = undefined;
	}
}
