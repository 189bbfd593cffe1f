/**
 * Health Assessment: detected states to a health index, a grade and the span of being unwell.
 *
 * In: one machine's detected states in time order. Out: a `HealthReport` and, when one opens, grows or ends, an `AnomalySpan`.
 * Pure: the state goes in and comes out.
 */
import {
	gradeOf,
	type AnomalySpan,
	type DetectedState,
	type EpochMs,
	type HealthGrade,
	type HealthReport,
	type SensorDeviation
} from '../contracts';

export interface HealthState {
	/** Smoothed score; NaN before the first. */
	readonly score: number;
	/** Mean of the last minutes' scores. */
	readonly lastingScore: number;
	readonly grade: HealthGrade;
	/** Present anomalous span; undefined while normal. */
	readonly span?: AnomalySpan;
	/** Since when the score has been below the lower threshold within a span. */
	readonly calmSince?: EpochMs;
	readonly contributors: readonly SensorDeviation[];
}

export const initialHealth: HealthState = { score: Number.NaN, lastingScore: 0, grade: 'unknown', contributors: [] };

/** Score at which an anomalous span ends, and for how many steps it must stay below. */
export const spanEndScore = 0.7;
export const spanEndSteps = 15;
/** Smoothing of the score that the index rests on, per step. */
const scoreSmoothing = 0.1;
/** The lasting score forgets over so many steps, on slow clocks over half an hour; it begins at nothing. */
const lastingSteps = 300;
const longestLastingMs = 1_800_000;
/** A score counts for so much at most: one high peak does not last. */
const mostLasting = 2;
/** 100 / (1 + (score / 2)^2): 100 as trained, 80 at the threshold (score 1), 50 at twice it, 30 at three times. */
export function healthIndex(score: number): number {
	return Number.isNaN(score) ? Number.NaN : 100 / (1 + (score / 2) ** 2);
}

export interface HealthAssessment {
	readonly state: HealthState;
	readonly report: HealthReport;
	/** Set when the span opened, reached a new peak or ended with this state. */
	readonly span?: AnomalySpan;
}

/** `stepMs` is the machine's clock. A span starts with the first anomalous state and ends after 15 calm steps. */
export function assessHealth(before: HealthState, detected: DetectedState, stepMs: number): HealthAssessment {
	if (detected.unscored !== undefined || Number.isNaN(detected.score)) {
		// A stop keeps the finding open: the machine has not got better by standing still.
		const state: HealthState = { ...before, calmSince: undefined };
		return {
			state,
			report: {
				machineId: detected.machineId,
				time: detected.time,
				index: Number.NaN,
				grade: 'unknown',
				score: Number.NaN,
				anomalous: false,
				unwellSince: before.span?.start,
				mode: detected.mode,
				contributors: before.span ? before.contributors : [],
				unscored: detected.unscored ?? 'warming-up',
				modelId: detected.modelId
			}
		};
	}

	const score = Number.isNaN(before.score)
		? detected.score
		: before.score + scoreSmoothing * (detected.score - before.score);
	const forgetting = 1 / Math.max(1, Math.min(lastingSteps, longestLastingMs / stepMs));
	const lastingScore = before.lastingScore + forgetting * (Math.min(mostLasting, detected.score) - before.lastingScore);
	const index = healthIndex(score);
	const grade = gradeOf(index, before.grade);
	let { span, calmSince } = before;
	let changed: AnomalySpan | undefined;
	let contributors = detected.deviations;
	if (detected.anomalous) {
		calmSince = undefined;
		if (!span) {
			span = {
				id: `${detected.machineId}@${detected.time}`,
				machineId: detected.machineId,
				start: detected.time,
				peakScore: detected.score,
				contributors: detected.deviations,
				modelId: detected.modelId
			};
			changed = span;
		} else if (detected.score > span.peakScore) {
			// Kept at each new peak; written on when it is news (a tenth more).
			const news = detected.score > span.peakScore * 1.1;
			if (news) {
				span = { ...span, peakScore: detected.score, contributors: detected.deviations };
				changed = span;
			}
		}
	} else if (span) {
		if (detected.score >= spanEndScore) calmSince = undefined;
		else calmSince ??= detected.time;
		if (calmSince !== undefined && detected.time - calmSince >= spanEndSteps * stepMs) {
			changed = { ...span, end: calmSince };
			span = undefined;
			calmSince = undefined;
		} else contributors = detected.deviations;
	}
	const state: HealthState = { score, lastingScore, grade, span, calmSince, contributors };
	return {
		state,
		span: changed,
		report: {
			machineId: detected.machineId,
			time: detected.time,
			index,
			grade,
			score: detected.score,
			anomalous: span !== undefined,
			lastingScore,
			unwellSince: span?.start,
			mode: detected.mode,
			contributors,
			modelId: detected.modelId
		}
	};
}

/** Closes a span that cannot go on: the stream broke or the model was changed. */
export function endSpan(before: HealthState, at: EpochMs): { state: HealthState; span?: AnomalySpan } {
	if (!before.span) return { state: initialHealth };
	return { state: initialHealth, span: { ...before.span, end: Math.max(before.span.start, at) } };
}
