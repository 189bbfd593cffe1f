/**
 * Prognostics: a small LSTM that tells failures, at work. In: its weights and windows of feature rows, the last row of each being told. Out: probabilities,
 * and what pushed one: integrated gradients (Sundararajan, Taly & Yan, ICML 2017) of its log-odds, from the mean row to the window.
 *
 * It runs on the engine's plain loops: a few windows of a few steps need no backend, and reasons need its gradients.
 */
import type { RiskLstm } from '../../contracts';
import type { NetworkSpec } from '../../neural/engine';
import { planNetwork } from '../../neural/network-spec';
import { referenceNetwork } from '../../neural/reference-network';
import { calibrated } from './calibrate-probabilities';

/** Points on the way from the mean row: as many as leave the sum of the parts within a hundredth of the step. */
const wayPoints = 32;
/** Windows in one go: bounds memory. */
const windowsAtOnce = 256;

export function riskLstmSpec(
	features: number,
	units: number,
	activation: 'sigmoid' | 'linear' = 'sigmoid'
): NetworkSpec {
	return {
		features,
		layers: [
			{ kind: 'lstm', units, returnSequences: false },
			{ kind: 'dense', units: 1, activation }
		]
	};
}

/** [places.length, steps, features], standardised: of each place the rows up to it while `follows` says that they belong together; the first repeated where there are too few. */
export function lstmWindows(
	{ mean, deviation }: Pick<RiskLstm, 'mean' | 'deviation'>,
	steps: number,
	rows: ArrayLike<number>,
	places: readonly number[],
	follows: (row: number) => boolean
): Float32Array {
	const features = mean.length;
	const windows = new Float32Array(places.length * steps * features);
	places.forEach((place, w) => {
		let row = place;
		for (let s = steps - 1; s >= 0; s--) {
			for (let f = 0; f < features; f++)
				windows[(w * steps + s) * features + f] = (rows[row * features + f]! - mean[f]!) / deviation[f]!;
			if (row > 0 && follows(row)) row--;
		}
	});
	return windows;
}

/** `windows`: [count, steps, features], own units. */
export function lstmProbabilities(model: RiskLstm, windows: ArrayLike<number>): Float64Array {
	const scaled = standardise(model, windows);
	const each = model.steps * model.mean.length;
	const count = scaled.length / each;
	const plan = planNetwork(riskLstmSpec(model.mean.length, model.units));
	const said = new Float64Array(count);
	for (let from = 0; from < count; from += windowsAtOnce) {
		const to = Math.min(count, from + windowsAtOnce);
		const part = scaled.subarray(from * each, to * each);
		const { outputs } = referenceNetwork(plan, model.weights, part, to - from, model.steps);
		for (let w = from; w < to; w++) said[w] = calibrated(model.curve, outputs[w - from]!);
	}
	return said;
}

/** Log-odds of the mean row, and the parts of each feature in the step from there to those of `window` [steps, features], over all its rows. */
export function lstmContributions(
	model: RiskLstm,
	window: ArrayLike<number>
): { readonly base: number; readonly byFeature: Float64Array } {
	const scaled = standardise(model, window);
	const features = model.mean.length;
	const plan = planNetwork(riskLstmSpec(features, model.units, 'linear'));
	const way = new Float32Array((wayPoints + 1) * scaled.length);
	// The first window is the mean row itself: all zeros.
	for (let p = 0; p < wayPoints; p++)
		for (let k = 0; k < scaled.length; k++) way[(p + 1) * scaled.length + k] = ((p + 0.5) / wayPoints) * scaled[k]!;
	const network = referenceNetwork(plan, model.weights, way, wayPoints + 1, model.steps);
	const slopes = network.backward(new Float64Array(wayPoints + 1).fill(1)).inputs;
	const byFeature = new Float64Array(features);
	for (let p = 1; p <= wayPoints; p++)
		for (let k = 0; k < scaled.length; k++)
			byFeature[k % features]! += (slopes[p * scaled.length + k]! * scaled[k]!) / wayPoints;
	return { base: network.outputs[0]!, byFeature };
}

function standardise({ mean, deviation }: RiskLstm, rows: ArrayLike<number>): Float32Array {
	const features = mean.length;
	return Float32Array.from(rows, (value, i) => (value - mean[i % features]!) / deviation[i % features]!);
}
