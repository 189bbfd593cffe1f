/**
 * A health report: Health Assessment's summary of a machine's recent detected states.
 */
import type { SensorDeviation } from './detected-state';
import type { MachineId } from './identity';
import type { LevelLearning } from './level-watch';
import type { EpochMs } from './reading';

/** good >= 80 > watch >= 60 > poor >= 30 > critical, with hysteresis; unknown when there is no score. */
export type HealthGrade = 'good' | 'watch' | 'poor' | 'critical' | 'unknown';

export interface HealthReport {
	readonly machineId: MachineId;
	readonly time: EpochMs;
	/** 0 (failed) to 100 (as trained); NaN when unknown. */
	readonly index: number;
	readonly grade: HealthGrade;
	/** Smoothed anomaly score the index rests on; 1 is the threshold. */
	readonly score: number;
	readonly anomalous: boolean;
	/** Mean of the last minutes' scores: whether an anomaly stands or passes. Undefined: what judges the machine has seen to that. */
	readonly lastingScore?: number | undefined;
	/** Start of the present anomalous span; undefined while normal. */
	readonly unwellSince?: EpochMs;
	readonly mode: string;
	readonly modeId?: string | undefined;
	/** Ranked over the present span, largest share first. */
	readonly contributors: readonly SensorDeviation[];
	/** Why there is no index, for a person. */
	readonly unscored?: 'warming-up' | 'no-model' | 'missing-sensors' | 'stopped' | 'stale' | 'new-mode';
	readonly modelId?: string;
	/** Of a machine without a model: how far its level watch has got. */
	readonly learning?: LevelLearning;
}

/** An unbroken stretch of anomalous states, kept for charts and history. */
export interface AnomalySpan {
	readonly id: string;
	readonly machineId: MachineId;
	readonly start: EpochMs;
	/** Undefined while it lasts. */
	readonly end?: EpochMs;
	readonly peakScore: number;
	readonly contributors: readonly SensorDeviation[];
	readonly modelId: string;
}
