/**
 * What the page may ask of the acquisition worker.
 *
 * Every tab spawns one; the one that holds the Web Lock `lockName('acquisition', workspace)` owns the socket, decodes and
 * stores, the others wait for the lock. What to connect to is not a call: it is the `source` setting in storage, which
 * the owner watches. Readings, link status and counters come over the live channel (contracts/live.ts).
 */
import type { BrokerSettings, EpochMs, IntakeCounters, LinkStatus, MachineId, SensorId, WorkspaceName } from '../contracts';

export interface AcquisitionApi {
	start(workspace: WorkspaceName, clientName: string): Promise<void>;
	/** Leaves the broker cleanly and commits what is pending. */
	stop(): Promise<void>;
	/** Asks for the present status and counters to be posted to the live channel again. */
	announce(): Promise<void>;
	/** One short connection attempt with these settings; says what a person should mend. Stores nothing. */
	probeBroker(settings: BrokerSettings): Promise<BrokerProbe>;
	/** First lines and the proposed mapping of a CSV file. */
	previewFile(file: File): Promise<FilePreview>;
	/** Streams the file into storage. Progress by `onProgress` (a Comlink proxy); `cancel(jobId)` stops it. */
	importFile(
		jobId: string,
		file: File,
		mapping: ColumnMapping,
		onProgress: (progress: ImportProgress) => void
	): Promise<ImportSummary>;
	cancel(jobId: string): Promise<void>;
}

export interface BrokerProbe {
	readonly ok: boolean;
	readonly status: LinkStatus;
	/** Up to 20 topics seen while listening for two seconds. */
	readonly topicsSeen: readonly string[];
}

export interface ColumnMapping {
	readonly machineId: MachineId;
	/** Column that holds the time; undefined: rows are `rowIntervalMs` apart, ending now. */
	readonly timeColumn?: string;
	readonly rowIntervalMs?: number;
	/** Columns that become sensors, with the name and unit they get. */
	readonly sensors: readonly { readonly column: string; readonly name: string; readonly unit?: string }[];
	readonly delimiter: string;
}

export interface FilePreview {
	readonly columns: readonly string[];
	readonly rows: readonly (readonly string[])[];
	readonly proposed: ColumnMapping;
	/** Why the proposal looks as it does, and what is missing. */
	readonly notes: readonly string[];
}

export interface ImportProgress {
	readonly bytesRead: number;
	readonly bytesTotal: number;
	readonly rows: number;
	readonly stored: number;
}

export interface ImportSummary {
	readonly rows: number;
	readonly stored: number;
	readonly from?: EpochMs;
	readonly to?: EpochMs;
	readonly sensorIds: readonly SensorId[];
	readonly counters: IntakeCounters['byReason'];
}
