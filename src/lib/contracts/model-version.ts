/**
 * A model version: a trained network with everything that scoring needs and everything a person asks about it.
 * Shipped versions (`models/`) and versions trained in the page have the same form.
 */
import type { MachineId } from './identity';
import type { MachineClassId } from './machine';
import type { EpochMs } from './reading';
import type { OperatingModes } from './operating-modes';
import type { Scaler } from './sample-window';

export interface WeightEntry {
	readonly name: string;
	readonly shape: readonly number[];
}

/** A layer that a machine can be watched with live: it never looks ahead. */
export type PredictorLayer =
	| { readonly kind: 'lstm' | 'gru'; readonly units: number }
	| {
			readonly kind: 'dense';
			readonly units: number;
			readonly activation?: 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'softplus';
	  };

/** A stacked LSTM that predicts the next row from the rows before it. */
export interface PredictorSpec {
	readonly kind: 'lstm-predictor';
	readonly features: number;
	/** Units per LSTM layer, input side first. */
	readonly units: readonly number[];
	/** Rows in a window: the network sees `windowSteps - 1` rows and predicts the last. */
	readonly windowSteps: number;
	/** All layers, where they are others than LSTMs of `units` and one linear dense layer: in networks made elsewhere. */
	readonly layers?: readonly PredictorLayer[];
}

/** How residuals become a score, learnt on held-back normal data. */
export interface Calibration {
	/** Standard deviation of each sensor's residual, scaled units. */
	readonly residualDeviation: readonly number[];
	readonly residualMean: readonly number[];
	/** EWMA coefficient of the squared residual, per step. */
	readonly smoothing: number;
	/** Smoothed squared residual (mean over sensors) at which the score is 1. */
	readonly threshold: number;
	/** What the score is made of; undefined (a model from elsewhere): the one statistic that the fields above describe. */
	readonly statistics?: readonly ResidualStatistic[];
	/** Per sensor, longest run of equal values seen while running; null where a run says nothing (a constant). */
	readonly longestRun?: readonly (number | null)[];
	/** Per sensor, own units: all load sensors below theirs means that the machine is stopped; null: not a load sensor. */
	readonly stoppedBelow?: readonly (number | null)[];
	/** Per sensor, scaled units over five steps: a larger jump is a change of operating point; undefined: none were learnt. */
	readonly jumpLimit?: readonly number[];
	/** Rows after a break before a score is given. */
	readonly warmUpSteps?: number;
	/** What a machine's own level says beside `statistics`; undefined: too little data to know how far one wanders. */
	readonly ownLevel?: OwnLevelCalibration;
	/** The same of values instead of residuals: a network sees each sensor and goes along with what creeps, the other sensors do not. */
	readonly ownValues?: OwnLevelCalibration;
	/** When a sensor that is missing now and then counts as silent; undefined: a minute of rows, a fifth back per row heard. */
	readonly silence?: SilenceCalibration;
	/** Rows of normal running that the calibration rests on. */
	readonly rows?: number;
}

/** Per sensor: rows missing at which the score is 1, and how many of them each row with a value takes back. */
export interface SilenceCalibration {
	readonly limitRows: readonly number[];
	readonly recoveryPerRow: readonly number[];
}

/** Residuals, or values, against the machine's own level so far: in that the differences between individuals of a class cancel. */
export interface OwnLevelCalibration {
	/** Rows over which the level is the mean of all so far; after them it follows with this time constant. */
	readonly levelRows: number;
	/** Rows by which the level lags, so that what is judged is no part of what it is judged by. */
	readonly delayRows: number;
	/** Judged rows before the level counts. */
	readonly warmUpRows: number;
	readonly statistics: readonly OwnLevelStatistic[];
	/** What each sensor's residual (or value) should be by the others; undefined: they are taken as they are. */
	readonly relations?: SensorRelations;
}

/** How each sensor's residual (or value) goes with the other sensors on healthy machines of a class: a linear regression a sensor. */
export interface SensorRelations {
	/** EWMA coefficient per step of the slow values among the terms: heat follows load in minutes. Learnt before `slowSmoothings`: the only one. */
	readonly slowSmoothing?: number;
	/** Several of them, that go on while the machine stands or changes. */
	readonly slowSmoothings?: readonly number[];
	/** Slow values begin at the mean of the training data, since what was before the first row is not known. Absent: with the first row itself. */
	readonly slowFromMean?: boolean;
	/** [sensors][terms], terms as `SensorRelationTerms` gives them; 0 for the sensor's own. */
	readonly weights: readonly (readonly number[])[];
	/** [sensors]: mean over individuals of what the terms leave. */
	readonly intercept: readonly number[];
	/** [sensors]: rows of one individual that say as much about its level as being of the class does. */
	readonly priorRows: readonly number[];
}

export interface OwnLevelStatistic {
	/** EWMA coefficient per step. */
	readonly smoothing: number;
	/** Per sensor, of the smoothed deviation from the level in normal running. */
	readonly deviation: readonly number[];
	/** Row-major [sensors, sensors]: sensors are judged together, by Mahalanobis distance. Undefined: by a power mean. */
	readonly covariance?: readonly number[];
	/** Of the power mean; default 4. */
	readonly power?: number;
	/**
	 * Machines that have stood lately wander further: how many times, [sensors], where the share of the last quarter of an hour that they have run is
	 * below `runningBelow`; narrowest first. Undefined: not told apart.
	 */
	readonly afterStanding?: readonly { readonly runningBelow: number; readonly wider: readonly number[] }[];
	/** Distance at which the score is 1. */
	readonly threshold: number;
}

