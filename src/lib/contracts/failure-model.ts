/**
 * A failure classifier learnt from one's own rows: what it reads, what it is made of, how good it proved to be on rows it had not
 * seen, and which machines it speaks for. Crosses from the training worker to storage and the screens.
 */
import type { MachineId } from './identity';
import type { Prognosis } from './prognosis';
import type { Promotion } from './promotion';
import type { EpochMs } from './reading';
import type { RiskFigures, RiskMethod } from './risk';
import type { FleetDays, RiskInput, RiskTable } from './risk-table';

/** Failures below which nothing is learnt: with fewer, one more or less turns every figure. */
export const fewestFailures = 10;
/** Machines from which on whole machines are held out; of fewer, stretches of time are. */
export const fewestMachinesToHoldOut = 5;

/** One tree of a random forest, nodes in columns. */
export interface RiskTree {
	/** Feature split on; -1 at a leaf. */
	readonly feature: Int16Array;
	/** Rows with a value up to this go left. */
	readonly threshold: Float64Array;
	/** Index of the left child; the right one follows it. */
	readonly left: Int32Array;
	/** Share of positive rows in the node. */
	readonly share: Float64Array;
	/** Rows that came through the node while the tree grew, as often as they were drawn. */
	readonly cover: Uint32Array;
}

export interface RiskForest {
	readonly features: number;
	readonly trees: readonly RiskTree[];
}

/** Weights on standardised features; the last one is the intercept. */
export interface LogisticModel {
	readonly mean: Float64Array;
	readonly deviation: Float64Array;
	readonly weights: Float64Array;
}

/** From said to true probability, on the log-odds. */
export interface ProbabilityCalibration {
	readonly slope: number;
	readonly offset: number;
}

/** What a model's features are made of. */
export type RiskFeatureSpec =
	| {
			readonly kind: 'rows';
			readonly inputs: readonly RiskInput[];
			/** Also products and differences of every two inputs that are numbers. */
			readonly pairs: boolean;
			/** Per input: what stands for an unknown value (the median of what was learnt from); of a category its index. */
			readonly fill: readonly number[];
	  }
	| {
			readonly kind: 'days';
			readonly channels: readonly string[];
			readonly errors: readonly string[];
			readonly components: readonly string[];
			readonly constants: readonly string[];
	  };

/** The one kind of error that a plant records by itself. */
export const alarmErrorKind = 'alarm';

/** The sensor that a file's column is of: "Torque [Nm]" is read from "Torque", whose unit stands beside it. */
export function sensorOfColumn(column: string): string {
	return column.replace(/\s*[[(][^\])]{1,16}[\])]\s*$/, '') || column;
}

/** What a model reads of days that no plant records by itself, so that it can be used on files alone. */
export function onlyInFiles(spec: RiskFeatureSpec): string[] {
	return spec.kind === 'rows' ? [] : [...spec.errors.filter((kind) => kind !== alarmErrorKind), ...spec.constants];
}

/** What can be put in use: an LSTM only where one was kept. */
export function usableRiskMethods({ lstmSteps }: Pick<FailureModelVersion, 'lstmSteps'>): readonly RiskMethod[] {
	return lstmSteps === undefined ? ['forest', 'linear'] : ['forest', 'linear', 'lstm'];
}

/** Rows of one machine, the last one being told, that what speaks reads. */
export function rowsRead({ method, lstmSteps }: Pick<FailureModelVersion, 'method' | 'lstmSteps'>): number {
	return method === 'lstm' ? (lstmSteps ?? 1) : 1;
}

/** What is told: failure of this row, or within so many hours. */
export interface RiskTargetFigures {
	/** Undefined: of the row itself. */
	readonly horizonHours?: number;
	/** Rows judged, and those of them that failed. */
	readonly rows: number;
	readonly positives: number;
	readonly forest: RiskFigures;
	readonly linear: RiskFigures;
	readonly lstm?: RiskFigures;
	/** Share of each feature in what moved the forest's probability of the failures, largest first; the first ten. */
	readonly influence: readonly { readonly name: string; readonly share: number }[];
}

export interface RiskModeFigures {
	readonly name: string;
	readonly positives: number;
	readonly forest: RiskFigures;
}

/** What a person says it costs, in any one currency. */
export interface RiskCosts {
	/** A failure that nobody saw coming. */
	readonly missed: number;
	/** A visit to a machine that would not have failed. */
	readonly needless: number;
}

export const defaultRiskCosts: RiskCosts = { missed: 10_000, needless: 500 };

/**
 * The probability from which on a visit costs less than leaving it, where probabilities mean what they say (Elkan 2001, "The foundations
 * of cost-sensitive learning"): p x missed = (1 - p) x needless.
 */
export function thresholdOfCosts({ missed, needless }: RiskCosts): number {
	return missed + needless > 0 ? needless / (missed + needless) : 0.5;
}

export interface FailureModelVersion {
	readonly id: string;
	readonly kind: 'failure-classifier';
	readonly title: string;
	readonly createdAt: EpochMs;
	readonly seed: number;
	readonly description: string;
	readonly features: RiskFeatureSpec;
	readonly featureNames: readonly string[];
	/** Per feature: its quantiles 0, 5, ... 100 % in what was learnt from. */
	readonly quantiles: readonly (readonly number[])[];
	/** What speaks. */
	readonly method: RiskMethod;
	/** Rows that the LSTM reads, where one was kept: undefined where none was asked for, or one that was could not be asked of a machine. */
	readonly lstmSteps?: number;
	readonly targets: readonly RiskTargetFigures[];
	/** What a row fails of, or, of machine days, within the longest horizon. */
	readonly modes: readonly RiskModeFigures[];
	readonly costs: RiskCosts;
	/** Per target: from which probability on a visit is worth it; follows from the costs until a person moves it. */
	readonly thresholds: readonly number[];
	/** What was held out whole: units, or stretches of time of too few; undefined: single rows. */
	readonly heldOut?: 'units' | 'stretches';
	readonly units?: number;
	readonly folds: number;
	readonly seconds: number;
}

