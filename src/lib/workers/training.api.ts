/**
 * What the page may ask of the training worker: its own worker, so that cancelling never stops live scoring.
 */
import type {
	MachineId,
	ModelVersion,
	TrainingProgress,
	TrainingProposal,
	TrainingRequest,
	WorkspaceName
} from '../contracts';

export interface TrainingApi {
	start(workspace: WorkspaceName): Promise<void>;
	/** Looks through stored history for a span of normal running. */
	propose(machineId: MachineId): Promise<TrainingProposal>;
	/** Trains, calibrates, saves the version and puts it in use. Rejects with code `aborted` after `cancel(jobId)`. */
	train(
		jobId: string,
		request: TrainingRequest,
		onProgress: (progress: TrainingProgress) => void
	): Promise<ModelVersion>;
	cancel(jobId: string): Promise<void>;
}
