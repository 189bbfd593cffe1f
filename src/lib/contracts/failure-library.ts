/**
 * What lives that ended in failure looked like to one model version: the paths that its anomaly score and the sensors' parts in it took.
 * Shipped beside a model (`models/`), and only ever used with that version: other thresholds give other scores.
 */
export interface FailureLibrary {
	/** The version whose verdicts the lives were recorded with. */
	readonly modelId: string;
	readonly sensorNames: readonly string[];
	/** Share of the way from the fault's beginning (0) to the failure (1), ascending, evenly spaced. */
	readonly points: number;
	/** [1 + sensors]: what normal running looks like, and how far one look strays from it. */
	readonly normal: readonly number[];
	readonly spread: readonly number[];
	readonly lives: readonly {
		readonly fault: string;
		/** From the fault's beginning to the failure. */
		readonly hours: number;
		/** Row-major [points, 1 + sensors]. */
		readonly path: readonly number[];
	}[];
	/** How the lives were made, for a person. */
	readonly description: string;
	/** How well it said when others failed; undefined until measured. */
	readonly calibration?: FailureCalibration;
}

export interface FailureCalibration {
	/** Added to ln(hours + 1): lives may end sooner or later than they look. */
	readonly shift: number;
	/** Widens the interval around the median, in ln(hours + 1). */
	readonly widen: number;
	/** From said to true log-odds, for 24 hours, 72 hours and 7 days; null: too few came to tell. */
	readonly within: readonly ({ readonly slope: number; readonly offset: number } | null)[];
	/** Of "fails within 7 days" on lives that the library had not seen. */
	readonly brier: number;
	readonly reliability: readonly { readonly said: number; readonly came: number; readonly count: number }[];
	readonly lives: number;
}
