/**
 * What the page may ask of an import worker: to look at one file and read it into storage. A worker of its own for each file, so that
 * a file whose damage keeps its reader busy for ever can be ended without taking anything else with it (import.client.ts).
 */
import type {
	ColumnMapping,
	FilePreview,
	ImportProgress,
	ImportSummary,
	LifeMapping,
	LifePreview,
	FleetReading,
	LifeReading,
	RiskMapping,
	RiskPreview,
	RiskTableReading,
	WorkspaceName
} from '../contracts';
import type { FleetPart } from '../acquisition/files/fleet-tables';

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
	/** First rows of a table of units that ran to failure, and what its columns are taken to be. */
	previewLives(file: File): Promise<LifePreview>;
	/** The histories of all units; nothing is stored. */
	readLives(
		file: File,
		mapping: LifeMapping,
		onProgress: (fraction: number, rows: number) => void
	): Promise<LifeReading>;
	/** First rows of a table that tells failures, and what its columns are taken to be. */
	previewRisk(file: File): Promise<RiskPreview>;
	/** Labelled rows, or rows to be predicted; nothing is stored. */
	readRiskTable(
		file: File,
		mapping: RiskMapping,
		onProgress: (fraction: number, rows: number) => void
	): Promise<RiskTableReading>;
	/** A fleet's days out of several files; nothing is stored. */
	readFleet(parts: readonly FleetPart[], onProgress: (fraction: number, rows: number) => void): Promise<FleetReading>;
	/** Stops reading at the next opportunity. */
	cancel(): Promise<void>;
}