/** One way of looking at the residuals: `bias` finds drifts and shifts, `energy` finds unrest. */
export interface ResidualStatistic {
	readonly kind: 'bias' | 'energy';
	/** EWMA coefficient per step. */
	readonly smoothing: number;
	/** Of the smoothed statistic on normal data, per sensor. */
	readonly mean: readonly number[];
	readonly deviation: readonly number[];
	/** Fourth-power mean over sensors of the normalised statistic at which the score is 1. */
	readonly threshold: number;
}

/** A network beside the predictor that gives a window back through a narrow latent; what it cannot give back is unusual. */
export interface ReconstructorSpec {
	readonly kind: 'lstm-autoencoder' | 'lstm-vae';
	readonly features: number;
	/** LSTM units of the encoder and of the decoder. */
	readonly units: number;
	readonly latent: number;
	readonly windowSteps: number;
	/** A machine's window is run again after this many new rows. */
	readonly hopRows: number;
}

export type MemberName = 'levels' | 'predictor' | 'autoencoder' | 'vae';

/** How one member's residual rows become a score: distance of moving means from a level that drifts as it did in training. */
export interface WatchCalibration {
	/** Rows of the moving means, short to long. */
	readonly windows: readonly number[];
	/** Per window, row-major [sensors, sensors]: second moment of the moving mean around the level in normal running. */
	readonly covariance: readonly (readonly number[])[];
	/** Per window, the Mahalanobis distance at which the score is 1. */
	readonly thresholds: readonly number[];
	/** Per sensor: level at the end of training, its variance then, noise of a row and growth of the level's variance per row. */
	readonly level: readonly number[];
	readonly levelVariance: readonly number[];
	readonly noise: readonly number[];
	readonly diffusion: readonly number[];
}

/** Several opinions on one machine, each calibrated so that 1 is its own threshold. The score is their weighted geometric mean. */
export interface Ensemble {
	readonly members: readonly { readonly name: MemberName; readonly weight: number; readonly watch: WatchCalibration }[];
	/** Networks whose weights follow the predictor's, in this order. */
	readonly reconstructors: readonly ReconstructorSpec[];
	/** What the thresholds were set for. */
	readonly falseAlarmsPerWeek: number;
	/** Rows that the calibration rests on. */
	readonly rows: number;
}

/** Rows whose mean is judged by what the other sensors say. */
export const relationRows = 60;

/**
 * How one machine's sensors go with each other: second moments of terms (value, square, slow value, slow square of each sensor, and the value that
 * is explained, kind by kind) over means of ten rows of running. Regressions and how far a row lies outside of what they rest on follow from them.
 */
export interface RelationCalibration {
	/** EWMA coefficient per row of the slow terms: heat follows load in minutes. */
	readonly slowSmoothing: number;
	/** [terms] */
	readonly mean: readonly number[];
	/** Row-major [terms, terms], around the mean. */
	readonly moment: readonly number[];
	/** Per sensor: leverage that 99 % of the running learnt from stayed under. */
	readonly leverage: readonly number[];
	/** Per sensor, scaled: how far the mean of a minute of rows may lie from what the others say. */
	readonly threshold: readonly number[];
	/** Per sensor: false where neither heat nor slow means are part of what the others say. Absent: they are, of all. */
	readonly lagging?: readonly boolean[];
	/** Per sensor: it follows the others within minutes. */
	readonly heat?: readonly boolean[];
	/** Largest share of a quarter of an hour that the machine had stood before running that was learnt from. */
	readonly standing?: number;
	readonly rows: number;
}

export interface TrainingMetrics {
	readonly trainLoss: number;
	readonly validationLoss: number;
	/** Validation loss of "the next row equals this one": a model that does not beat it has learnt nothing. */
	readonly persistenceLoss: number;
	readonly epochs: number;
	readonly windows: number;
	readonly seconds: number;
	readonly backend: string;
	readonly lossCurve: readonly { readonly epoch: number; readonly train: number; readonly validation: number }[];
	/**
	 * Loss of "the next row equals this one" on what the curve's validation was measured on, which is not the plain held-back
	 * data when the network is also taught with invented faults.
	 */
	readonly curveFloor?: number;
}

/** What judging a machine's rows rests on, with a network or without one. */
export interface JudgingBasis {
	readonly id: string;
	/** The machine it was learnt for, or the class it ships for. */
	readonly target: { readonly machineId: MachineId } | { readonly machineClass: MachineClassId };
	readonly stepMs: number;
	readonly scaler: Scaler;
	readonly calibration: Calibration;
	/** Ways of running that its data showed; undefined: none could be told apart. */
	readonly modes?: OperatingModes;
	/** Undefined: the predictor decides alone, by `calibration.statistics`. */
	readonly ensemble?: Ensemble;
	/** Undefined but where enough of one machine's running was seen: each sensor is then judged by the others, and nothing else decides. */
	readonly relations?: RelationCalibration;
}

export interface ModelVersion extends JudgingBasis {
	readonly origin: 'shipped' | 'trained-here' | 'imported';
	readonly createdAt: EpochMs;
	readonly spec: PredictorSpec;
	readonly seed: number;
	readonly dataSpan: { readonly from: EpochMs; readonly to: EpochMs; readonly description: string };
	readonly metrics: TrainingMetrics;
	readonly weights: readonly WeightEntry[];
	/** SHA-256 of the weight bytes, hex. */
	readonly weightsSha256: string;
}

/** A version with its weights: all tensors of `weights`, in order, little-endian float32. */
export interface ModelPackage {
	readonly version: ModelVersion;
	readonly weights: ArrayBuffer;
}
