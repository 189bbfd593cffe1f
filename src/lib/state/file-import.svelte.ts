/**
 * State: one file on its way into storage: chosen, mapped, read, done.
 *
 * In: a file and how its columns are to be understood. Out: preview, draft mapping with its errors, progress, and a summary
 * with counts by reason. Reading and storing happen in the acquisition worker; a file always goes into the plant's own
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
import { session } from './session.svelte';

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

	#jobId: string | undefined;

	async choose(file: File): Promise<void> {
		this.reset();
		this.file = file;
		this.phase = 'reading-preview';
		try {
			const preview = await session.acquisition.previewFile(file);
			this.preview = preview;
			this.draft = draftFromPreview(preview);
			this.phase = 'mapping';
		} catch (error) {
			this.problem = toPlainError(error);
			this.phase = 'choosing';
		}
	}

	async start(): Promise<void> {
		if (!this.file || !this.draft || !this.ready || this.phase !== 'mapping') return;
		const file = this.file;
		const mapping = toColumnMapping(this.draft);
		const jobId = crypto.randomUUID();
		this.#jobId = jobId;
		this.machineId = mapping.machineId;
		this.phase = 'importing';
		this.problem = undefined;
		try {
			if (session.workspace !== 'plant' || session.phase !== 'running') await session.enter('plant');
			if (session.problem) throw fromPlainError(session.problem);
			const acquisition = await session.startedAcquisition();
			this.summary = await acquisition.importFile(jobId, file, mapping, (progress) => {
				if (this.#jobId === jobId) this.progress = progress;
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
		}
	}

	async cancel(): Promise<void> {
		if (this.phase !== 'importing' || !this.#jobId) return;
		this.phase = 'cancelling';
		await session.acquisition.cancel(this.#jobId).catch(() => undefined);
	}

	reset(): void {
		this.#jobId = undefined;
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
