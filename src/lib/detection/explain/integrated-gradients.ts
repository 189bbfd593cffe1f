/**
 * State Detection: which sensors an anomaly rests on, by the model itself.
 *
 * In: a window of rows that ends in the anomaly, and the weights. Out: each sensor's part of the squared deviation from where the machine
 * stood, by integrated gradients (Sundararajan, Taly, Yan, ICML 2017): the gradient along the straight way from what the model expected to
 * what happened. Parts add up to the deviation's growth (completeness); how nearly they do is given with them.
 */
import { MillwrightError, type ModelPackage } from '../../contracts';
import { planNetwork } from '../../neural/network-spec';
import { referenceNetwork } from '../../neural/reference-network';
import { statisticsOf } from '../residuals/residual-judge';
import { networkSpecOf } from '../expectation/predictor';
import type { SensorNote } from '../sensors/sensor-notes';

export interface AttributionRequest {
	readonly pkg: ModelPackage;
	/** Row-major [rows, sensors], scaled, oldest first, without NaN. The last ones are the anomaly. */
	readonly window: Float32Array;
	readonly rows: number;
	/** Rows at the end whose mean residual is explained. */
	readonly judgedRows: number;
	/** [sensors]: the machine's own mean standardised residual before; none: 0. */
	readonly level?: ArrayLike<number>;
	/** Sensors that are themselves the finding: no network sees a value that is missing, so each is its own part. */
	readonly notes?: readonly SensorNote[];
	/** [sensors]: squared deviations that the network goes along with, each its sensor's own part. */
	readonly byOthers?: ArrayLike<number> | undefined;
	/** The same window as it should have been, where the way begins; see `expectedWindow`. */
	readonly reference: ArrayLike<number>;
	/** Points on the way; more of them make the sum more exact. */
	readonly points?: number;
	/** Called between points, so that other work is not held up; false stops. */
	readonly proceed?: () => Promise<boolean>;
}

export interface Attribution {
	readonly sensorNames: readonly string[];
	/** Part of the squared deviation's growth, in its unit; their sum is the growth. Negative: the sensor's movement makes it smaller. */
	readonly parts: readonly number[];
	/** Sum over sensors of squared deviations, 1 being where a sensor alone would be anomalous; of what happened and of the reference. */
	readonly residual: number;
	readonly referenceResidual: number;
	/** |sum of parts - growth| / growth. */
	readonly completenessError: number;
}

