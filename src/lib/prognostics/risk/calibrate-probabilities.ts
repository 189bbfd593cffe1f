/**
 * Prognostics: probabilities that mean what they say. In: what a model said of rows it had not learnt from, and what came. Out: a
 * curve from said to true probability: Platt 1999, "Probabilistic outputs for support vector machines", on the log-odds, with a
 * small penalty, so that a model that is always right on few rows does not come out certain.
 */
import type { ProbabilityCalibration } from '../../contracts';
import { fitLogistic } from './logistic';

/** The curve; undefined (nothing is changed) where a class has no rows or what was said does not rise with what came. */
export function calibrateProbabilities(
	said: ArrayLike<number>,
	came: ArrayLike<number>
): ProbabilityCalibration | undefined {
	const known = Array.from(said, (_, i) => i).filter((i) => Number.isFinite(said[i]!));
	const positives = known.filter((i) => came[i] === 1).length;
	if (positives === 0 || positives === known.length) return undefined;
	const { mean, deviation, weights } = fitLogistic(
		Float64Array.from(known, (i) => logOdds(said[i]!)),
		1,
		Uint8Array.from(known, (i) => came[i]!)
	);
	const slope = weights[0]! / deviation[0]!;
	return slope > 0 ? { slope, offset: weights[1]! - slope * mean[0]! } : undefined;
}

export function calibrated(curve: ProbabilityCalibration | undefined, said: number): number {
	return curve ? 1 / (1 + Math.exp(-(curve.slope * logOdds(said) + curve.offset))) : said;
}

/** Bounded: a forest of a hundred trees says 0 and 1. */
function logOdds(probability: number): number {
	const bounded = Math.max(0.002, Math.min(0.998, probability));
	return Math.log(bounded / (1 - bounded));
}
