/**
 * Data Manipulation: aligned rows to training windows.
 *
 * In: unbroken segments and a scaler. Out: inputs and next-row targets of equal length, sequence to sequence: target row t is
 * input row t+1, exactly what live scoring asks of the network step by step.
 */
import type { Scaler } from '../contracts';
import type { AlignedRow } from './resampler';
import { scaleRow } from './scaler';

export interface WindowSet {
	/** [count, steps, features], scaled. */
	readonly inputs: Float32Array;
	/** [count, steps, features], scaled: the row after each input row. */
	readonly targets: Float32Array;
	readonly count: number;
	readonly steps: number;
	readonly features: number;
}

/** Windows of `steps` inputs that start every `stride` rows of each segment; segments shorter than steps + 1 give none. */
export function cutWindows(
	segments: readonly (readonly AlignedRow[])[],
	scaler: Scaler,
	steps: number,
	stride: number
): WindowSet {
	const features = scaler.mean.length;
	const starts: { segment: readonly AlignedRow[]; at: number }[] = [];
	for (const segment of segments) {
		const last = segment.length - steps - 1;
		for (let at = 0; at <= last; at += stride) starts.push({ segment, at });
		// The newest rows count as much as the first ones.
		if (last > 0 && last % stride !== 0) starts.push({ segment, at: last });
	}
	const inputs = new Float32Array(starts.length * steps * features);
	const targets = new Float32Array(inputs.length);
	starts.forEach(({ segment, at }, w) => {
		for (let s = 0; s < steps; s++) {
			const offset = (w * steps + s) * features;
			scaleRow(scaler, segment[at + s]!.values, inputs, offset);
			scaleRow(scaler, segment[at + s + 1]!.values, targets, offset);
		}
	});
	return { inputs, targets, count: starts.length, steps, features };
}

/** Mean squared error of "the next row equals this one": the floor a predictor has to beat. */
export function persistenceLoss(windows: WindowSet): number {
	let sum = 0;
	for (let i = 0; i < windows.inputs.length; i++) sum += (windows.inputs[i]! - windows.targets[i]!) ** 2;
	return windows.inputs.length === 0 ? Number.NaN : sum / windows.inputs.length;
}
