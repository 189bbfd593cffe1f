/** Files: the worker's jobs, each with its own way to be stopped. In: calls of `FilesApi`. Out: blobs with a name, or what a file says. */
import {
	backupExtension,
	MillwrightError,
	type ExportFormat,
	type ExportRequest,
	type ExportResult,
	type FileProgress,
	type WorkspaceName
} from '../../contracts';
import { checkBackup, exportReadings, openStore, restoreBackup, writeBackup } from '../../storage';
import type { BackupResult, FilesApi } from '../files.api';
import { BlobPieces } from './blob-pieces';

type OnProgress = (progress: FileProgress) => void;

/** Steps are many; a person sees a few a second. */
const PROGRESS_EVERY_MS = 100;
const types: Record<ExportFormat, string> = {
	csv: 'text/csv',
	'csv.gz': 'application/gzip',
	parquet: 'application/vnd.apache.parquet'
};

export class FileJobs implements FilesApi {
	readonly #jobs = new Map<string, AbortController>();

	exportReadings(
		jobId: string,
		workspace: WorkspaceName,
		request: ExportRequest,
		onProgress: OnProgress
	): Promise<ExportResult> {
		return this.#job(jobId, onProgress, async (job) => {
			const store = await openStore(workspace, { autoSeal: false });
			try {
				const pieces = new BlobPieces();
				const { rows, readings } = await exportReadings(store, request, (bytes) => pieces.write(bytes), job);
				const [machineId] = request.machineIds;
				const stem = request.machineIds.length === 1 ? machineId!.split('/').pop()! : 'readings';
				const name = `${safe(stem)}-${stamp(Date.now())}.${request.format}`;
				return { file: pieces.end(types[request.format]), name, rows, readings };
			} finally {
				store.close();
			}
		});
	}

	backup(jobId: string, workspace: WorkspaceName, onProgress: OnProgress): Promise<BackupResult> {
		return this.#job(jobId, onProgress, async (job) => {
			const pieces = new BlobPieces();
			const { about, leftOut } = await writeBackup(workspace, (bytes) => pieces.write(bytes), job);
			const name = `millwright-${workspace}-${stamp(about.createdAt)}${backupExtension}`;
			return { file: pieces.end('application/octet-stream'), name, about, leftOut };
		});
	}

	checkBackup(jobId: string, file: File, onProgress: OnProgress) {
		return this.#job(jobId, onProgress, (job) => checkBackup(file, job));
	}

	restore(jobId: string, workspace: WorkspaceName, file: File, onProgress: OnProgress) {
		return this.#job(jobId, onProgress, (job) => restoreBackup(workspace, file, job));
	}

	async cancel(jobId: string): Promise<void> {
		this.#jobs.get(jobId)?.abort();
	}

	async #job<T>(
		jobId: string,
		onProgress: OnProgress,
		work: (job: { signal: AbortSignal; onProgress: OnProgress }) => Promise<T>
	): Promise<T> {
		if (this.#jobs.has(jobId)) throw new MillwrightError('invalid-input', `A job "${jobId}" runs already`);
		const job = new AbortController();
		this.#jobs.set(jobId, job);
		let told = -Infinity;
		const tell: OnProgress = (progress) => {
			const now = performance.now();
			if (now - told < PROGRESS_EVERY_MS && progress.done < progress.total) return;
			told = now;
			onProgress(progress);
		};
		try {
			return await work({ signal: job.signal, onProgress: tell });
		} finally {
			this.#jobs.delete(jobId);
		}
	}
}

const safe = (name: string) => name.replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'readings';

/** Local date and time for a file name: "2026-01-05-1402". */
function stamp(time: number): string {
	const at = new Date(time);
	const two = (value: number) => String(value).padStart(2, '0');
	return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}-${two(at.getHours())}${two(at.getMinutes())}`;
}
