/**
 * A table of units that ran to failure: what its columns are taken to be, and what reading it brought. Crosses from the screen to the
 * worker that reads the file, and back.
 */
import type { FileFormat } from './file-import';
import type { UnitHistories } from './run-to-failure';

/** How the file says when a unit failed. */
export type LifeEnd =
	/** Every unit failed at its last row. */
	| { readonly kind: 'last-row' }
	/** At the first row of the unit where this column is not 0, "no" or empty; a unit without such a row still ran. */
	| { readonly kind: 'label'; readonly column: string }
	/** The column counts the steps that were left at each row. */
	| { readonly kind: 'remaining'; readonly column: string };

export interface LifeMapping {
	readonly delimiter: string;
	readonly unitColumn: string;
	/** Rows of a unit are put in this column's order; empty: in the order of the file. */
	readonly orderColumn: string;
	readonly settings: readonly string[];
	readonly sensors: readonly string[];
	/** What one row is called, singular: "cycle", "hour". */
	readonly stepName: string;
	readonly end: LifeEnd;
	/** The units still run: nothing is learnt from them, so nothing is left out; rows are averaged as those of the model were. */
	readonly stillRunning?: { readonly rowsPerStep: number };
}

export interface LifePreview {
	readonly format: FileFormat;
	readonly columns: readonly string[];
	/** First rows, as text. */
	readonly rows: readonly (readonly string[])[];
	readonly proposed: LifeMapping;
	readonly notes: readonly string[];
}

export interface LifeSummary {
	readonly rows: number;
	readonly units: number;
	readonly failedUnits: number;
	/** Rows of the shortest, the middle and the longest unit. */
	readonly steps: readonly [shortest: number, median: number, longest: number];
	/** Rows that were averaged to one step, where lives are longer than a network can look over; 1: none. */
	readonly rowsPerStep: number;
	/** Hours of one step, where the order column holds times or hours; the median. */
	readonly stepHours?: number;
	/** Columns that never change: left out. */
	readonly constant: readonly string[];
	/** Rows that could not be used, and cells that were no number, by what was wrong, with the first example. */
	readonly faults: readonly { readonly what: string; readonly count: number; readonly example: string }[];
}

export interface LifeReading {
	readonly histories: UnitHistories;
	readonly summary: LifeSummary;
}
