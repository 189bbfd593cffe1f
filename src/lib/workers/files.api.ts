/**
 * What the page may ask of the files worker: to write and read large files of what is stored. Spawned for the first such job; it works beside
 * acquisition and inference, so that neither waits for it. Progress by `onProgress`; `cancel(jobId)` stops a job.
 */
import type { BackupAbout, ExportRequest, ExportResult, FileProgress, WorkspaceName } from '../contracts';

export interface BackupResult {
	readonly file: Blob;
	readonly name: string;
	readonly about: BackupAbout;
	/** Segments that are damaged on this device and are not in the file. */
	readonly leftOut: number;
}

export interface FilesApi {
	/** Raw readings as CSV or Parquet. */
	exportReadings(
		jobId: string,
		workspace: WorkspaceName,
		request: ExportRequest,
		onProgress: (progress: FileProgress) => void
	): Promise<ExportResult>;
	/** Everything of a workspace in one file. */
	backup(jobId: string, workspace: WorkspaceName, onProgress: (progress: FileProgress) => void): Promise<BackupResult>;
	/** Reads the whole file; changes nothing. */
	checkBackup(jobId: string, file: File, onProgress: (progress: FileProgress) => void): Promise<BackupAbout>;
	/** Replaces everything of the workspace, or nothing. Close it first: every other context loses it. */
	restore(
		jobId: string,
		workspace: WorkspaceName,
		file: File,
		onProgress: (progress: FileProgress) => void
	): Promise<BackupAbout>;
	cancel(jobId: string): Promise<void>;
}
