/** Drift: what a slow change of a machine's readings is taken for, and what is proposed. */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

/**
 * `sensor-drift`: one sensor leaves its relation to the others, which keep theirs. `process-change`: the load is another than in
 * training, relations are kept. `degradation`: the residual grows steadily. `unclear`: something moved, the data do not tell what.
 */
export type DriftKind = 'sensor-drift' | 'process-change' | 'degradation' | 'unclear';

export interface DriftFinding {
	readonly kind: DriftKind;
	/** Sensors that moved, most first. */
	readonly sensorNames: readonly string[];
	readonly since: EpochMs;
	/** One or two sentences: what was seen, and why it is taken for this. */
	readonly why: string;
	readonly proposal: 'check-sensor' | 'retrain' | 'look-at-machine';
}

export interface DriftStatus {
	readonly modelId: string;
	/** Blocks of rows seen, of those that the baseline needs. */
	readonly blocks: number;
	readonly baselineBlocks: number;
	readonly time: EpochMs;
	/** Per sensor: level of the residual lately against the baseline, in normal deviations of block means. */
	readonly shifts: Readonly<Record<string, number>>;
	readonly finding?: DriftFinding;
}

/** What is kept under `driftKey`: what screens show, and what the monitor goes on from. */
export interface DriftRecord<Memory = unknown> {
	readonly status: DriftStatus;
	readonly memory: Memory;
}

export function driftKey(machineId: MachineId): string {
	return `drift:${machineId}`;
}
