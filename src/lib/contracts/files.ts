/**
 * Files a person takes away or brings back: exports of readings, and the backup of a whole workspace.
 */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';
import type { WorkspaceName } from './source';

/** How far a file is written or read; the total of a file being written is an estimate. */
export interface FileProgress {
	readonly done: number;
	readonly total: number;
	/** What `done` and `total` count. */
	readonly of: 'bytes' | 'readings';
}

/** `wide`: a row per time, a column per sensor, of one machine. `long`: a row per reading, with machine, unit and quality. */
export const exportLayouts = ['wide', 'long'] as const;
export type ExportLayout = (typeof exportLayouts)[number];
export const exportFormats = ['csv', 'csv.gz', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportRequest {
	readonly format: ExportFormat;
	readonly layout: ExportLayout;
	/** One for `wide`. */
	readonly machineIds: readonly MachineId[];
	/** From and to inclusive; undefined: from the first, to the last. */
	readonly from?: EpochMs;
	readonly to?: EpochMs;
}

export interface ExportResult {
	readonly file: Blob;
	readonly name: string;
	readonly rows: number;
	readonly readings: number;
}

/** What a backup says of itself. */
export interface BackupAbout {
	readonly workspace: WorkspaceName;
	readonly createdAt: EpochMs;
	readonly machines: number;
	readonly sensors: number;
	readonly readings: number;
	readonly models: number;
	readonly alarms: number;
	/** Span of the stored readings. */
	readonly from?: EpochMs;
	readonly to?: EpochMs;
}

export const backupExtension = '.mwbackup';
