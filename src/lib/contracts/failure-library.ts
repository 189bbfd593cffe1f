/**
 * What faults of a machine class look like on the way to failure, learnt from lives that ended in one: where each sensor is expected to
 * stand at the machine's load, and how far from there each fault takes it. Shipped beside a model (`models/`), and only used with that version.
 */
export interface FailureLibrary {
	readonly format: 3;
	/** The version it belongs to. */
	readonly modelId: string;
	readonly sensorNames: readonly string[];
	readonly expectation: LevelExpectation;
	/** Normal running: how the mean of ten rows strays from how the machine began. Lower triangle, row by row. */
	readonly covariance: readonly number[];
	/** [sensors]: how far machines of the class differ when new. */
	readonly between: readonly number[];
	/** Places on the way from a fault's beginning (0) to the failure (1), evenly spaced. */
	readonly points: number;
	readonly faults: readonly FaultCourse[];
	/** From a fault's beginning to the failure, hours: one for each life. */
	readonly lifeHours: readonly number[];
	/** Lives that it was learnt from. */
	readonly lives: number;
	/** How the lives were made, for a person. */
	readonly description: string;
	/** How well it said when others failed; undefined until measured. */
	readonly calibration?: FailureCalibration;
}

/** How one kind of fault moves the levels of the sensors. */
export interface FaultCourse {
	readonly fault: string;
	readonly lives: number;
	/** Row-major [points, sensors]: mean level, less how the machine began. */
	readonly path: readonly number[];
	/** How the mean of ten rows of a life strays from that. Lower triangle, row by row. */
	readonly covariance: readonly number[];
}

/**
 * Where a sensor stands in normal running, as a linear function of all the others: their values now and smoothed over some time, all scaled.
 * What is left, over its deviation and in a logarithm on both sides of zero, is the sensor's level.
 */
export interface LevelExpectation {
	/** [sensors], own units. */
	readonly mean: readonly number[];
	readonly deviation: readonly number[];
	/** Rows over which the others are smoothed. */
	readonly smoothingRows: readonly number[];
	/** Row-major [sensors, 1 + sensors * (1 + smoothings)]: constant, values now, then per smoothing; 0 for the sensor itself. */
	readonly weights: readonly number[];
	/** [sensors]: what is left in normal running, scaled. */
	readonly residual: readonly number[];
}

export interface FailureCalibration {
	/**
	 * By the median said (hours, up to `below`): from said to true. `shift` is added to ln(hours + 12); `low` and `high` widen that side of the
	 * interval in the same logarithm.
	 */
	readonly interval: readonly {
		readonly below: number;
		readonly shift: number;
		readonly low: number;
		readonly high: number;
	}[];
	/** From said to true log-odds, for 24 hours, 72 hours and 7 days; null: too few came to tell. */
	readonly within: readonly ({ readonly slope: number; readonly offset: number } | null)[];
	/** Of "fails within 7 days" on lives that were not learnt from. */
	readonly brier: number;
	readonly reliability: readonly { readonly said: number; readonly came: number; readonly count: number }[];
	readonly lives: number;
}
