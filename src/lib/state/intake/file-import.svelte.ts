/**
 * State: one file on its way into storage: chosen, mapped, read, done.
 *
 * In: a file and how its columns are to be understood. Out: preview, draft mapping with its errors, progress, and a summary
 * with counts by reason. Reading and storing happen in a worker for this file alone; a file always goes into the plant's own
 * workspace, never into the demo's.
 */
import {
	fromPlainError,
	isAborted,
	splitSensorId,
	toPlainError,
	type FilePreview,
	type ImportProgress,
	type ImportSummary,
	type PlainError
} from '$lib/contracts';
import { draftFromPreview, mappingErrors, toColumnMapping, type MappingDraft } from './column-mapping';
import { openImport, type FileReading } from '$lib/workers/import.client';
import { session } from '../app/session.svelte';

export type ImportPhase =
	'choosing' | 'reading-preview' | 'mapping' | 'importing' | 'cancelling' | 'done' | 'cancelled';

export class FileImport {
	phase = $state<ImportPhase>('choosing');
	file = $state.raw<File | undefined>(undefined);
	preview = $state.raw<FilePreview | undefined>(undefined);
	draft = $state.raw<MappingDraft | undefined>(undefined);
	progress = $state.raw<ImportProgress | undefined>(undefined);
	summary = $state.raw<ImportSummary | undefined>(undefined);
	problem = $state.raw<PlainError | undefined>(undefined);
	machineId = $state<string | undefined>(undefined);

	readonly errors = $derived(this.draft ? mappingErrors(this.draft) : {});
	readonly ready = $derived(this.draft !== undefined && Object.keys(this.errors).length === 0);

	#reading: FileReading | undefined;

	async choose(file: File): Promise<void> {
		this.reset();
		this.file = file;
		this.phase = 'reading-preview';
		const reading = (this.#reading = openImport(file));
		try {
			const preview = await reading.preview();
			if (this.#reading !== reading) return;
			this.preview = preview;
			this.draft = draftFromPreview(preview);
			this.phase = 'mapping';
		} catch (error) {
			if (this.#reading !== reading) return;
			this.#end();
			this.problem = toPlainError(error);
			this.phase = 'choosing';
		}
	}

	async start(): Promise<void> {
		if (!this.file || !this.draft || !this.ready || this.phase !== 'mapping') return;
		const file = this.file;
		const mapping = toColumnMapping(this.draft);
		const reading = (this.#reading ??= openImport(file));
		this.machineId = mapping.machineId;
		this.phase = 'importing';
		this.problem = undefined;
		try {
			if (session.workspace !== 'plant' || session.phase !== 'running') await session.enter('plant');
			if (session.problem) throw fromPlainError(session.problem);
			this.summary = await reading.read('plant', mapping, (progress) => {
				if (this.#reading === reading) this.progress = progress;
			});
			const first = this.summary.sensorIds[0];
			if (mapping.long && first) this.machineId = splitSensorId(first).machineId;
			this.phase = 'done';
		} catch (error) {
			if (isAborted(error)) this.phase = 'cancelled';
			else {
				this.problem = toPlainError(error);
				this.phase = 'mapping';
			}
		} finally {
			this.#end();
		}
	}

	/** While the first rows are read: back to choosing, at once. While it is imported: as soon as its worker stops, or is stopped. */
	cancel(): void {
		if (this.phase === 'reading-preview') this.reset();
		if (this.phase !== 'importing') return;
		this.phase = 'cancelling';
		this.#reading?.cancel();
	}

	#end(): void {
		this.#reading?.end();
		this.#reading = undefined;
	}

	reset(): void {
		this.#end();
		this.phase = 'choosing';
		this.file = undefined;
		this.preview = undefined;
		this.draft = undefined;
		this.progress = undefined;
		this.summary = undefined;
		this.problem = undefined;
	}
}

/** One import at a time; it goes on while a person looks at other screens. */
export const fileImport = new FileImport();
