/** Import: one file in its worker. In: calls of `ImportApi`. Out: readings in storage and on the live channel, progress, a summary. */
import {
	liveChannelName,
	type ColumnMapping,
	type FilePreview,
	type ImportProgress,
	type ImportSummary,
	type LiveMessage,
	type WorkspaceName
} from '../../contracts';
import { importFile, previewFile } from '../../acquisition/files/table-import';
import { openStore } from '../../storage';
import type { ImportApi } from '../import.api';

const BEAT_MS = 1_000;

export class ImportJob implements ImportApi {
	readonly #cancelled = new AbortController();

	/** Settles with the worker's end only: callbacks may be called until the call they came with settles. */
	beat(onBeat: () => void): Promise<void> {
		return new Promise(() => void setInterval(onBeat, BEAT_MS));
	}

	preview(file: File): Promise<FilePreview> {
		return previewFile(file);
	}

	async read(
		workspace: WorkspaceName,
		file: File,
		mapping: ColumnMapping,
		onProgress: (progress: ImportProgress) => void
	): Promise<ImportSummary> {
		const store = await openStore(workspace);
		const channel = new BroadcastChannel(liveChannelName(workspace));
		try {
			return await importFile(file, mapping, {
				store,
				now: () => Date.now(),
				signal: this.#cancelled.signal,
				onProgress,
				onCommitted: (batch) => channel.postMessage({ kind: 'readings', batch } satisfies LiveMessage)
			});
		} finally {
			channel.close();
			store.close();
		}
	}

	async cancel(): Promise<void> {
		this.#cancelled.abort();
	}
}
