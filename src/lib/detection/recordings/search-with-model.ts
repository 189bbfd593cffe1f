/**
 * State Detection: a machine's recording held against what its model expected of it.
 *
 * In: rows in pieces, in time order, and a version with its weights. Out: by sensor the stretches in which the error of prediction stands out from the rest of the
 * recording, by the dynamic threshold. Rows of a machine that stands, starts or changes its load have no error, as live.
 */
import type { EpochMs, ModelPackage } from '../../contracts';
import type { AnomalySequence } from './anomaly-sequences';
import { outstandingErrors, smoothErrors } from './dynamic-threshold';
import { predictionWarmUpRows, predictRows, type CourseRow } from '../explain/predicted-rows';
import { ModeDetector } from '../modes/operating-mode';

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

/** Rows as they were taken, [rows, sensors] in own units; a week of a machine is kept while it is searched. */
interface Piece {
	readonly values: Float32Array;
	readonly expected: Float32Array;
	/** 1 where residuals are judged. */
	readonly counts: Uint8Array;
}

export class ModelSearch {
	readonly times: EpochMs[] = [];
	private readonly pieces: Piece[] = [];
	private readonly sensors: number;
	private readonly modes: ModeDetector;
	private lead: readonly CourseRow[] = [];

	constructor(private readonly pkg: ModelPackage) {
		const { scaler, calibration } = pkg.version;
		this.sensors = scaler.sensorNames.length;
		this.modes = new ModeDetector(calibration, this.sensors);
	}

	take(rows: readonly CourseRow[]): void {
		const { scaler } = this.pkg.version;
		const { sensors, lead } = this;
		const expected = predictRows(this.pkg, [...lead, ...rows]).subarray(lead.length * sensors);
		const values = new Float32Array(expected.length);
		const counts = new Uint8Array(rows.length);
		rows.forEach((row, r) => {
			if (row.breakBefore) this.modes.reset();
			const scaled = Float32Array.from(scaler.mean, (mean, i) => (row.values[i]! - mean) / scaler.deviation[i]!);
			counts[r] = this.modes.observe(row.values, scaled) ? 1 : 0;
			values.set(row.values, r * sensors);
			this.times.push(row.time);
		});
		this.pieces.push({ values, expected: Float32Array.from(expected), counts });
		this.lead = [...lead, ...rows].slice(-leadInRows);
	}

	/** Rows of a sensor that have an error, and where those stand out; indices are those of all rows taken. */
	search(sensor: number): { readonly judged: number; readonly findings: readonly ModelFinding[] } {
		const { scaler, calibration } = this.pkg.version;
		const values = this.columnOf(sensor, 'values');
		const expected = this.columnOf(sensor, 'expected');
		const errors = new Float64Array(values.length);
		let judged = 0;
		let r = 0;
		for (const { counts } of this.pieces)
			for (const counted of counts) {
				const error = counted ? Math.abs(values[r]! - expected[r]!) : Number.NaN;
				if (!Number.isNaN(error)) judged++;
				errors[r++] = error;
			}
		const smoothed = smoothErrors(errors);
		const leastError = leastDeviations * calibration.residualDeviation[sensor]! * scaler.deviation[sensor]!;
		const findings = outstandingErrors(smoothed, { leastError }).map(({ from, to, peak }): ModelFinding => {
			let most = from;
			let largest = 0;
			for (let row = from; row <= to; row++) {
				if (!(errors[row]! <= errors[most]!) && !Number.isNaN(errors[row]!)) most = row;
				if (smoothed[row]! > largest) largest = smoothed[row]!;
			}
			return { from, to, beyond: peak, value: values[most]!, expected: expected[most]!, band: largest / peak };
		});
		return { judged, findings };
	}

	private columnOf(sensor: number, what: 'values' | 'expected'): Float32Array {
		const column = new Float32Array(this.times.length);
		let r = 0;
		for (const piece of this.pieces)
			for (let at = sensor; at < piece[what].length; at += this.sensors) column[r++] = piece[what][at]!;
		return column;
	}
}

/** Fewer rows than this with an expectation say nothing of a recording. */
export const leastSearchedRows = 10 * predictionWarmUpRows;
