/**
 * State: large files written from what is stored (exports, backups) and a backup read back.
 *
 * In: a person's wish. Out: phase, progress, result or problem; the work is the files worker's. Jobs are one each for the whole page, so
 * that they go on while other screens are looked at.
 */
import {
	isAborted,
	MillwrightError,
	toPlainError,
	type BackupAbout,
	type ExportRequest,
	type ExportResult,
	type FileProgress,
	type PlainError,
	type WorkspaceName
} from '$lib/contracts';
import { spawnFiles } from '$lib/workers/files.client';
import type { BackupResult, FilesApi } from '$lib/workers/files.api';
import type { Promisified, WorkerHandle } from '$lib/workers/host';
import { saveFile } from './save-file';
import { session } from './session.svelte';

let worker: WorkerHandle<FilesApi> | undefined;
function files(): Promisified<FilesApi> {
	if (!worker) {
		const spawned = (worker = spawnFiles());
		spawned.onCrash(() => {
			if (worker === spawned) worker = undefined;
		});
	}
	return worker.api;
}

/** What every job has: it runs, can be stopped, and ends with a result or a problem. */
class Job {
	running = $state(false);
	cancelling = $state(false);
	progress = $state.raw<FileProgress | undefined>();
	problem = $state.raw<PlainError | undefined>();
	cancelled = $state(false);
	#id: string | undefined;

	/** Undefined when cancelled or failed. */
	protected async work<T>(
		does: (api: Promisified<FilesApi>, id: string, onProgress: (progress: FileProgress) => void) => Promise<T>
	): Promise<T | undefined> {
		if (this.running) return undefined;
		const id = (this.#id = crypto.randomUUID());
		this.running = true;
		this.cancelling = false;
		this.cancelled = false;
		this.progress = undefined;
		this.problem = undefined;
		try {
			return await does(files(), id, (progress) => (this.progress = progress));
		} catch (error) {
			if (isAborted(error)) this.cancelled = true;
			else this.problem = toPlainError(error);
			return undefined;
		} finally {
			this.running = false;
			this.cancelling = false;
		}
	}

	async cancel(): Promise<void> {
		if (!this.running || !this.#id) return;
		this.cancelling = true;
		await files()
			.cancel(this.#id)
			.catch(() => undefined);
	}
}

function openWorkspace(): WorkspaceName {
	if (!session.workspace) throw new MillwrightError('invalid-input', 'No workspace is open');
	return session.workspace;
}

class ExportJob extends Job {
	result = $state.raw<(Omit<ExportResult, 'file'> & { readonly bytes: number }) | undefined>();

	async start(request: ExportRequest): Promise<void> {
		this.result = undefined;
		const done = await this.work((api, id, onProgress) => api.exportReadings(id, openWorkspace(), request, onProgress));
		if (!done) return;
		const { file, ...said } = done;
		this.result = { ...said, bytes: file.size };
		saveFile(file, done.name);
	}

	/** Forgets how the last one ended. */
	clear(): void {
		if (this.running) return;
		this.result = undefined;
		this.problem = undefined;
		this.cancelled = false;
	}
}

class BackupJob extends Job {
	result = $state.raw<(Omit<BackupResult, 'file'> & { readonly bytes: number }) | undefined>();

	async start(): Promise<void> {
		this.result = undefined;
		const done = await this.work((api, id, onProgress) => api.backup(id, openWorkspace(), onProgress));
		if (!done) return;
		const { file, ...said } = done;
		this.result = { ...said, bytes: file.size };
		saveFile(file, done.name);
	}
}

export type RestoreStep = 'closed' | 'choosing' | 'checking' | 'checked' | 'restoring' | 'done';

class RestoreJob extends Job {
	step = $state<RestoreStep>('closed');
	file = $state.raw<File | undefined>();
	about = $state.raw<BackupAbout | undefined>();

	open(): void {
		if (this.step === 'closed') this.step = 'choosing';
	}

	/** Not while it replaces what is stored: that is cancelled first. */
	close(): void {
		if (this.step === 'restoring') return;
		void this.cancel();
		this.step = 'closed';
		this.file = undefined;
		this.about = undefined;
		this.problem = undefined;
		this.cancelled = false;
	}

	/** Reads the whole file; a bad one is refused here, before anything is asked. */
	async choose(file: File): Promise<void> {
		this.file = file;
		this.about = undefined;
		this.step = 'checking';
		const about = await this.work((api, id, onProgress) => api.checkBackup(id, file, onProgress));
		if (this.step !== 'checking') return;
		this.about = about;
		this.step = about ? 'checked' : 'choosing';
	}

	async start(): Promise<void> {
		const { file, about } = this;
		if (!file || !about || this.step !== 'checked') return;
		this.step = 'restoring';
		const done = await this.work((api, id, onProgress) =>
			session.whileClosed(about.workspace, () => api.restore(id, about.workspace, file, onProgress))
		);
		this.step = done ? 'done' : this.cancelled ? 'checked' : 'choosing';
	}
}

export const exportJob = new ExportJob();
export const backupJob = new BackupJob();
export const restoreJob = new RestoreJob();
