/**
 * Training: what the page asks of the training worker and hears back.
 */
import type { RiskTrainingRequest } from './failure-model';
import type { MachineId } from './identity';
import type { LevelWatch } from './level-watch';
import type { EpochMs } from './reading';
import type { RulTrainingRequest } from './run-to-failure';

export interface TrainingRequest {
	readonly machineId: MachineId;
	readonly sensorNames: readonly string[];
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly seed: number;
	/** Upper bound; early stopping usually ends sooner. */
	readonly maxEpochs: number;
}

/** A training that has begun and not ended: what is needed to go on with it after a reload or a crash. */
export interface UnfinishedTraining {
	readonly jobId: string;
	readonly request: TrainingRequest;
	readonly startedAt: EpochMs;
	/** Times it was taken up without finishing another epoch: it is given up when it only ever crashes. */
	readonly attempts: number;
	/** Its result is being stored: too late to cancel it. */
	readonly saving?: true | undefined;
}

/** How a cancel met a training. 'saving': too late. 'unknown': nothing is stored of it, its worker must be asked. */
export type CancelOutcome = 'cancelled' | 'saving' | 'unknown';

/** A training of a model that is promoted: what it learns from and what it has learnt are kept beside it as checkpoints. */
interface UnfinishedJob<Kind extends string, Request> {
	readonly jobId: string;
	readonly kind: Kind;
	readonly request: Request;
	readonly startedAt: EpochMs;
	/** Times it was taken up without finishing another piece: it is given up when it only ever crashes. */
	readonly attempts: number;
	/** As in UnfinishedTraining. */
	readonly saving?: true | undefined;
	/** Seconds that went into it before it was taken up again. */
	readonly spentSeconds: number;
}

export type UnfinishedRulTraining = UnfinishedJob<'remaining-life', Omit<RulTrainingRequest, 'histories'>>;
export type UnfinishedRiskTraining = UnfinishedJob<'failure-classifier', KeptRiskRequest>;
/** A failure classifier's request without its rows; `plant`: the machines that they were taken from. */
export type KeptRiskRequest = Omit<RiskTrainingRequest, 'source'> & { readonly plant?: readonly MachineId[] };
export type ModelTrainingKind = 'remaining-life' | 'failure-classifier';
export type UnfinishedModelTraining<Kind extends ModelTrainingKind = ModelTrainingKind> = Extract<
	UnfinishedRulTraining | UnfinishedRiskTraining,
	{ readonly kind: Kind }
>;

export interface TrainingProgress {
	readonly phase: 'loading' | 'training' | 'calibrating' | 'saving';
	readonly epoch: number;
	readonly maxEpochs: number;
	/** 0-1 over the whole job. */
	readonly fraction: number;
	readonly secondsLeft: number | undefined;
	readonly windowsPerSecond: number | undefined;
	readonly backend: string | undefined;
	/** Workers that share each batch, once known. */
	readonly workers?: number;
	/** Whether they exchange gradients through shared memory, not by messages. */
	readonly sharesMemory?: boolean;
	/** Epochs that were done already when the job went on after a reload, a crash or a lost graphics device. */
	readonly resumedAtEpoch?: number;
	/** True when what was learnt could not be stored (no room): a reload would lose this training. */
	readonly notKept?: boolean;
	readonly lossCurve: readonly { readonly epoch: number; readonly train: number; readonly validation: number }[];
	/** Loss of "the next row equals this one" on the data of the curve's validation: the line to get below. */
	readonly curveFloor?: number;
}

/** A span of stored history that looks normal, proposed for training, or why none can be. */
export interface TrainingProposal {
	readonly machineId: MachineId;
	readonly sensorNames: readonly string[];
	/** Sensors that say nothing of the machine's condition; not among `sensorNames`. */
	readonly leftOut: LevelWatch['leftOut'];
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly rows: number;
	/** One plain sentence: why this span. */
	readonly reason: string;
	/** Below this many rows training is refused. */
	readonly minimumRows: number;
	readonly enough: boolean;
}
