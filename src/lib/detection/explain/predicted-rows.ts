/**
 * State Detection: what the model's network expected of each row of a stretch of history.
 *
 * In: aligned rows and a version with its weights. Out: the expected values. Computed without a backend, so that any tab can have it without
 * taking anything from live scoring.
 */
import type { EpochMs, ModelPackage } from '../../contracts';
import { planNetwork } from '../../neural/network-spec';
import { referenceNetwork } from '../../neural/reference-network';
import { networkSpecOf } from '../expectation/predictor';

export interface CourseRow {
	readonly time: EpochMs;
	/** [sensors], own units, NaN where nothing is known. */
	readonly values: ArrayLike<number>;
	readonly breakBefore: boolean;
}

/** Rows that the carried state needs before what it expects counts. */
export const predictionWarmUpRows = 20;

/** [rows, sensors] in own units; NaN for the first rows of each unbroken stretch. */
export function predictRows({ version, weights: bytes }: ModelPackage, rows: readonly CourseRow[]): Float64Array {
	const { scaler, calibration, spec } = version;
	const sensors = spec.features;
	const plan = planNetwork(networkSpecOf(spec));
	const weights = new Float32Array(bytes, 0, plan.weightCount);
	const predicted = new Float64Array(rows.length * sensors).fill(Number.NaN);
	let start = 0;
	while (start < rows.length) {
		let end = start + 1;
		while (end < rows.length && !rows[end]!.breakBefore) end++;
		const input = new Float64Array((end - start) * sensors);
		for (let r = start; r < end; r++)
			for (let i = 0; i < sensors; i++) {
				const at = (r - start) * sensors + i;
				const value = (rows[r]!.values[i]! - scaler.mean[i]!) / scaler.deviation[i]!;
				// As the last row was, where nothing is known.
				input[at] = Number.isNaN(value) ? (r > start ? input[at - sensors]! : 0) : Math.max(-8, Math.min(8, value));
			}
		if (end - start > predictionWarmUpRows + 1) {
			const { outputs } = referenceNetwork(plan, weights, input, 1, end - start);
			for (let r = start + predictionWarmUpRows; r < end; r++)
				for (let i = 0; i < sensors; i++) {
					const scaled = outputs[(r - start - 1) * sensors + i]! + calibration.residualMean[i]!;
					predicted[r * sensors + i] = scaled * scaler.deviation[i]! + scaler.mean[i]!;
				}
		}
		start = end;
	}
	return predicted;
}
