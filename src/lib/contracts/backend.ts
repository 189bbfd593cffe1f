/** What the LSTM engine runs on, as it tells and as Settings shows it: the choice, its measured rate, and what was refused. */
import type { EpochMs } from './reading';

/** Windows per second of the reference network, and when that was measured. */
export interface MeasuredRates {
	readonly scoredWindowsPerSecond?: number;
	readonly trainedWindowsPerSecond?: number;
	readonly measuredAt?: EpochMs;
}

export interface BackendReport extends MeasuredRates {
	readonly backend: 'webgpu' | 'wasm' | 'cpu';
	/** e.g. adapter name, "SIMD128 + relaxed FMA". */
	readonly detail: string;
	/** What was measured the time before on the same backend. */
	readonly before?: MeasuredRates;
	/** Largest relative error of outputs and gradients in its self-test; undefined for the plain loops, which are the reference. */
	readonly selfTestError?: number;
	/** Backends that were tried and why they are not used. */
	readonly rejected: readonly RejectedBackend[];
}

export interface RejectedBackend {
	readonly backend: string;
	readonly reason: string;
	/** As of the report: which of several builds or adapters it was. */
	readonly detail?: string;
	/** It calculated wrongly in the self-test: not merely slower, absent or lost. */
	readonly isWrong?: boolean;
}

export const enginePurposes = ['scoring', 'training'] as const;
export type EnginePurpose = (typeof enginePurposes)[number];

/** Setting that holds the report of the engine last started for a purpose. */
export function backendReportKey(purpose: EnginePurpose): string {
	return `backend-report:${purpose}`;
}
