/**
 * Data Acquisition: what the block needs of the world, so that it neither knows storage nor the browser.
 *
 * The worker passes the real store, sockets and channel; tests pass theirs. `storage/store.ts` fits `AcquisitionStore`.
 */
import type {
	EdgeNodeChanges,
	EpochMs,
	IntakeExample,
	IntakeReason,
	KeptEdgeNode,
	LiveMessage,
	MachineId,
	MachineRecord,
	ReadingBatch,
	SensorId,
	SensorRecord,
	SourceSettings,
	Waveform,
	WaveformSeriesFeature,
	WorkspaceName
} from '../contracts';

/** What became of an appended batch, once it is durable. */
export interface CommitReceipt {
	readonly stored: number;
	readonly duplicates: number;
	readonly conflicts: number;
	readonly outOfOrder: number;
}

export interface ReadingStore {
	readonly series: {
		/** Resolves once the batch is durable. */
		append(batch: ReadingBatch): Promise<CommitReceipt>;
	};
	readonly registry: {
		machines(): Promise<MachineRecord[]>;
		sensors(machineId?: MachineId): Promise<SensorRecord[]>;
		upsert(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): Promise<void>;
	};
	/** Absent where nothing sends waveforms. */
	readonly waveforms?: {
		put(waveforms: readonly Waveform[]): Promise<void>;
		deleteMachine(machineId: MachineId): Promise<void>;
	};
}

/** Features of a waveform that are kept as series; called in the worker that stores it. */
export type WaveformMeasure = (waveform: Waveform) => Partial<Record<WaveformSeriesFeature, number>>;

export interface AcquisitionStore extends ReadingStore {
	readonly series: ReadingStore['series'] & {
		latest(sensorIds: readonly SensorId[]): Promise<Map<SensorId, { time: EpochMs }>>;
		/** Compresses what was appended; `all`: now, however little it is. */
		seal?(options: { readonly all: boolean }): Promise<unknown>;
		deleteMachine(machineId: MachineId): Promise<void>;
	};
	readonly registry: ReadingStore['registry'] & {
		watch(onChange: (machines: MachineRecord[], sensors: SensorRecord[]) => void): () => void;
	};
	readonly settings: {
		watchSource(onChange: (settings: SourceSettings) => void): () => void;
		get<T>(key: string): Promise<T | undefined>;
		set<T>(key: string, value: T): Promise<void>;
		watch<T>(key: string, onChange: (value: T | undefined) => void): () => void;
	};
	/** What is kept of Sparkplug's edge nodes over a reload. */
	readonly edgeNodes: {
		all(): Promise<KeptEdgeNode[]>;
		save(changes: EdgeNodeChanges): Promise<void>;
		clear(): Promise<void>;
	};
	readonly intakeLog: {
		record(reason: IntakeReason, count: number, last?: IntakeExample): Promise<void>;
	};
	close(): void;
}

export interface LiveChannel {
	post(message: LiveMessage): void;
	onMessage(listener: (message: LiveMessage) => void): () => void;
	close(): void;
}

/** Holds a named lock over all tabs: `run` is called when it is granted, until `run` ends or `signal` aborts. */
export type LockRequest = (name: string, signal: AbortSignal, run: () => Promise<void>) => Promise<void>;

/** The part of a WebSocket that the MQTT session uses. */
export interface SocketLike {
	binaryType: string;
	readonly readyState: number;
	readonly bufferedAmount: number;
	send(data: Uint8Array<ArrayBuffer>): void;
	close(code?: number, reason?: string): void;
	addEventListener(type: string, listener: (event: never) => void): void;
}

export interface World {
	openStore(workspace: WorkspaceName): Promise<AcquisitionStore>;
	openChannel(workspace: WorkspaceName): LiveChannel;
	lock: LockRequest;
	openSocket(url: string, protocol: string): SocketLike;
	measureWaveform: WaveformMeasure;
	now(): EpochMs;
	random(): number;
	/** True where ws:// is refused by the browser. */
	readonly onHttpsPage: boolean;
}
