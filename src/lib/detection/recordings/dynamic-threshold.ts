/**
 * State Detection: what stands out among prediction errors of a whole recording, without labels and without a threshold set beforehand.
 *
 * In: an error per row. Out: sequences whose smoothed error is over a threshold that separates best, those pruned that hardly exceed what is normal.
 * Non-parametric dynamic thresholding with pruning: Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric dynamic thresholding", KDD 2018, sections 3.2 and 3.3.
 */
import type { AnomalySequence } from './anomaly-sequences';

/** Errors are smoothed exponentially over so many rows (weight 2 / (n + 1)), as the authors' batches of 70 in windows of 30 give, 5 % of them. */
export const errorSpanRows = 105;
/** Rows that are judged together, as published. */
export const publishedWindowRows = 2100;
/** A window begins a third of its length after the one before. */
const windowSteps = 3;
/** Thresholds tried lie so many deviations over the mean. */
const factors = Array.from({ length: 20 }, (_, k) => 2.5 + 0.5 * k);
/** Findings closer to each other are one, and reach as far on both sides. */
const bufferRows = 100;
/** A threshold that more sequences or rows exceed separates nothing. */
const mostSequences = 5;
const mostShare = 0.5;
/** Share by which errors have to fall from one sequence's largest to the next for those before to stay. */
const pruning = 0.13;

export interface DynamicThresholdOptions {
	/** Rows with one threshold; default: all. */
	readonly windowRows?: number;
	/** Smoothed errors up to this are too small to matter, whatever the others are. */
	readonly leastError: number;
}

/** Exponentially smoothed; a row without an error (NaN) has none, and the next goes on from before it. */
export function smoothErrors(errors: ArrayLike<number>): Float64Array {
	const weight = 2 / (errorSpanRows + 1);
	const smoothed = new Float64Array(errors.length).fill(Number.NaN);
	let level = Number.NaN;
	for (let r = 0; r < errors.length; r++) {
		const error = errors[r]!;
		if (Number.isNaN(error)) continue;
		level = Number.isNaN(level) ? error : level + weight * (error - level);
		smoothed[r] = level;
	}
	return smoothed;
}

/** `smoothed`: see `smoothErrors`. A sequence's peak is its largest error over the threshold of its window. */
export function outstandingErrors(smoothed: Float64Array, options: DynamicThresholdOptions): AnomalySequence[] {
	const { leastError, windowRows = smoothed.length } = options;
	const step = Math.max(1, Math.ceil(windowRows / windowSteps));
	/** Largest error over a threshold that made the row part of a finding; 0: none did. */
	const peaks = new Float64Array(smoothed.length);
	for (let from = 0; ; from += step) {
		const last = from + windowRows >= smoothed.length;
		// The last window is as long as the others.
		const begin = last ? Math.max(0, smoothed.length - windowRows) : from;
		for (const { from: first, to, peak } of judgeWindow(smoothed.subarray(begin, begin + windowRows), leastError))
			for (let r = begin + first; r <= begin + to; r++) peaks[r] = Math.max(peaks[r]!, peak);
		if (last) break;
	}
	const found: { from: number; to: number; peak: number }[] = [];
	peaks.forEach((peak, r) => {
		if (peak === 0) return;
		const before = found.at(-1);
		if (before && before.to === r - 1) {
			before.to = r;
			before.peak = Math.max(before.peak, peak);
		} else found.push({ from: r, to: r, peak });
	});
	return found;
}

function judgeWindow(errors: Float64Array, leastError: number): AnomalySequence[] {
	const known = errors.filter((error) => !Number.isNaN(error));
	const { mean, deviation } = momentsOf(known);
	if (!(mean > 0) || !(deviation > 0)) return [];
	let best: { threshold: number; sequences: AnomalySequence[] } | undefined;
	let bestGain = 0;
	for (const factor of factors) {
		const threshold = mean + factor * deviation;
		const below = known.filter((error) => error < threshold);
		if (below.length === known.length) break;
		const sequences = sequencesOver(errors, threshold);
		const rows = sequences.reduce((sum, { from, to }) => sum + to - from + 1, 0);
		if (sequences.length > mostSequences || rows >= mostShare * errors.length) continue;
		const rest = momentsOf(below);
		const fall = (mean - rest.mean) / mean + (deviation - rest.deviation) / deviation;
		const gain = fall / (rows + sequences.length ** 2);
		if (gain < bestGain) continue;
		bestGain = gain;
		best = { threshold, sequences };
	}
	if (!best) return [];
	const { threshold, sequences } = best;
	const inside = new Uint8Array(errors.length);
	for (const { from, to } of sequences) inside.fill(1, from, to + 1);
	let largestNormal = 0;
	errors.forEach((error, r) => {
		if (!inside[r] && error > largestNormal) largestNormal = error;
	});
	return prune(sequences, largestNormal)
		.filter(({ peak }) => peak > leastError)
		.map((sequence) => ({ ...sequence, peak: sequence.peak / threshold }));
}

/** With the rows around them; `peak`: the largest error. */
function sequencesOver(errors: Float64Array, threshold: number): AnomalySequence[] {
	const found: { from: number; to: number; peak: number }[] = [];
	errors.forEach((error, r) => {
		if (!(error >= threshold)) return;
		const before = found.at(-1);
		const to = Math.min(errors.length - 1, r + bufferRows);
		if (before && r - bufferRows <= before.to + 1) {
			before.to = to;
			before.peak = Math.max(before.peak, error);
		} else found.push({ from: Math.max(0, r - bufferRows), to, peak: error });
	});
	return found;
}

/** Keeps the sequences down to the last one after which the largest error falls by more than the pruning share. */
function prune(sequences: readonly AnomalySequence[], largestNormal: number): AnomalySequence[] {
	const sorted = [...sequences].sort((a, b) => b.peak - a.peak);
	let kept = 0;
	sorted.forEach(({ peak }, k) => {
		const next = sorted[k + 1]?.peak ?? largestNormal;
		if ((peak - next) / peak > pruning) kept = k + 1;
	});
	return sorted.slice(0, kept).sort((a, b) => a.from - b.from);
}

function momentsOf(values: Float64Array): { mean: number; deviation: number } {
	let sum = 0;
	for (const value of values) sum += value;
	const mean = sum / values.length;
	let squares = 0;
	for (const value of values) squares += (value - mean) ** 2;
	return { mean, deviation: Math.sqrt(squares / values.length) };
}