/** Throws `invalid-input` for a window that is too short; `aborted` when told to stop. */
export async function attribute(request: AttributionRequest): Promise<Attribution> {
	const { pkg, window, rows, judgedRows, level, notes = [], byOthers, reference, points = 32, proceed } = request;
	const { scaler, spec, calibration } = pkg.version;
	const sensors = spec.features;
	if (rows < judgedRows + 2 || window.length !== rows * sensors)
		throw new MillwrightError('invalid-input', `${rows} rows are too few to explain ${judgedRows} of them`, { rows });
	const plan = planNetwork(networkSpecOf(spec));
	const weights = new Float32Array(pkg.weights, 0, plan.weightCount);
	const deviations = calibration.residualDeviation;
	const offsets = calibration.residualMean;
	const steps = rows - 1;

	const limits = limitsOf(pkg.version);

	/** Squared deviation and its gradient by every number of the window. */
	const evaluate = (x: Float64Array): { value: number; gradient: Float64Array } => {
		const network = referenceNetwork(plan, weights, x.subarray(0, steps * sensors), 1, steps);
		const mean = new Float64Array(sensors);
		for (let r = rows - judgedRows; r < rows; r++)
			for (let i = 0; i < sensors; i++) {
				const at = r * sensors + i;
				mean[i]! += (x[at]! - network.outputs[at - sensors]! - offsets[i]!) / deviations[i]! / judgedRows;
			}
		const byOutput = new Float64Array(steps * sensors);
		const gradient = new Float64Array(rows * sensors);
		let value = 0;
		for (let i = 0; i < sensors; i++) {
			const deviation = (mean[i]! - (level?.[i] ?? 0)) / limits[i]!;
			value += deviation * deviation;
			const slope = (2 * deviation) / limits[i]! / deviations[i]! / judgedRows;
			for (let r = rows - judgedRows; r < rows; r++) {
				byOutput[(r - 1) * sensors + i] = -slope;
				gradient[r * sensors + i]! += slope;
			}
		}
		const { inputs } = network.backward(byOutput);
		for (let k = 0; k < inputs.length; k++) gradient[k]! += inputs[k]!;
		return { value, gradient };
	};

	const from = Float64Array.from(reference);
	const parts = new Array<number>(sensors).fill(0);
	const x = new Float64Array(rows * sensors);
	for (let p = 0; p < points; p++) {
		if (proceed && !(await proceed())) throw new MillwrightError('aborted', 'The explanation was stopped');
		const way = (p + 0.5) / points;
		for (let k = 0; k < x.length; k++) x[k] = from[k]! + way * (window[k]! - from[k]!);
		const { gradient } = evaluate(x);
		for (let k = 0; k < x.length; k++) parts[k % sensors]! += (gradient[k]! * (window[k]! - from[k]!)) / points;
	}
	let beside = 0;
	for (const { sensor, score } of notes) {
		parts[sensor]! += score * score;
		beside += score * score;
	}
	for (let i = 0; byOthers && i < sensors; i++) {
		parts[i]! += byOthers[i]!;
		beside += byOthers[i]!;
	}
	const residual = evaluate(Float64Array.from(window)).value + beside;
	const referenceResidual = evaluate(from).value;
	const growth = residual - referenceResidual;
	const sum = parts.reduce((total, part) => total + part, 0);
	return {
		sensorNames: scaler.sensorNames,
		parts,
		residual,
		referenceResidual,
		completenessError: Math.abs(sum - growth) / Math.max(1e-9, Math.abs(growth))
	};
}

/** [sensors], standardised residuals: mean deviation at which a sensor alone would be anomalous, by the slowest bias statistic. */
function limitsOf(version: ModelPackage['version']): number[] {
	const sensors = version.spec.features;
	const slow = statisticsOf(version).findLast(({ kind }) => kind === 'bias');
	return Array.from({ length: sensors }, (_, i) => (slow ? slow.deviation[i]! * slow.threshold * sensors ** 0.25 : 1));
}

/**
 * The window as the model expected it of this machine, row by row from what came before; the first row as it was. `level`: the machine's own
 * mean standardised residual. Shapes as of the window.
 */
export function expectedWindow(
	pkg: ModelPackage,
	window: Float32Array,
	rows: number,
	level?: ArrayLike<number>
): Float64Array {
	const { spec, calibration } = pkg.version;
	const sensors = spec.features;
	const plan = planNetwork(networkSpecOf(spec));
	const weights = new Float32Array(pkg.weights, 0, plan.weightCount);
	const { outputs } = referenceNetwork(plan, weights, window.subarray(0, (rows - 1) * sensors), 1, rows - 1);
	const expected = Float64Array.from(window);
	for (let k = 0; k < outputs.length; k++) {
		const i = k % sensors;
		expected[k + sensors] =
			outputs[k]! + calibration.residualMean[i]! + (level?.[i] ?? 0) * calibration.residualDeviation[i]!;
	}
	return expected;
}

/** Parts as shares: what raises the residual, largest first; they sum to 1. */
export function sharesOf({ sensorNames, parts }: Attribution): { sensorName: string; share: number }[] {
	const raising = parts.map((part) => Math.max(0, part));
	const total = raising.reduce((sum, part) => sum + part, 0) || 1;
	return sensorNames
		.map((sensorName, i) => ({ sensorName, share: raising[i]! / total }))
		.sort((a, b) => b.share - a.share);
}
