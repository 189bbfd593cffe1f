/**
 * A prognosis: how long until the event, how sure, or what is missing to say (vocabulary: NASA ProgPy).
 */
import type { MachineId } from './identity';
import type { FailureCalibration } from './failure-library';
import type { EpochMs } from './reading';

/** Health index at which the event of a health trend is said to have come: where `critical` begins. */
export const eventHealthIndex = 30;

export interface Prognosis {
	readonly machineId: MachineId;
	readonly time: EpochMs;
	/**
	 * `health-trend`: the health index extrapolated to its limit; `failure-library`: time to failure by likeness to lives that ended in
	 * one; `rul-model`: by a network learnt from units that ran to failure; `failure-classifier`: probabilities alone, learnt from days or rows
	 * before failures.
	 */
	readonly method: 'none' | 'health-trend' | 'failure-library' | 'rul-model' | 'failure-classifier';
	/** Median and central 90% interval, hours; undefined when there is not enough to say. `high` is Infinity when it has no end. */
	readonly rulHours?: { readonly median: number; readonly low: number; readonly high: number };
	/** Probability, 0-1, that the event comes within the time. */
	readonly eventProbability?: { readonly within24h: number; readonly within72h: number; readonly within7d: number };
	/** Probabilities of longer times are lower bounds: so far ahead the model tells nothing apart, hours; undefined: all are told. */
	readonly tellsUpToHours?: number;
	/** The health index as it was, and as it is expected to go on: what the fan chart draws. */
	readonly trend?: HealthTrend;
	/** What was said before, oldest first. */
	readonly earlier?: readonly EarlierPrognosis[];
	/** Of `failure-library`: which faults the machine's course is like, likeliest first, and what the figures are worth. */
	readonly failure?: FailureOutlook;
	/** With `none`: enough was seen to say that nothing points to the event. */
	readonly nothingInSight?: true;
	/** In plain words, what is missing when nothing can be told. */
	readonly missing?: string;
}

export interface FailureOutlook {
	readonly faults: readonly { readonly fault: string; readonly probability: number }[];
	/** Lives that it was compared with. */
	readonly lives: number;
	/** Measured on other lives; undefined: not measured. */
	readonly calibration?: FailureCalibration;
}

export interface HealthTrend {
	/** When the change began, by the fit. */
	readonly since: EpochMs;
	/** Which growth fits better. */
	readonly growth: 'exponential' | 'linear';
	/** Fitted points of the past, averaged. */
	readonly past: readonly { readonly time: EpochMs; readonly index: number }[];
	readonly future: readonly {
		readonly time: EpochMs;
		readonly low: number;
		readonly median: number;
		readonly high: number;
	}[];
}

export interface EarlierPrognosis {
	readonly time: EpochMs;
	readonly median: number;
	readonly low: number;
	readonly high: number;
}
