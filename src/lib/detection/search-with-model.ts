/**
 * State Detection: a machine's recording held against what its model expected of it.
 *
 * In: rows in pieces, in time order, and a version with its weights. Out: by sensor the stretches in which the error of prediction stands out from the rest of the
 * recording, by the dynamic threshold. Rows of a machine that stands, starts or changes its load have no error, as live.
 */
import type { EpochMs, ModelPackage } from '../contracts';
import type { AnomalySequence } from './anomaly-sequences';
import { outstandingErrors, smoothErrors } from './dynamic-threshold';
import { predictionWarmUpRows, predictRows, type CourseRow } from './explain/predicted-rows';
import { ModeDetector } from './operating-mode';

/** Smoothed errors below this many deviations of normal residuals are not worth a look, however calm the rest is; normal ones are 0.8. */
const leastDeviations = 2;
/** Rows run through before each piece, so that the network's state is warm. */
const leadInRows = 60;

export interface ModelFinding extends Omit<AnomalySequence, 'peak'> {
	/** Largest smoothed error over the threshold; over 1. */
	readonly beyond: number;
	/** Where the value was farthest from what was expected; own unit. */
	readonly value: number;
	readonly expected: number;
	/** Error at the threshold, own unit. */
	readonly band: number;
}

interface Column {
	readonly errors: number[];
	readonly values: number[];
	readonly expected: number[];
}

export class ModelSearch {
	readonly times: EpochMs[] = [];
	private readonly columns: readonly Column[];
	private readonly modes: ModeDetector;
	private lead: readonly CourseRow[] = [];

	constructor(private readonly pkg: ModelPackage) {
		const { scaler, calibration } = pkg.version;
		this.columns = scaler.sensorNames.map(() => ({ errors: [], values: [], expected: [] }));
		this.modes = new ModeDetector(calibration, scaler.sensorNames.length);
	}

	take(rows: readonly CourseRow[]): void {
		const { scaler } = this.pkg.version;
		const sensors = scaler.sensorNames.length;
		const lead = this.lead;
		const predicted = predictRows(this.pkg, [...lead, ...rows]);
		rows.forEach((row, r) => {
			if (row.breakBefore) this.modes.reset();
			const scaled = Float32Array.from(scaler.mean, (mean, i) => (row.values[i]! - mean) / scaler.deviation[i]!);
			const counts = this.modes.observe(row.values, scaled);
			this.times.push(row.time);
			for (let i = 0; i < sensors; i++) {
				const expected = predicted[(lead.length + r) * sensors + i]!;
				const { errors, values, expected: course } = this.columns[i]!;
				values.push(row.values[i]!);
				course.push(expected);
				errors.push(counts ? Math.abs(row.values[i]! - expected) : Number.NaN);
			}
		});
		this.lead = [...lead, ...rows].slice(-leadInRows);
	}

	/** Rows of a sensor that have an error. */
	judged(sensor: number): number {
		return this.columns[sensor]!.errors.filter((error) => !Number.isNaN(error)).length;
	}

	/** Indices are those of all rows taken. */
	findings(sensor: number): ModelFinding[] {
		const { scaler, calibration } = this.pkg.version;
		const { errors, values, expected } = this.columns[sensor]!;
		const smoothed = smoothErrors(errors);
		const leastError = leastDeviations * calibration.residualDeviation[sensor]! * scaler.deviation[sensor]!;
		return outstandingErrors(smoothed, { leastError }).map(({ from, to, peak }) => {
			let most = from;
			let largest = 0;
			for (let r = from; r <= to; r++) {
				if (!(errors[r]! <= errors[most]!) && !Number.isNaN(errors[r]!)) most = r;
				if (smoothed[r]! > largest) largest = smoothed[r]!;
			}
			return { from, to, beyond: peak, value: values[most]!, expected: expected[most]!, band: largest / peak };
		});
	}
}

/** Fewer rows than this with an expectation say nothing of a recording. */
export const leastSearchedRows = 10 * predictionWarmUpRows;
