/**
 * The storage interface: what every other part may ask of IndexedDB. Implementation beside this file.
 *
 * `openStore(workspace)` gives one of these in a page, a worker or a test (fake-indexeddb).
 */
import type {
	CancelOutcome,
	Alarm,
	AnomalySpan,
	AnomalyVerdict,
	EarlierPrognosis,
	EdgeNodeChanges,
	EpochMs,
	FailureModelPackage,
	FailureModelVersion,
	FailureRecord,
	IntakeReason,
	KeptEdgeNode,
	MachineId,
	MachineRecord,
	ModelPackage,
	ModelTrainingKind,
	ModelVersion,
	ReadingBatch,
	RiskAssignment,
	RiskCosts,
	RiskLookBack,
	RiskOfMachine,
	RulAssignment,
	RulBacktest,
	RulModelPackage,
	RulModelVersion,
	RulOfMachine,
	RulTrial,
	SensorId,
	SensorRecord,
	SeriesQuery,
	SeriesSlice,
	SourceSettings,
	UnfinishedModelTraining,
	UnfinishedTraining,
	WorkspaceName
} from '../contracts';
import type { WaveformStore } from './waveforms';

export type { WaveformStore };

/** What became of an appended batch, once it is durable. */
export interface CommitReceipt {
	readonly stored: number;
	/** Same sensor, same time, same value as what is stored already. */
	readonly duplicates: number;
	/** Same sensor and time, another value: the first one stays. */
	readonly conflicts: number;
	readonly outOfOrder: number;
}

/** What is kept of telemetry, finest first. */
export const storageTiers = ['raw', 'minute', 'ten-minutes', 'hour', 'day'] as const;
export type StorageTier = (typeof storageTiers)[number];

export interface SeriesStore {
	/** Resolves once the batch is durable in IndexedDB (strict durability): only then may a message be acknowledged. */
	append(batch: ReadingBatch): Promise<CommitReceipt>;
	/** Journal + chunks + rollups as one, no gap and no double at the seams. */
	query(query: SeriesQuery): Promise<SeriesSlice[]>;
	/** Newest stored sample of each sensor. */
	latest(sensorIds: readonly SensorId[]): Promise<Map<SensorId, { time: EpochMs; value: number; quality: number }>>;
	/** First and last stored time of a machine's raw data. */
	extent(machineId: MachineId): Promise<{ from: EpochMs; to: EpochMs; readings: number } | undefined>;
	/** Turns journal entries old or large enough into chunks and rollups; one context at a time, under a lock. */
	seal(options?: { readonly all?: boolean }): Promise<{ chunks: number }>;
	deleteMachine(machineId: MachineId): Promise<void>;
	/**
	 * Retention: lets the oldest closed segments of one tier go, those that end before `before`, at most `atMost` of them. Coarser tiers
	 * keep what they know of that time. A small step; call again while it removes something.
	 */
	trim(options: {
		readonly tier: StorageTier;
		readonly before: EpochMs;
		readonly atMost: number;
	}): Promise<{ removed: number; bytes: number }>;
	statistics(): Promise<{
		readings: number;
		bytes: number;
		chunks: number;
		journalEntries: number;
		oldest?: EpochMs;
		newest?: EpochMs;
		/** Stored bytes by tier, the journal apart. */
		bytesByTier: Record<StorageTier, number>;
		/** Segments that this context found damaged: skipped, the rest stays readable. */
		unreadable: number;
	}>;
}

export interface RegistryStore {
	machines(): Promise<MachineRecord[]>;
	machine(machineId: MachineId): Promise<MachineRecord | undefined>;
	sensors(machineId?: MachineId): Promise<SensorRecord[]>;
	/** Inserts what is new, merges what is known better now; never blanks a field. */
	upsert(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): Promise<void>;
	/** Takes a machine and its sensors off the list; its telemetry goes by `series.deleteMachine`. Heard of again, it comes back. */
	remove(machineId: MachineId): Promise<void>;
	/**
	 * Calls back soon and after every change, from any tab, of a large plant with several changes together: machines in the order of
	 * ids, and so the sensors of each. Records are shared by all who follow: nobody may change them. Returns unsubscribe.
	 */
	watch(onChange: (machines: MachineRecord[], sensors: SensorRecord[]) => void): () => void;
}

export interface ModelStore {
	versions(): Promise<ModelVersion[]>;
	save(pkg: ModelPackage): Promise<void>;
	load(id: string): Promise<ModelPackage>;
	remove(id: string): Promise<void>;
	/** Which version a machine uses: a person's or training's choice. Undefined: the class's shipped model, if any. */
	assignment(machineId: MachineId): Promise<string | undefined>;
	assign(machineId: MachineId, versionId: string | undefined): Promise<void>;
	watch(onChange: (versions: ModelVersion[], assignments: Map<MachineId, string>) => void): () => void;
}

