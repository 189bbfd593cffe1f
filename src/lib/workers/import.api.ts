/**
 * What the page may ask of an import worker: to look at one file and read it into storage. A worker of its own for each file, so that
 * a file whose damage keeps its reader busy for ever can be ended without taking anything else with it (import.client.ts).
 */
import type { ColumnMapping, FilePreview, ImportProgress, ImportSummary, WorkspaceName } from '../contracts';

export interface ImportApi {
	/** Calls back about once a second for as long as this worker can answer. */
	beat(onBeat: () => void): Promise<void>;
	/** First rows and the proposed mapping. */
	preview(file: File): Promise<FilePreview>;
	/** Streams the file into storage; what is committed before an end stays. */
	read(
		workspace: WorkspaceName,
		file: File,
		mapping: ColumnMapping,
		onProgress: (progress: ImportProgress) => void
	): Promise<ImportSummary>;
	/** Stops reading at the next opportunity. */
	cancel(): Promise<void>;
}
