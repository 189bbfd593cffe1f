/**
 * A detected state: what State Detection says of one machine at one time.
 */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

export interface SensorDeviation {
	readonly sensorName: string;
	/** Share of the squared residual that is this sensor's, 0-1; shares of one state sum to 1. */
	readonly share: number;
	/** In the sensor's own unit. */
	readonly actual: number;
	readonly expected: number;
	/** Half-width of the normal band around `expected`, in the sensor's own unit. */
	readonly band: number;
	/** What the network alone expected, where `expected` is what the other sensors and the machine's own level say. */
	readonly ofNetwork?: { readonly expected: number; readonly band: number };
	/** The sensor itself is the finding: its value no longer moves, or no longer comes. */
	readonly note?: 'stuck' | 'silent';
}

export interface DetectedState {
	readonly machineId: MachineId;
	/** Time of the newest sample judged. */
	readonly time: EpochMs;
	readonly modelId: string;
	/** Smoothed residual over its threshold: at or above 1 is anomalous. NaN while there is too little data. */
	readonly score: number;
	readonly anomalous: boolean;
	/** Why no score can be given, for a person; undefined when there is one. */
	readonly unscored?: 'warming-up' | 'no-model' | 'missing-sensors' | 'stopped' | 'stale' | 'new-mode';
	/** Operating mode as named by the mode detector, e.g. "off", "start-up", "running". */
	readonly mode: string;
	/** Learnt mode while running: its id in the version's `modes`, "new" for one that training did not show; undefined: not told. */
	readonly modeId?: string | undefined;
	/** Ranked, largest share first. */
	readonly deviations: readonly SensorDeviation[];
}
