/**
 * What the page may ask of the training worker: its own worker, so that cancelling never stops live scoring.
 */
import type {
	EpochMs,
	FailureModelVersion,
	FleetDays,
	MachineId,
	ModelFileSummary,
	ModelImportRequest,
	ModelPackage,
	ModelVersion,
	PickedFile,
	PlantHistory,
	RiskEvaluation,
	RiskPrediction,
	RiskRequest,
	RiskTable,
	RiskTrainingProgress,
	RiskTrainingRequest,
	RulBacktest,
	RulModelPackage,
	RulModelVersion,
	RulTrainingProgress,
	RulTrainingRequest,
	TrainingProgress,
	TrainingProposal,
	TrainingRequest,
	UnitEstimate,
	UnitHistories,
	WorkspaceName
} from '../contracts';

export interface TrainingApi {
	start(workspace: WorkspaceName): Promise<void>;
	/** Looks through stored history for a span of normal running. */
	propose(machineId: MachineId): Promise<TrainingProposal>;
	/**
	 * Trains, calibrates, saves the version and puts it in use. Rejects with code `aborted` after `cancel(jobId)`. The job is stored until it
	 * ends: the same call in another worker, after a reload or a crash, goes on from its last whole epoch.
	 */
	train(
		jobId: string,
		request: TrainingRequest,
		onProgress: (progress: TrainingProgress) => void
	): Promise<ModelVersion>;
	/**
	 * Learns remaining life from run-to-failure histories and stores the model with its backtest; with a search, every trial too. Rejects with
	 * code `aborted` after `cancel(jobId)`. The job is stored until it ends, histories included: `undefined` for the request goes on with it.
	 */
	trainRul(
		jobId: string,
		request: RulTrainingRequest | undefined,
		onProgress: (progress: RulTrainingProgress) => void
	): Promise<{ readonly version: RulModelVersion; readonly backtest: RulBacktest }>;
	/** Stores a remaining-life model that came with the app. Rejects with `invalid-model` when its weights are not the ones it names. */
	keepRul(pkg: RulModelPackage, backtest: RulBacktest | undefined): Promise<void>;
	/** Remaining life of each unit at its last row by a stored model, and the probability of failure within each of `horizons` steps. */
	estimateRul(modelId: string, histories: UnitHistories, horizons?: readonly number[]): Promise<UnitEstimate[]>;
	/** How well a forest, an LSTM and a logistic regression tell failures, on rows they had not seen. */
	evaluateRisk(
		jobId: string,
		request: RiskRequest,
		onFold: (done: number, folds: number) => void
	): Promise<RiskEvaluation>;
	/**
	 * Learns a failure classifier and stores it with its look back. Rejects with code `aborted` after `cancel(jobId)`. The job is stored until it
	 * ends, rows included: `undefined` for the request goes on with it.
	 */
	trainRisk(
		jobId: string,
		request: RiskTrainingRequest | undefined,
		onProgress: (progress: RiskTrainingProgress) => void
	): Promise<FailureModelVersion>;
	/** What a stored classifier says of each row, or of each machine's last day. */
	predictRisk(
		modelId: string,
		data: { readonly table: RiskTable } | { readonly fleet: FleetDays }
	): Promise<RiskPrediction[]>;
	/** How much of these machines there is to learn failures from. */
	plantHistory(machineIds: readonly MachineId[], now: EpochMs): Promise<PlantHistory>;
	cancel(jobId: string): Promise<void>;
	/** Measures anew what this device calculates with and how fast, for both purposes. Rejects while a training runs in this worker. */
	measureEngine(onPurpose: (done: number, of: number) => void): Promise<void>;
	/** What a Keras model's files hold. Rejects with `invalid-file`, `invalid-model` or `unsupported`, naming layer, expected and found. */
	inspectModel(files: readonly PickedFile[]): Promise<ModelFileSummary>;
	/** Calibrates a network made elsewhere on a span of normal running and saves it as a version, which is not put in use. */
	importModel(request: ModelImportRequest): Promise<ModelVersion>;
	/** A version as a zip of what stock TensorFlow.js loads (model.json, weights.bin) and what it does not know (millwright.json). */
	exportModel(pkg: ModelPackage): Promise<PickedFile>;
}
