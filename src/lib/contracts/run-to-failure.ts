/**
 * Histories of units that ran until they failed (or were cut off before), and a remaining-life model learnt from them.
 * What crosses from a file to the training worker, and from there to storage and `models/`.
 */
import type { MachineId } from './identity';
import type { Prognosis } from './prognosis';
import type { Promotion } from './promotion';
import type { EpochMs } from './reading';
import type { WeightEntry } from './model-version';

/** Failed units below which no remaining life is learnt. */
export const fewestFailedUnits = 10;

/** One unit's life, one row per step of its own clock (a flight, a batch, an hour). */
export interface UnitHistory {
	readonly unitId: string;
	readonly steps: number;
	/** Row-major [steps, settings]. */
	readonly settings: Float32Array;
	/** Row-major [steps, sensors], own units; NaN where nothing is known. */
	readonly sensors: Float32Array;
	/** True when the unit failed at its last row, or is known to have failed `remainingAtEnd` steps after it; false: it still ran. */
	readonly failed: boolean;
	/** Steps from the last row to the failure; default 0. */
	readonly remainingAtEnd?: number;
}

export interface UnitHistories {
	readonly sensorNames: readonly string[];
	/** Operating settings: they say under which condition a row was taken, never how worn the unit is. */
	readonly settingNames: readonly string[];
	/** What one step is called, singular: "cycle", "hour". */
	readonly stepName: string;
	/** Rows of the file that were averaged to one step; default 1. */
	readonly rowsPerStep?: number;
	readonly units: readonly UnitHistory[];
}

/** Operating conditions found in the settings: each with its centre and the spread of every sensor under it. */
export interface OperatingConditions {
	/** Indices of the settings that tell conditions apart; empty: one condition. */
	readonly settings: readonly number[];
	/** Per such setting, what one unit of distance is. */
	readonly scale: readonly number[];
	/** [conditions][settings]. */
	readonly centres: readonly (readonly number[])[];
	/** [conditions][sensors], all sensors. */
	readonly mean: readonly (readonly number[])[];
	/** [conditions][sensors]; 0 where the sensor is constant under this condition. */
	readonly deviation: readonly (readonly number[])[];
	/** Indices of the sensors that move as units age; only these are used. */
	readonly sensors: readonly number[];
}

/** What each row of a life becomes before the network sees it. */
export interface LifeFeatureSpec {
	/** Scaled sensor values as they are. */
	readonly raw: boolean;
	/** Spans, in steps, of exponentially weighted means. */
	readonly spans: readonly number[];
	/** Also the change of the smoothed value since the unit's first steps. */
	readonly sinceNew: boolean;
	/** Also the mean over the whole life so far. */
	readonly lifeMean: boolean;
	/** Also how many steps the unit has run. */
	readonly age: boolean;
}

export interface RulNetworkSpec {
	readonly features: LifeFeatureSpec;
	readonly windowSteps: number;
	/** Units per LSTM layer, input side first. */
	readonly units: readonly number[];
	readonly dropout: number;
	/** Each layer reads the window both ways; default no. */
	readonly bidirectional?: boolean;
	/** Longest remaining life that the model tells apart, steps. */
	readonly capSteps: number;
}

/** Residuals of units that a member had not seen, by predicted remaining life: the source of the interval. */
export interface RulCalibration {
	/** Borders of the predicted remaining life, steps, ascending; a bin reaches up to its border. */
	readonly upTo: readonly number[];
	/** Per bin: quantiles of (true - predicted), steps, at `levels`. */
	readonly residuals: readonly (readonly number[])[];
	readonly levels: readonly number[];
	/** Units that the residuals come from. */
	readonly units: number;
}

export interface RulFigures {
	readonly units: number;
	readonly rmse: number;
	readonly constantRmse: number;
	readonly ridgeRmse: number;
	readonly coverage90: number;
}

export interface RulMetrics {
	/** On units that the member had not seen, cut at random points of their lives, steps. */
	readonly crossValidatedRmse: number;
	/** The same of always saying the mean. */
	readonly constantRmse: number;
	/** Share of those true values inside the 90% interval, leave-one-fold-out. */
	readonly coverage90: number;
	/** What a ridge regression has, learnt from and judged on the same units. */
	readonly ridgeRmse?: number;
	/** Of units that nothing was learnt from or chosen by, where some were kept back. */
	readonly heldOut?: RulFigures;
	readonly units: number;
	readonly rows: number;
	readonly seconds: number;
	readonly secondsPerMember: number;
	readonly backend: string;
	readonly lossCurve: readonly { readonly epoch: number; readonly train: number; readonly validation: number }[];
}

export interface RulModelVersion {
	readonly id: string;
	readonly kind: 'rul-ensemble';
	readonly title: string;
	readonly origin: 'shipped' | 'trained-here';
	readonly createdAt: EpochMs;
	readonly seed: number;
	readonly sensorNames: readonly string[];
	readonly settingNames: readonly string[];
	readonly stepName: string;
	/** Rows of its file that were averaged to one step; default 1. */
	readonly rowsPerStep?: number;
	readonly conditions: OperatingConditions;
	readonly spec: RulNetworkSpec;
	/** Networks whose predictions are averaged; each was trained without one part of the units. */
	readonly members: number;
	readonly calibration: RulCalibration;
	readonly metrics: RulMetrics;
	readonly description: string;
	/** Of one member; all members lie one after the other. */
	readonly weights: readonly WeightEntry[];
	/** SHA-256 of the weight bytes, hex. */
	readonly weightsSha256: string;
}