/** Remaining-life models trained here, and what was tried on the way. */
export interface RulModelStore {
	versions(): Promise<RulModelVersion[]>;
	save(pkg: RulModelPackage, backtest?: RulBacktest): Promise<void>;
	/** @throws MillwrightError `not-found` */
	load(id: string): Promise<RulModelPackage>;
	/** What `save` was given with the version. */
	backtest(id: string): Promise<RulBacktest | undefined>;
	/** With its backtest; machines it spoke for have none then. */
	remove(id: string): Promise<void>;
	assignments(): Promise<RulAssignment[]>;
	/** Replaces what was assigned to the same machine or class. */
	assign(assignment: RulAssignment): Promise<void>;
	/** With what was said of the machines it was assigned to. */
	withdraw(target: RulAssignment['target']): Promise<void>;
	/** What promoted models say of machines now. */
	outlooks(): Promise<RulOfMachine[]>;
	outlook(machineId: MachineId): Promise<RulOfMachine | undefined>;
	/** Replaces what was said of the machine, and with `said` what was said at earlier steps. */
	saveOutlook(outlook: RulOfMachine, said: readonly EarlierPrognosis[]): Promise<void>;
	removeOutlook(machineId: MachineId): Promise<void>;
	/** What was said of a machine step by step, oldest first. */
	said(machineId: MachineId): Promise<EarlierPrognosis[]>;
	watchOutlooks(onChange: (outlooks: RulOfMachine[]) => void): () => void;
	watchOutlook(
		machineId: MachineId,
		onChange: (outlook: RulOfMachine | undefined, said: EarlierPrognosis[]) => void
	): () => void;
	saveTrial(trial: RulTrial): Promise<void>;
	/** Of one search, in the order in which they were judged. */
	trialsOf(searchId: string): Promise<RulTrial[]>;
	removeTrials(searchId: string): Promise<void>;
	watch(onChange: (versions: RulModelVersion[], assignments: RulAssignment[], trials: RulTrial[]) => void): () => void;
}

/** Failure classifiers trained here. */
export interface RiskModelStore {
	versions(): Promise<FailureModelVersion[]>;
	save(pkg: FailureModelPackage, lookBack: RiskLookBack): Promise<void>;
	/** @throws MillwrightError `not-found` */
	load(id: string): Promise<FailureModelPackage>;
	lookBack(id: string): Promise<RiskLookBack | undefined>;
	/** What a person says failures and visits cost, from which probability on a visit is worth it, and which model speaks. */
	decide(
		id: string,
		decision: {
			readonly costs: RiskCosts;
			readonly thresholds: readonly number[];
			readonly method: FailureModelVersion['method'];
		}
	): Promise<void>;
	/** With what it was promoted to. */
	remove(id: string): Promise<void>;
	assignments(): Promise<RiskAssignment[]>;
	/** Replaces what was assigned to the same machine or class. */
	assign(assignment: RiskAssignment): Promise<void>;
	/** With what was said of the machines it was assigned to. */
	withdraw(target: RiskAssignment['target']): Promise<void>;
	/** What promoted models say of machines now. */
	outlooks(): Promise<RiskOfMachine[]>;
	outlook(machineId: MachineId): Promise<RiskOfMachine | undefined>;
	/** Replaces what was said of the machine. */
	saveOutlook(outlook: RiskOfMachine): Promise<void>;
	removeOutlook(machineId: MachineId): Promise<void>;
	watchOutlooks(onChange: (outlooks: RiskOfMachine[]) => void): () => void;
	watchOutlook(machineId: MachineId, onChange: (outlook: RiskOfMachine | undefined) => void): () => void;
	watch(onChange: (versions: FailureModelVersion[], assignments: RiskAssignment[]) => void): () => void;
}

/** Failures and planned work that people recorded. */
export interface FailureRecordStore {
	/** Oldest first. */
	list(machineId?: MachineId): Promise<FailureRecord[]>;
	put(record: FailureRecord): Promise<void>;
	remove(id: string): Promise<void>;
	watch(machineId: MachineId | undefined, onChange: (records: FailureRecord[]) => void): () => void;
}

export interface AlarmStore {
	open(): Promise<Alarm[]>;
	list(query: { machineId?: MachineId; from?: EpochMs; to?: EpochMs; limit?: number }): Promise<Alarm[]>;
	/** Read-modify-write in one transaction: `change` gets the stored alarm (undefined: none) and returns what to keep. */
	update(id: string, change: (alarm: Alarm | undefined) => Alarm | undefined): Promise<Alarm | undefined>;
	/** Open alarms plus those raised since local midnight, at once and after every change from any tab. */
	watch(onChange: (alarms: Alarm[]) => void): () => void;
}

