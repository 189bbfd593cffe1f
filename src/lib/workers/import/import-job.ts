/** Import: one file in its worker. In: calls of `ImportApi`. Out: readings in storage and on the live channel, progress, a summary. */
import {
	liveChannelName,
	type ColumnMapping,
	type FilePreview,
	type ImportProgress,
	type ImportSummary,
	type LifeMapping,
	type LifePreview,
	type FleetReading,
	type LifeReading,
	type RiskMapping,
	type RiskPreview,
	type RiskTableReading,
	type LiveMessage,
	type WorkspaceName
} from '../../contracts';
import { readFleet, type FleetPart } from '../../acquisition/files/fleet-tables';
import { previewRisk } from '../../acquisition/files/risk-columns';
import { readRiskTable } from '../../acquisition/files/risk-table';
import { previewLives, readLives } from '../../acquisition/files/life-table';
import { importFile } from '../../acquisition/files/table-import';
import { previewFile } from '../../acquisition/files/table-preview';
import { openStore } from '../../storage';
import { withTransfer } from '../expose';
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

	previewLives(file: File): Promise<LifePreview> {
		return previewLives(file);
	}

	async readLives(
		file: File,
		mapping: LifeMapping,
		onProgress: (fraction: number, rows: number) => void
	): Promise<LifeReading> {
		const reading = await readLives(file, mapping, { signal: this.#cancelled.signal, onProgress });
		const buffers = reading.histories.units.flatMap(({ settings, sensors }) => [settings.buffer, sensors.buffer]);
		return withTransfer(reading, buffers as ArrayBuffer[]);
	}

	previewRisk(file: File): Promise<RiskPreview> {
		return previewRisk(file);
	}

	readRiskTable(
		file: File,
		mapping: RiskMapping,
		onProgress: (fraction: number, rows: number) => void
	): Promise<RiskTableReading> {
		return readRiskTable(file, mapping, { signal: this.#cancelled.signal, onProgress });
	}

	readFleet(parts: readonly FleetPart[], onProgress: (fraction: number, rows: number) => void): Promise<FleetReading> {
		return readFleet(parts, { signal: this.#cancelled.signal, onProgress });
	}

	async cancel(): Promise<void> {
		this.#cancelled.abort();
	}
}