/** Names of the sensors and settings without which a model cannot speak. */
export function sensorsReadBy({ conditions, sensorNames, settingNames }: RulModelVersion): string[] {
	return [...conditions.sensors.map((i) => sensorNames[i]!), ...conditions.settings.map((i) => settingNames[i]!)];
}

export interface RulModelPackage {
	readonly version: RulModelVersion;
	readonly weights: ArrayBuffer;
}

/** Remaining life in steps: median and central 90% interval. */
export interface RulEstimate {
	readonly median: number;
	readonly low: number;
	readonly high: number;
	/** True when the unit is further from failure than the model can tell: then `median` is a lower bound. */
	readonly beyondCap: boolean;
}

/** What a model says of one unit at its last row. */
export interface UnitEstimate {
	readonly unitId: string;
	/** Steps of its life that are known. */
	readonly steps: number;
	/** Undefined: too short a life to judge. */
	readonly estimate: RulEstimate | undefined;
	/** Probability of failure within each number of steps asked for. */
	readonly within: readonly number[];
}

/** Rows of a life that a model needs at least to speak. */
export const fewestLifeRows = 10;

export interface RulTrainingProgress {
	readonly phase: 'loading' | 'searching' | 'training' | 'saving';
	/** Trials done of a search that goes on or has ended. */
	readonly trials?: number;
	/** Network of the ensemble being trained, from 1. */
	readonly member: number;
	readonly members: number;
	readonly epoch: number;
	readonly epochs: number;
	/** 0-1 over the whole job. */
	readonly fraction: number;
	readonly secondsLeft: number | undefined;
	readonly windowsPerSecond: number | undefined;
	readonly backend: string | undefined;
	/** True when what was learnt could not be stored (no room): a reload would lose this training. */
	readonly notKept?: boolean;
	/** Of the member being trained. */
	readonly lossCurve: readonly { readonly epoch: number; readonly train: number; readonly validation: number }[];
}

export interface RulTrainingRequest {
	readonly title: string;
	/** Where the histories come from, for the model's card. */
	readonly description: string;
	/** Hours of one step, where the file said it: what is proposed when the model is promoted. */
	readonly stepHours?: number;
	readonly histories: UnitHistories;
	readonly seed: number;
	/** What to change of the plan. */
	readonly plan?: RulPlanChange;
	/** Look for a better plan first, for so many minutes; a share of the units is then kept back to judge what was found. */
	readonly searchMinutes?: number;
}

export interface RulPlanChange {
	readonly folds?: number;
	readonly repeats?: number;
	readonly updates?: number;
	readonly learningRate?: number;
	readonly network?: Partial<RulNetworkSpec>;
}

/**
 * What was said of units by networks that had not seen them, row by row, in columns; lives in steps, `actual` capped as the model is.
 * Beside it what always saying the mean and a ridge regression say of the same rows.
 */
export interface RulBacktest {
	readonly unitIds: readonly string[];
	/** `held-out`: by the finished model, of units that nothing was learnt from; else each by networks that did not know it. */
	readonly judgedBy: 'cross-validation' | 'held-out';
	readonly capSteps: number;
	/** Mean of the capped remaining life, the floor that looks at nothing. */
	readonly constant: number;
	/** Index into `unitIds`; rows of a unit lie together, in order. */
	readonly unit: Uint32Array;
	/** Row of the unit's life, from 0. */
	readonly row: Uint32Array;
	readonly predicted: Float32Array;
	readonly actual: Float32Array;
	/** Central 90% interval, from the errors on other units. */
	readonly low: Float32Array;
	readonly high: Float32Array;
	readonly ridge: Float32Array;
}

/** One configuration that a search tried, judged by cross-validation over the training units. */
export interface RulTrial {
	readonly id: string;
	/** Job of the search; all its trials saw the same units. */
	readonly searchId: string;
	readonly title: string;
	/** From 1; the first is the plan as it stands. */
	readonly number: number;
	readonly at: EpochMs;
	readonly units: readonly number[];
	readonly bidirectional: boolean;
	readonly windowSteps: number;
	readonly learningRate: number;
	readonly rmse: number;
	readonly constantRmse: number;
	readonly coverage90: number;
	readonly seconds: number;
	readonly stepName: string;
}

/** Which machines a remaining-life model speaks for. */
export interface RulAssignment extends Promotion {
	/** Hours of one step on these machines. */
	readonly stepHours: number;
	/** When the machine was new; undefined: at its first stored reading. */
	readonly newSince?: EpochMs;
	readonly at: EpochMs;
}

/** Remaining life of a machine by the model promoted for it or its class, as of its last whole step. */
export interface RulOfMachine {
	readonly machineId: MachineId;
	readonly versionId: string;
	readonly title: string;
	/** What the model was promoted to: this machine, or its class. */
	readonly target: RulAssignment['target'];
	/** As promoted. */
	readonly newSince?: EpochMs;
	/** Where its life begins here, kept as old readings go; undefined: not known yet. */
	readonly lifeFrom?: EpochMs;
	/** Without `earlier`, which is stored apart. */
	readonly prognosis: Prognosis;
	/** Steps of the machine's life that are known. */
	readonly steps: number;
	readonly stepName: string;
	readonly stepHours: number;
	/** What is stored of before was said at this time, looking back with what was known by then. */
	readonly saidSince: EpochMs;
}
