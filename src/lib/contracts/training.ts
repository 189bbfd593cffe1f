/**
 * Training: what the page asks of the training worker and hears back.
 */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

export interface TrainingRequest {
	readonly machineId: MachineId;
	readonly sensorNames: readonly string[];
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly seed: number;
	/** Upper bound; early stopping usually ends sooner. */
	readonly maxEpochs: number;
}

export interface TrainingProgress {
	readonly phase: 'loading' | 'training' | 'calibrating' | 'saving';
	readonly epoch: number;
	readonly maxEpochs: number;
	/** 0-1 over the whole job. */
	readonly fraction: number;
	readonly secondsLeft: number | undefined;
	readonly windowsPerSecond: number | undefined;
	readonly backend: string | undefined;
	readonly lossCurve: readonly { readonly epoch: number; readonly train: number; readonly validation: number }[];
	/** Loss of "the next row equals this one" on the data of the curve's validation: the line to get below. */
	readonly curveFloor?: number;
}

/** A span of stored history that looks normal, proposed for training, or why none can be. */
export interface TrainingProposal {
	readonly machineId: MachineId;
	readonly sensorNames: readonly string[];
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly rows: number;
	/** One plain sentence: why this span. */
	readonly reason: string;
	/** Below this many rows training is refused. */
	readonly minimumRows: number;
	readonly enough: boolean;
}