/** One LSTM layer and one output; inputs are standardised. */
export interface RiskLstm {
	readonly mean: Float64Array;
	readonly deviation: Float64Array;
	readonly units: number;
	/** As `FailureModelVersion.lstmSteps`. */
	readonly steps: number;
	/** Keras order. */
	readonly weights: Float32Array;
	/** Makes what it says probabilities; absent: it is as it should be. */
	readonly curve?: ProbabilityCalibration;
}

/** A forest and a logistic regression on the same rows, and an LSTM where it was asked for; a curve makes the forest's shares probabilities. */
export interface RiskTargetModel {
	readonly forest: RiskForest;
	readonly forestCurve?: ProbabilityCalibration;
	readonly linear: LogisticModel;
	readonly lstm?: RiskLstm;
}

export interface FailureModelPackage {
	readonly version: FailureModelVersion;
	/** As `version.targets`. */
	readonly targets: readonly RiskTargetModel[];
	/** As `version.modes`. */
	readonly modes: readonly { readonly forest: RiskForest }[];
}

/** What was said of every row by models that had not seen it, in columns; NaN: not judged. */
export interface RiskLookBack {
	/** What a row is called, or the unit that it is a day of. */
	readonly ids: readonly string[];
	/** Row -> index into `ids`. */
	readonly of: Uint32Array;
	/** Per row: day counted from the first of its machine; empty where rows are no days. */
	readonly day: Uint32Array;
	readonly targets: readonly {
		readonly labels: Uint8Array;
		readonly forest: Float32Array;
		readonly linear: Float32Array;
		readonly lstm?: Float32Array;
	}[];
}

/** Which machines a failure classifier speaks for. */
export interface RiskAssignment extends Promotion {
	readonly at: EpochMs;
}

export type RiskSource =
	| { readonly kind: 'rows'; readonly table: RiskTable; readonly pairs: boolean }
	| { readonly kind: 'days'; readonly fleet: FleetDays }
	/** Stored readings and recorded failures of these machines. */
	| { readonly kind: 'plant'; readonly machineIds: readonly MachineId[] };

export interface RiskTrainingRequest {
	readonly title: string;
	/** Where the rows come from. */
	readonly description: string;
	readonly source: RiskSource;
	readonly costs: RiskCosts;
	readonly seed: number;
	/** Also judge an LSTM on the same folds, and keep one; takes several times as long. */
	readonly lstm: boolean;
}

export interface RiskTrainingProgress {
	readonly phase: 'loading' | 'judging' | 'learning' | 'saving';
	/** What is being told, in words: "failure within 24 h". */
	readonly target: string;
	/** 0-1 over the whole job. */
	readonly fraction: number;
	readonly secondsLeft: number | undefined;
	/** True when what was learnt could not be stored (no room): a reload would lose this training. */
	readonly notKept?: boolean;
}

/** What pushed one prediction up or down; points of probability. With the base they sum to the probability. */
export interface RiskReason {
	readonly feature: string;
	readonly value: number;
	readonly points: number;
	/** Share of the rows learnt from whose value is lower. */
	readonly above: number;
}

export interface RiskPrediction {
	readonly id: string;
	/** Per target. */
	readonly probabilities: readonly number[];
	/** Likeliest first. */
	readonly modes: readonly { readonly name: string; readonly probability: number }[];
	/** Of the last target (the longest horizon); the strongest first. Undefined: not asked. */
	readonly reasons?: readonly RiskReason[];
	/** Probability of a row of which nothing is known, and the points of all that is not among the reasons. */
	readonly base: number;
	readonly rest: number;
}

/** How much of a plant there is to learn from. */
export interface PlantHistory {
	readonly machineIds: readonly MachineId[];
	readonly failures: number;
	/** Failures that at least a day of readings comes before. */
	readonly usable: number;
	readonly machineDays: number;
	/** Sensors that all of the machines have. */
	readonly channels: readonly string[];
}

/** What the classifier promoted to a machine or its class says of it, or what it lacks to say. */
export interface RiskOfMachine {
	readonly machineId: MachineId;
	readonly versionId: string;
	readonly title: string;
	/** What the model was promoted to: this machine, or its class. */
	readonly target: RiskAssignment['target'];
	/** What a person had chosen when it spoke. */
	readonly choice: RiskChoice;
	/** As of the end of the day, or the time of the newest reading, that it looked at. A model of rows gives least probabilities of any time. */
	readonly prognosis: Prognosis;
	readonly prediction?: RiskPrediction;
	/** By the costs that were set a visit is worth it. */
	readonly visit: boolean;
}

/** What decides what a model says of the same data, and from where on a visit is worth it. */
export type RiskChoice = Pick<FailureModelVersion, 'method' | 'thresholds'>;

/** At or above the threshold of any target. */
export function isFlagged({ thresholds }: Pick<RiskChoice, 'thresholds'>, { probabilities }: RiskPrediction): boolean {
	return probabilities.some((p, t) => p >= thresholds[t]!);
}
