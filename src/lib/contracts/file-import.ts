/**
 * Importing a file and trying a broker: what is asked of Data Acquisition by a person, and what comes back.
 */
import type { MachineId, SensorId } from './identity';
import type { IntakeCounters, IntakeExample, LinkStatus } from './link';
import type { EpochMs } from './reading';

export interface BrokerProbe {
	readonly ok: boolean;
	readonly status: LinkStatus;
	/** Up to 20 topics seen while listening for two seconds; where the filter brought none, those of all that may be read. */
	readonly topicsSeen: readonly string[];
	/** A message that nothing could be read from, where none could be read. */
	readonly example?: IntakeExample;
}

export interface ColumnMapping {
	readonly machineId: MachineId;
	/** Column that holds the time; undefined: rows are `rowIntervalMs` apart, ending now. */
	readonly timeColumn?: string;
	readonly rowIntervalMs?: number;
	/** Columns that become sensors, with the name and unit they get. */
	readonly sensors: readonly { readonly column: string; readonly name: string; readonly unit?: string }[];
	/** Between the cells of a text file; empty for files that need none. */
	readonly delimiter: string;
	/** A row is one reading: these columns say of what. `sensors` is not used then; the sensors are what the file names. */
	readonly long?: LongColumns;
}

export interface LongColumns {
	readonly sensorColumn: string;
	readonly valueColumn: string;
	/** Full path of the machine ("plant/area/line/machine"); undefined or an empty cell: `machineId`. */
	readonly machineColumn?: string;
	readonly unitColumn?: string;
	readonly qualityColumn?: string;
}

export const fileFormats = ['csv', 'ndjson', 'parquet'] as const;
export type FileFormat = (typeof fileFormats)[number];

export interface FilePreview {
	readonly format?: FileFormat;
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