export interface SpanStore {
	put(span: AnomalySpan): Promise<void>;
	/** Spans that overlap [from, to]. */
	list(query: { machineId?: MachineId; from: EpochMs; to: EpochMs }): Promise<AnomalySpan[]>;
	watch(
		query: { machineId: MachineId; from: EpochMs; to: EpochMs },
		onChange: (spans: AnomalySpan[]) => void
	): () => void;
}

export interface VerdictStore {
	/** All of a machine, or of the workspace, newest event first. */
	list(query?: { machineId?: MachineId }): Promise<AnomalyVerdict[]>;
	/** Read-modify-write in one transaction, as of alarms. */
	update(
		id: string,
		change: (verdict: AnomalyVerdict | undefined) => AnomalyVerdict | undefined
	): Promise<AnomalyVerdict | undefined>;
	watch(query: { machineId?: MachineId }, onChange: (verdicts: AnomalyVerdict[]) => void): () => void;
}

export interface SettingsStore {
	source(): Promise<SourceSettings>;
	setSource(settings: SourceSettings): Promise<void>;
	watchSource(onChange: (settings: SourceSettings) => void): () => void;
	/** Small plain values by key (watermarks, preferences, calibrations). */
	get<T>(key: string): Promise<T | undefined>;
	set<T>(key: string, value: T): Promise<void>;
	/** As `set` of each, in one transaction: all of them or none. Of thousands, one by one would keep everybody else waiting for seconds. */
	setAll<T>(values: ReadonlyMap<string, T>): Promise<void>;
	watch<T>(key: string, onChange: (value: T | undefined) => void): () => void;
}

/** Trainings that have not ended, with how far they have got. Not part of a backup. */
export interface TrainingStore {
	/** Of detection models, oldest first. */
	unfinished(): Promise<UnfinishedTraining[]>;
	/** Of models of one kind that are promoted, oldest first. */
	unfinishedModels<Kind extends ModelTrainingKind>(kind: Kind): Promise<UnfinishedModelTraining<Kind>[]>;
	find(jobId: string): Promise<UnfinishedTraining | undefined>;
	findModel<Kind extends ModelTrainingKind>(
		kind: Kind,
		jobId: string
	): Promise<UnfinishedModelTraining<Kind> | undefined>;
	put(training: UnfinishedTraining | UnfinishedModelTraining): Promise<void>;
	/** As `put`, but does nothing when the training has been removed or is being saved. */
	renew(training: UnfinishedTraining | UnfinishedModelTraining): Promise<void>;
	/**
	 * What `saveCheckpoint` kept under this name; undefined: nothing. `fit` names one network and its data within the job. Plain data,
	 * which storage does not look into.
	 */
	checkpoint<T>(jobId: string, fit: string): Promise<T | undefined>;
	/** Replaces the checkpoint of this name and sets `attempts` to 0. Does nothing when the training has been removed. */
	saveCheckpoint(jobId: string, fit: string, checkpoint: unknown): Promise<void>;
	/** Forgets the training and its checkpoints. */
	remove(jobId: string): Promise<void>;
	/**
	 * Decides between a cancel and a result, whichever comes first, in whatever thread: after `cancel` has told 'cancelled' `beginSaving`
	 * tells false, and after that has told true `cancel` tells 'saving'. So a training is cancelled at once, whatever its worker is at.
	 */
	cancel(jobId: string): Promise<CancelOutcome>;
	beginSaving(jobId: string): Promise<boolean>;
}

/** What Sparkplug's edge nodes said at their births, of the broker in use. Not part of a backup. */
export interface EdgeNodeStore {
	all(): Promise<KeptEdgeNode[]>;
	save(changes: EdgeNodeChanges): Promise<void>;
	clear(): Promise<void>;
}

/** Rejected messages, persisted so that the Data screen shows them after a reload. */
export interface IntakeLogStore {
	record(
		reason: IntakeReason,
		count: number,
		last?: { topic: string; payload: string; at: EpochMs; message: string }
	): Promise<void>;
	all(): Promise<
		Partial<
			Record<IntakeReason, { count: number; last?: { topic: string; payload: string; at: EpochMs; message: string } }>
		>
	>;
	clear(): Promise<void>;
}

export interface Store {
	readonly workspace: WorkspaceName;
	readonly series: SeriesStore;
	readonly registry: RegistryStore;
	readonly models: ModelStore;
	readonly rulModels: RulModelStore;
	readonly riskModels: RiskModelStore;
	readonly failures: FailureRecordStore;
	readonly alarms: AlarmStore;
	readonly spans: SpanStore;
	readonly verdicts: VerdictStore;
	readonly settings: SettingsStore;
	readonly intakeLog: IntakeLogStore;
	readonly waveforms: WaveformStore;
	readonly trainings: TrainingStore;
	readonly edgeNodes: EdgeNodeStore;
	close(): void;
	/** Deletes everything of this workspace. */
	destroy(): Promise<void>;
}

// The implementation: `export async function openStore(workspace: WorkspaceName): Promise<Store>` in ./index.ts
