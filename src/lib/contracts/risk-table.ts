/**
 * Tables that a failure classifier learns from: what their columns are taken to be, and what reading them brought. Labelled rows come in one
 * file; machine days are put together from several: telemetry, and logs of failures, errors and replacements.
 */
import type { FileFormat } from './file-import';
import type { EpochMs } from './reading';

export interface RiskMapping {
	readonly delimiter: string;
	/** What a row is called; empty: its number. */
	readonly idColumn: string;
	/** Rows of one unit are alike and stay together; empty: rows are independent of each other. */
	readonly unitColumn: string;
	/** Rows of a unit are put in this column's order; empty: in the order of the file. */
	readonly orderColumn: string;
	readonly inputs: readonly string[];
	/** Not 0, "no" or empty: the row failed. Empty where nothing is to be learnt. */
	readonly label: string;
	/** 0/1 columns, or one of words, that say how it failed: labels, never inputs. */
	readonly modes: readonly string[];
}

export const fleetRoles = ['telemetry', 'failures', 'errors', 'maintenance', 'machines', 'none'] as const;
/** What a file of a fleet holds: readings by machine and time, events by machine and time, or what a machine is. */
export type FleetRole = (typeof fleetRoles)[number];

export interface FleetMapping {
	readonly role: FleetRole;
	readonly delimiter: string;
	readonly machineColumn: string;
	/** Not of `machines`. */
	readonly timeColumn: string;
	/** Of events: the kind of error, the component, the failure mode; empty: all of one kind. */
	readonly kindColumn: string;
	/** Of telemetry: channels; of machines: what does not change. */
	readonly values: readonly string[];
}

export interface RiskPreview {
	readonly format: FileFormat;
	readonly columns: readonly string[];
	/** Columns that hold numbers. */
	readonly numeric: readonly string[];
	readonly rows: readonly (readonly string[])[];
	/** What it is taken for when it comes alone, and when it comes with others. */
	readonly asRows: RiskMapping;
	readonly asFleet: FleetMapping;
	readonly notes: readonly string[];
}

export interface RiskInput {
	readonly name: string;
	/** Words of a category; absent: a number. */
	readonly categories?: readonly string[];
}

export interface RiskTable {
	readonly inputs: readonly RiskInput[];
	/** Row-major [rows, inputs]: numbers, or the index of a category; NaN where nothing is known. */
	readonly values: Float64Array;
	readonly ids: readonly string[];
	/** 1 where the row failed; empty where nothing is to be learnt. */
	readonly labels: Uint8Array;
	readonly modes: readonly { readonly name: string; readonly labels: Uint8Array }[];
	/** Rows that stay together: of one unit, or the same in every input. Undefined: each row stands alone. */
	readonly unit?: {
		readonly names: readonly string[];
		readonly of: Uint16Array;
		/** Rows of a unit follow each other in time. */
		readonly ordered: boolean;
	};
}

/** One machine's records; days are counted from 0, events carry fractions of a day. */
export interface MachineDays {
	/** Row-major [days, channels]: the day's mean; NaN where nothing is known. */
	readonly telemetry: Float64Array;
	readonly channelNames: readonly string[];
	readonly days: number;
	/** Per kind of error, when it was logged, ascending. */
	readonly errors: readonly { readonly kind: string; readonly at: readonly number[] }[];
	/** Per component, when it was replaced (planned or not), ascending; may lie before day 0. */
	readonly replacements: readonly { readonly component: string; readonly at: readonly number[] }[];
	/** When something failed, ascending. */
	readonly failures: readonly number[];
	/** What does not change: age in years, model as 0/1. */
	readonly constants: readonly { readonly name: string; readonly value: number }[];
}

export interface FleetDays {
	/** Names of channels, errors, components and constants are the same for every machine. */
	readonly machines: readonly {
		readonly id: string;
		readonly days: MachineDays;
		/** Per failure mode, when. */
		readonly modes: readonly { readonly name: string; readonly at: readonly number[] }[];
		/** Start of day 0. */
		readonly from: EpochMs;
	}[];
}

export interface TableFaults {
	/** Rows and cells that could not be used, by what was wrong, with the first example. */
	readonly faults: readonly { readonly what: string; readonly count: number; readonly example: string }[];
	/** Columns that never change: left out. */
	readonly constant: readonly string[];
}

export interface RiskTableReading extends TableFaults {
	readonly table: RiskTable;
	/** Rows that are the same as another in every input: they are kept on one side. */
	readonly twins: number;
}

export interface FleetReading extends TableFaults {
	readonly fleet: FleetDays;
}
