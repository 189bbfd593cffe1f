/**
 * State: what verdicts say of a model - precision with its interval - and the rate of false alarms against the chosen one.
 *
 * In: judged events, hours watched. Out: figures. An anomaly of known cause was a right detection that needed no action: it counts
 * neither for nor against precision, and is shown beside.
 */
import type { Adaptation } from '$lib/contracts';
import type { JudgedEvent } from '../machine/anomaly-events';

export interface VerdictCounts {
	readonly true: number;
	readonly false: number;
	readonly knownCause: number;
	readonly unjudged: number;
}

export interface Share {
	readonly value: number;
	readonly low: number;
	readonly high: number;
}

export function countVerdicts(events: readonly JudgedEvent[]): VerdictCounts {
	const count = (wanted: string | undefined) => events.filter(({ entry }) => entry?.outcome === wanted).length;
	return {
		true: count('true'),
		false: count('false'),
		knownCause: count('known-cause'),
		unjudged: count(undefined)
	};
}

/** Two-sided 95%. */
const z = 1.959964;

/** Wilson's score interval of a share (Wilson, JASA 22(158), 1927), 95%; undefined with nothing counted. */
export function wilson(hits: number, of: number): Share | undefined {
	if (of === 0) return undefined;
	const share = hits / of;
	const centre = (share + (z * z) / (2 * of)) / (1 + (z * z) / of);
	const half = (z / (1 + (z * z) / of)) * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
	return { value: share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Share of judged anomalies that were faults. */
export function precisionOf(counts: VerdictCounts): Share | undefined {
	return wilson(counts.true, counts.true + counts.false);
}

export interface RealisedRate {
	/** Alarms judged false, and those that nobody has judged: each of them may be false as well. */
	readonly falseAlarms: number;
	readonly unconfirmed: number;
	readonly weeks: number;
	/** False alarms per week of running: those judged false, and with the unconfirmed ones. */
	readonly perWeek: number;
	readonly perWeekAtMost: number;
	/** 95% interval for Poisson counts: the lower end of what was judged false, the upper end of both. */
	readonly low: number;
	readonly high: number;
	readonly chosenPerWeek: number;
	/** `above`: the data say that it is more than chosen; `within`: not more; `unclear`: too little was watched or judged to say. */
	readonly standing: 'above' | 'within' | 'unclear';
}

/**
 * Realised rate against the chosen one. Interval after Byar's approximation of the exact Poisson limits (Breslow and Day,
 * Statistical Methods in Cancer Research II, 1987, p. 69). Undefined when nothing was watched.
 */
export function realisedRate(
	{ falseAlarms, unconfirmed }: Pick<RealisedRate, 'falseAlarms' | 'unconfirmed'>,
	hoursWatched: number,
	chosenPerWeek: number
): RealisedRate | undefined {
	if (!(hoursWatched > 0)) return undefined;
	const weeks = hoursWatched / 168;
	const most = falseAlarms + unconfirmed;
	const above = most + 1;
	const high = above * (1 - 1 / (9 * above) + z / (3 * Math.sqrt(above))) ** 3;
	const low = falseAlarms === 0 ? 0 : falseAlarms * (1 - 1 / (9 * falseAlarms) - z / (3 * Math.sqrt(falseAlarms))) ** 3;
	const accepted = chosenPerWeek * weeks;
	return {
		falseAlarms,
		unconfirmed,
		weeks,
		perWeek: falseAlarms / weeks,
		perWeekAtMost: most / weeks,
		low: low / weeks,
		high: high / weeks,
		chosenPerWeek,
		standing: low > accepted ? 'above' : accepted >= 1 && most <= accepted ? 'within' : 'unclear'
	};
}

/** Of one machine, by the model in use, since its running has been counted. Undefined when nothing was watched. */
export function realisedRateOf(
	events: readonly JudgedEvent[],
	adaptation: Adaptation | undefined,
	chosenPerWeek: number
): RealisedRate | undefined {
	if (!adaptation?.watched) return undefined;
	const { since, hours } = adaptation.watched;
	// A finding that became no alarm has troubled nobody, whatever was said of it.
	const alarms = events.filter(
		({ alarm, modelId, start }) => alarm !== undefined && modelId === adaptation.modelId && start >= since
	);
	return realisedRate(
		{
			falseAlarms: alarms.filter(({ entry }) => entry?.outcome === 'false').length,
			unconfirmed: alarms.filter(({ entry }) => entry === undefined).length
		},
		hours,
		chosenPerWeek
	);
}
