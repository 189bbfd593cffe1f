/**
 * State Detection: an anomaly explained from the rows around it.
 *
 * In: aligned rows before and within the anomaly. Out: the sensors' parts by integrated gradients, from what the model expected of this
 * machine as it was before; sensors that are stuck or silent count by themselves, and so does what the network goes along with: how far each
 * value lies from what the other sensors say.
 */
import type { ModelPackage } from '../../contracts';
import { planNetwork } from '../../neural/network-spec';
import { referenceNetwork } from '../../neural/reference-network';
import { isStopped } from '../modes/operating-mode';
import { OwnValuesWatch } from '../own-level/own-values-watch';
import { networkSpecOf } from '../expectation/predictor';
import { SensorNotes, type SensorNote } from '../sensors/sensor-notes';
import type { CourseRow } from './predicted-rows';
import { attribute, expectedWindow, type Attribution } from './integrated-gradients';

/** Rows of the window that is explained, and those at its end whose mean residual is. */
const windowRows = 120;
const judgedRows = 60;
/** Rows before the window that show where the machine stood, many of them: what creeps has crept for minutes before it is found. */
const levelRows = 1800;
/** Fewer of them show nothing. */
const leastLevelRows = 150;
/** The carried state is warming up. */
const warmUpRows = 20;
/** Rows that an explanation looks at. */
export const explainedRows = windowRows + levelRows;

export interface ExplainOptions {
	readonly points?: number;
	readonly proceed?: () => Promise<boolean>;
}

/** `end`: index of the row to explain. Undefined when fewer than 80 rows lie before it without a gap. */
export async function explainRows(
	pkg: ModelPackage,
	rows: readonly CourseRow[],
	end: number,
	options: ExplainOptions = {}
): Promise<Attribution | undefined> {
	const sensors = pkg.version.scaler.sensorNames.length;
	const start = unbrokenFrom(rows, end, explainedRows);
	const from = Math.max(start, end - windowRows + 1);
	const count = end - from + 1;
	if (count < judgedRows + warmUpRows) return undefined;
	const known = rows.slice(start, end + 1);
	const scaled = scaledRows(pkg, known);
	const level = levelOf(pkg, scaled, from - start);
	const window = scaled.subarray((from - start) * sensors);
	const reference = expectedWindow(pkg, window, count, level);
	return attribute({
		pkg,
		window,
		rows: count,
		judgedRows,
		level,
		notes: notesOf(pkg, known),
		byOthers: byOthersOf(pkg, known, scaled),
		reference,
		...options
	});
}

/** Index of the first of at most `most` rows up to `end` with no gap between. */
function unbrokenFrom(rows: readonly CourseRow[], end: number, most: number): number {
	let from = end;
	while (from > 0 && end - from + 1 < most && !rows[from]!.breakBefore) from--;
	return from;
}

/** Row-major [rows, sensors]; as the row before where nothing is known. */
function scaledRows({ version }: ModelPackage, rows: readonly CourseRow[]): Float32Array {
	const { scaler } = version;
	const sensors = scaler.sensorNames.length;
	const scaled = new Float32Array(rows.length * sensors);
	rows.forEach(({ values }, r) => {
		for (let i = 0; i < sensors; i++) {
			const value = (values[i]! - scaler.mean[i]!) / scaler.deviation[i]!;
			scaled[r * sensors + i] = Number.isNaN(value)
				? (scaled[(r - 1) * sensors + i] ?? 0)
				: Math.max(-8, Math.min(8, value));
		}
	});
	return scaled;
}

/** The machine's own mean standardised residual in the first `rows` of them; undefined when they are too few. */
function levelOf({ version, weights }: ModelPackage, scaled: Float32Array, rows: number): Float64Array | undefined {
	if (rows < leastLevelRows) return undefined;
	const { calibration, spec } = version;
	const sensors = spec.features;
	const plan = planNetwork(networkSpecOf(spec));
	const network = new Float32Array(weights, 0, plan.weightCount);
	const { outputs } = referenceNetwork(plan, network, scaled.subarray(0, (rows - 1) * sensors), 1, rows - 1);
	const level = new Float64Array(sensors);
	for (let r = warmUpRows; r < rows; r++)
		for (let i = 0; i < sensors; i++) {
			const at = r * sensors + i;
			const residual = scaled[at]! - outputs[at - sensors]! - calibration.residualMean[i]!;
			level[i]! += residual / calibration.residualDeviation[i]! / (rows - warmUpRows);
		}
	return level;
}

/** [sensors]: squared distance of each sensor's value from what the others and the machine's own level say, 1 being where one alone would be anomalous. */
function byOthersOf(
	{ version }: ModelPackage,
	rows: readonly CourseRow[],
	scaled: Float32Array
): Float64Array | undefined {
	const { ownValues, stoppedBelow } = version.calibration;
	if (!ownValues) return undefined;
	const sensors = version.scaler.sensorNames.length;
	const watch = new OwnValuesWatch(ownValues, sensors);
	rows.forEach((row, r) => {
		watch.notice(scaled.subarray(r * sensors, (r + 1) * sensors));
		if (!isStopped(stoppedBelow, row.values)) watch.update(true);
	});
	const found = watch.judge(1);
	if (!found) return undefined;
	const squares = found.squares();
	const total = squares.reduce((sum, square) => sum + square, 0) || 1;
	return squares.map((square) => (square / total) * found.score ** 2);
}

function notesOf({ version }: ModelPackage, rows: readonly CourseRow[]): readonly SensorNote[] {
	const { calibration } = version;
	const notes = new SensorNotes(calibration, version.scaler.sensorNames.length);
	for (const { values } of rows) {
		notes.take(values);
		if (isStopped(calibration.stoppedBelow, values)) notes.forgetRuns();
	}
	return notes.notes();
}
