/**
 * State Detection: how far a machine's threshold moves from its calibration, given the chosen rate of false alarms.
 *
 * In: peaks of the score in normal running and in anomalies that people have judged. Out: the factor by which the threshold is
 * multiplied, or nothing to change, with the reason in words. Always bounded, and small at a time.
 */
import { leastWatchedHours, sentence } from '../../contracts';
import { fitPareto, leastExcesses, paretoQuantile, paretoQuantileError } from './pareto-tail';
import type { TailEvidence } from './score-tail';

/** The factor stays between these, whatever is asked for. */
export const factorBounds = [0.8, 2] as const;
/** Most that one review changes it by. */
export const largestStep = 0.1;
/** Smaller changes are not worth an entry. */
const smallestStep = 0.01;
/** A fault that a person confirmed must go on being found: the threshold stays this far below its peak. */
const confirmedMargin = 0.95;
/** Share of the runs whose peaks are taken for the tail. */
const tailShare = 0.2;
/** A tail is not believed further than this many times the largest peak. */
const farthest = 1.5;
/** Standard errors on each side of an 80 % interval. */
const eightyPercent = 1.2816;
const weekHours = 168;

/** Where the chosen rate lies, over the calibrated threshold, with an 80 % interval. */
export interface TailLevel {
	readonly level: number;
	readonly low: number;
	readonly high: number;
	/** Peaks that it rests on, and hours of normal running. */
	readonly peaks: number;
	readonly hours: number;
}

/**
 * The score that normal running exceeds `perWeek` times in a week of it: generalised Pareto tail of the peaks over the level that the
 * largest fifth of them exceed. `falsePeaks`: of alarms judged false; they are normal running too. Undefined with less than a day or 20 peaks.
 */
export function readTail(
	evidence: TailEvidence,
	falsePeaks: readonly number[],
	perWeek: number
): TailLevel | undefined {
	const { hours, runs, floor } = evidence;
	if (hours < leastWatchedHours) return undefined;
	const sorted = Float64Array.from([...evidence.peaks, ...falsePeaks.filter((peak) => peak > floor)]).sort();
	const wanted = Math.max(leastExcesses, Math.round(tailShare * runs));
	const start = Math.max(floor, sorted[sorted.length - 1 - wanted] ?? Number.NEGATIVE_INFINITY);
	if (!Number.isFinite(start)) return undefined;
	const tail = fitPareto(sorted.filter((peak) => peak > start).map((peak) => peak - start));
	if (!tail) return undefined;
	// Excesses a week, over those that are accepted.
	const ratio = Math.max(1, ((tail.excesses / hours) * weekHours) / perWeek);
	const most = farthest * sorted[sorted.length - 1]!;
	const level = Math.min(most, start + paretoQuantile(tail, ratio));
	const margin = eightyPercent * paretoQuantileError(tail, ratio);
	return { level, low: Math.max(start, level - margin), high: level + margin, peaks: tail.excesses, hours };
}

export interface ThresholdEvidence {
	/** Factor in use. */
	readonly factor: number;
	/** False alarms per week that a person accepts. */
	readonly perWeek: number;
	/** Of normal running. */
	readonly hoursWatched: number;
	readonly tail: TailLevel | undefined;
	/** Peak scores of alarms judged false, and of anomalies judged true; over the calibrated threshold. */
	readonly falsePeaks: readonly number[];
	readonly truePeaks: readonly number[];
}

export interface ThresholdChange {
	readonly factor: number;
	readonly why: string;
}

/** What the threshold should be moved to now; undefined: leave it. */
export function adjustThreshold(evidence: ThresholdEvidence): ThresholdChange | undefined {
	const { factor, perWeek, hoursWatched, tail, falsePeaks, truePeaks } = evidence;
	const allowed = perWeek * (hoursWatched / weekHours);
	// Just above the largest false alarm that is one too many: not below, whatever the tail says.
	const tooMany = [...falsePeaks].sort((a, b) => b - a)[Math.floor(allowed)];
	const least = tooMany === undefined ? 0 : tooMany * 1.02;
	let wanted = factor;
	let why = '';
	if (tail) {
		// Up to where the chosen rate lies; down only as far as that is sure.
		wanted = clamp(factor, tail.level, tail.high);
		const [level, low, high] = [tail.level, tail.low, tail.high].map((value) => value.toFixed(2));
		why = `${tail.peaks} peaks in ${Math.round(tail.hours)} hours of normal running say that the chosen rate lies at ${level} (${low} to ${high}) times the calibrated threshold`;
	}
	if (tooMany !== undefined && tooMany >= factor && least > wanted) {
		const falseNow = falsePeaks.filter((peak) => peak >= factor).length;
		wanted = least;
		why = `${falseNow} ${falseNow === 1 ? 'alarm was' : 'alarms were'} judged false where ${allowed < 1 ? 'fewer than one' : Math.floor(allowed)} would be accepted by now`;
	} else if (wanted < Math.min(factor, least)) {
		wanted = Math.min(factor, least);
		why += '; it stays above what was judged false';
	}
	if (why === '') return undefined;
	const weakest = Math.min(...truePeaks, Infinity) * confirmedMargin;
	if (wanted > weakest && weakest < Infinity) {
		// Never above a confirmed fault; where it stands above one already, it stays.
		wanted = Math.max(Math.min(wanted, weakest), Math.min(factor, wanted));
		why += '; it stays below the weakest confirmed fault';
	}
	const bounded = clamp(wanted, ...factorBounds);
	if (bounded !== wanted) why += '; it has reached its bound';
	const next = clamp(bounded, factor * (1 - largestStep), factor * (1 + largestStep));
	if (Math.abs(next / factor - 1) < smallestStep) return undefined;
	return { factor: Math.round(next * 1000) / 1000, why: `${sentence(why)}.` };
}

function clamp(value: number, low: number, high: number): number {
	return Math.min(high, Math.max(low, value));
}
