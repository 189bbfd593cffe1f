/**
 * What the page may ask of the diagnosis worker: spectra and their reading, vibration zones, hypotheses. Its own worker, so that a large
 * waveform never holds up scoring.
 */
import type {
	FaultClassifierModel,
	HealthReport,
	MachineDiagnosis,
	MachineId,
	RecordingSearchRequest,
	RecordingSearchResult,
	SearchProgress,
	WaterfallView,
	WaveformDiagnosis,
	WorkspaceName
} from '../contracts';

export interface WaveformImport {
	readonly machineId: MachineId;
	/** Undefined: unknown; frequencies are then per sample. */
	readonly sampleRateHz?: number;
	readonly unit?: string;
	readonly shaftRpm?: number;
	/** When the recording was made. */
	readonly time: number;
}

export interface DiagnosisApi {
	start(workspace: WorkspaceName): Promise<void>;
	/** Gradings and hypotheses from the newest values, waveforms and the report that the page holds. */
	machine(machineId: MachineId, report: HealthReport | undefined): Promise<MachineDiagnosis>;
	/** The waveform at `time`, or the channel's newest; undefined when there is none. */
	waveform(machineId: MachineId, channel: string, time?: number): Promise<WaveformDiagnosis | undefined>;
	/** Amplitude spectra of at most `count` waveforms of a channel, evenly chosen over its history, oldest first. */
	waterfall(machineId: MachineId, channel: string, count: number): Promise<WaterfallView>;
	/** CSV with one column a channel (a head line names them) to stored waveforms. Rejects naming line and column. */
	importCsv(file: Blob, about: WaveformImport): Promise<{ channels: readonly string[]; samples: number }>;
	/** Learns a fault classifier from all labelled waveforms; stored, used from then on. */
	learn(): Promise<Pick<FaultClassifierModel, 'conditions' | 'samples' | 'groups' | 'heldOutAccuracy'>>;
	/** Looks for anomalies in what was recorded. Rejects with `aborted` once `cancelSearch(jobId)` was called. */
	searchRecording(
		jobId: string,
		request: RecordingSearchRequest,
		onProgress: (progress: SearchProgress) => void
	): Promise<RecordingSearchResult>;
	cancelSearch(jobId: string): Promise<void>;
}
