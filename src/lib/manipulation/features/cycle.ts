/**
 * Data Manipulation, features: one cycle of a machine that repeats itself (a press stroke, a test cycle, a batch).
 *
 * In: one sensor's samples over one cycle, at any rate. Out: what its level does (statistics) and how it runs (mean and deviation of
 * twenty equal pieces), in the order of `cycleFeatureIds`.
 */
import { MillwrightError } from '../../contracts';
import { cycleProfile, momentsOf, quantileOf, trendOf } from './statistical';

const pieces = 20;
const quantiles = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1] as const;

export const cycleFeatureIds: readonly string[] = [
	'mean',
	'deviation',
	'skewness',
	'kurtosis',
	'trend',
	'meanStep',
	...quantiles.map((p) => `p${String(100 * p).padStart(2, '0')}`),
	...Array.from({ length: pieces }, (_, i) => `piece${i + 1}.mean`),
	...Array.from({ length: pieces }, (_, i) => `piece${i + 1}.deviation`)
];

/** @throws MillwrightError `not-enough-data` with fewer than twenty samples. */
export function extractCycleFeatures(samples: ArrayLike<number>): Float64Array {
	if (samples.length < pieces)
		throw new MillwrightError(
			'not-enough-data',
			`A cycle needs at least ${pieces} samples of each sensor; this has ${samples.length}`
		);
	const { mean, deviation, skewness, kurtosis } = momentsOf(samples);
	const sorted = Float64Array.from(samples).sort();
	let steps = 0;
	for (let i = 1; i < samples.length; i++) steps += Math.abs(samples[i]! - samples[i - 1]!);
	return Float64Array.of(
		mean,
		deviation,
		skewness,
		kurtosis,
		trendOf(samples),
		steps / (samples.length - 1),
		...quantiles.map((p) => quantileOf(sorted, p)),
		...cycleProfile(samples, pieces)
	);
}
