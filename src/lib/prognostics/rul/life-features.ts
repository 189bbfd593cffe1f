/**
 * Prognostics: what a row of a life becomes. In: a unit's scaled sensors from its first step on. Out: one row of features per
 * step that looks only back: values, smoothed values at several spans, change since the unit was new, mean so far, age.
 */
import type { LifeFeatureSpec, UnitHistory } from '../../contracts';

/** Steps whose mean is the unit "as new". */
const newSteps = 15;
/** Smoothing for the change since new, steps. */
const changeSpan = 15;
const limit = 6;

/** Steps from a row of a failed unit's life to its failure. */
export function stepsLeft({ steps, remainingAtEnd = 0 }: UnitHistory, row: number): number {
	return steps - 1 - row + remainingAtEnd;
}

export function featureWidth(spec: LifeFeatureSpec, sensors: number): number {
	const blocks = (spec.raw ? 1 : 0) + spec.spans.length + (spec.sinceNew ? 1 : 0) + (spec.lifeMean ? 1 : 0);
	return blocks * sensors + (spec.age ? 2 : 0);
}

/** `scaled` [steps, sensors] -> [steps, featureWidth]. Smoothed values are corrected for their start, all clipped to +-6. */
export function lifeFeatures(spec: LifeFeatureSpec, scaled: Float32Array, sensors: number): Float32Array {
	const steps = scaled.length / sensors;
	const width = featureWidth(spec, sensors);
	const features = new Float32Array(steps * width);
	let column = 0;
	const write = (t: number, j: number, value: number) => {
		features[t * width + column + j] = Math.max(-limit, Math.min(limit, value));
	};
	const block = (fill: (j: number) => void) => {
		for (let j = 0; j < sensors; j++) fill(j);
		column += sensors;
	};
	if (spec.raw)
		block((j) => {
			for (let t = 0; t < steps; t++) write(t, j, scaled[t * sensors + j]!);
		});
	for (const span of spec.spans)
		block((j) => smoothed(scaled, sensors, j, span, (t, value) => write(t, j, 1.5 * value)));
	if (spec.sinceNew)
		block((j) => {
			let sum = 0;
			smoothed(scaled, sensors, j, changeSpan, (t, value) => {
				if (t < newSteps) sum += scaled[t * sensors + j]!;
				write(t, j, 1.5 * (value - sum / Math.min(t + 1, newSteps)));
			});
		});
	if (spec.lifeMean)
		block((j) => {
			let sum = 0;
			for (let t = 0; t < steps; t++) write(t, j, (2 * (sum += scaled[t * sensors + j]!)) / (t + 1));
		});
	if (spec.age)
		for (let t = 0; t < steps; t++) {
			write(t, 0, (t + 1 - 100) / 80);
			write(t, 1, Math.log(t + 1) - 4);
		}
	return features;
}

/** Exponentially weighted mean of column `j`, divided by the weight so far. */
function smoothed(
	values: Float32Array,
	width: number,
	j: number,
	span: number,
	each: (t: number, value: number) => void
): void {
	const alpha = 2 / (span + 1);
	let sum = 0;
	let weight = 0;
	const steps = values.length / width;
	for (let t = 0; t < steps; t++) {
		sum += alpha * (values[t * width + j]! - sum);
		weight += alpha * (1 - weight);
		each(t, sum / weight);
	}
}

/**
 * The window of `windowSteps` rows that ends at each of `ends`, from [steps, width]; where the life is shorter, its first row
 * is repeated before it. Returns [ends, windowSteps, width].
 */
export function windowsEndingAt(
	features: Float32Array,
	width: number,
	ends: readonly number[],
	windowSteps: number
): Float32Array {
	const windows = new Float32Array(ends.length * windowSteps * width);
	ends.forEach((end, w) => {
		for (let s = 0; s < windowSteps; s++) {
			const t = Math.max(0, end - windowSteps + 1 + s);
			windows.set(features.subarray(t * width, (t + 1) * width), (w * windowSteps + s) * width);
		}
	});
	return windows;
}
