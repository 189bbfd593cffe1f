/**
 * A level watch: what judges a machine that has no model. It knows where the machine's sensors stood, and how they moved together, over a
 * stretch of running that is taken to be healthy because nothing else is known of it. No network: a few numbers per pair of sensors.
 */
import type { MachineId } from './identity';
import type { JudgingBasis } from './model-version';
import type { EpochMs } from './reading';

export interface LevelWatch extends JudgingBasis {
	readonly target: { readonly machineId: MachineId };
	readonly learnedAt: EpochMs;
	/** First and last row learnt from, and how many of them ran. */
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly rows: number;
	/** Sensors of the machine that it leaves out, and why. */
	readonly leftOut: readonly { readonly sensorName: string; readonly why: LeftOutReason }[];
}

/** seldom: too few values for the machine's clock; counter: it only ever rises. */
export type LeftOutReason = 'seldom' | 'counter';

/** What is kept of a machine's level watch, under `levelWatchKey`. */
export interface LevelWatchRecord {
	readonly format: 1;
	/** Undefined: still learning. */
	readonly watch?: LevelWatch;
	/** Only rows from here on are learnt from: it was started anew then. */
	readonly since?: EpochMs;
}

/** How far a level watch has got that cannot judge yet. */
export interface LevelLearning {
	/** Rows of running there are, and how many are needed. */
	readonly rows: number;
	readonly neededRows: number;
	/** Undefined: the machine's clock is not known yet. */
	readonly stepMs?: number;
	/** Of a recording: nothing will be added to it. */
	readonly recorded?: boolean;
	/** As many machines as can be are watched by their levels already. */
	readonly full?: boolean;
}

export function levelWatchKey(machineId: MachineId): string {
	return `level-watch:${machineId}`;
}

const idStart = 'levels~';

export function levelWatchId(machineId: MachineId, learnedAt: EpochMs): string {
	return `${idStart}${machineId.split('/').pop()}~${learnedAt}`;
}

/** Whether a verdict, anomaly or alarm is by a level watch rather than by a model. */
export function isLevelWatch(modelId: string | undefined): boolean {
	return modelId?.startsWith(idStart) ?? false;
}
