/**
 * State Detection: how far a machine's threshold moves from its calibration, given the chosen rate of false alarms.
 *
 * In: peaks of the score in normal running and in anomalies that people have judged. Out: the factor by which the threshold is
 * multiplied, or nothing to change, with the reason in words. Always bounded, and small at a time.
 */

/** The factor stays between these, whatever is asked for. */
export const factorBounds = [0.8, 2] as const;
/** Most that one review changes it by. */
export const largestStep = 0.1;
/** Smaller changes are not worth an entry. */
const smallestStep = 0.01;
/** A fault that a person confirmed must go on being found: the threshold stays this far below its peak. */
const confirmedMargin = 0.95;
/** Hours of normal running from which the tail of the score is read. */
export const hoursForTail = 168;

export interface ThresholdEvidence {
	/** Factor in use. */
	readonly factor: number;
	/** False alarms per week that a person accepts. */
	readonly perWeek: number;
	readonly hoursWatched: number;
	/** Largest score (over the calibrated threshold) of every hour of running that belongs to no anomaly. */
	readonly hourlyPeaks: readonly number[];
	/** Peak scores of anomalies judged false, and of those judged true; over the calibrated threshold. */
	readonly falsePeaks: readonly number[];
	readonly truePeaks: readonly number[];
}

export interface ThresholdChange {
	readonly factor: number;
	readonly why: string;
}

/**
 * Level that hourly maxima exceed `perWeek` times a week: Gumbel distribution of block maxima (Gumbel, Statistics of Extremes, 1958),
 * fitted by L-moments (Hosking, J. R. Stat. Soc. B 52(1), 1990). NaN with fewer than two maxima.
 */
export function returnLevel(hourlyPeaks: readonly number[], perWeek: number): number {
	const sorted = Float64Array.from(hourlyPeaks).sort();
	const n = sorted.length;
	if (n < 2) return Number.NaN;
	let b0 = 0;
	let b1 = 0;
	for (let i = 0; i < n; i++) {
		b0 += sorted[i]! / n;
		b1 += (sorted[i]! * i) / (n - 1) / n;
	}
	const scale = Math.max(0, 2 * b1 - b0) / Math.LN2;
	const location = b0 - 0.57721566 * scale;
	const perHour = Math.min(0.5, perWeek / 168);
	return location - scale * Math.log(-Math.log(1 - perHour));
}

/** What the threshold should be moved to now; undefined: leave it. */
export function adjustThreshold(evidence: ThresholdEvidence): ThresholdChange | undefined {
	const { factor, perWeek, hoursWatched, hourlyPeaks, falsePeaks, truePeaks } = evidence;
	const allowed = perWeek * (hoursWatched / 168);
	const falseNow = falsePeaks.filter((peak) => peak >= factor).length;
	let wanted = factor;
	let why = '';
	if (falseNow > allowed) {
		// Just above the largest false alarm that is one too many.
		const ranked = [...falsePeaks].sort((a, b) => b - a);
		wanted = Math.max(wanted, ranked[Math.floor(allowed)]! * 1.02);
		why = `${falseNow} ${falseNow === 1 ? 'anomaly was' : 'anomalies were'} judged false where ${allowed < 1 ? 'fewer than one' : Math.floor(allowed)} would be accepted by now`;
	} else if (hourlyPeaks.length >= hoursForTail) {
		const level = returnLevel([...hourlyPeaks, ...falsePeaks], perWeek);
		if (Number.isFinite(level)) {
			wanted = level;
			why = `${hourlyPeaks.length} hours of normal running say that the chosen rate lies at ${level.toFixed(2)} times the calibrated threshold`;
		}
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
	return { factor: Math.round(next * 1000) / 1000, why: `${why.charAt(0).toUpperCase()}${why.slice(1)}.` };
}

function clamp(value: number, low: number, high: number): number {
	return Math.min(high, Math.max(low, value));
}
