/**
 * A sample window: a machine's sensors resampled to one clock, as Data Manipulation hands them to State Detection.
 */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

export interface SampleWindow {
	readonly machineId: MachineId;
	/** Sensor names, the column order of `values`. */
	readonly sensorNames: readonly string[];
	/** Time of the first row. */
	readonly startTime: EpochMs;
	readonly stepMs: number;
	readonly steps: number;
	/** Row-major [steps, sensors], in the sensors' own units; NaN where nothing good is known. */
	readonly values: Float32Array;
}

/** Mean and standard deviation per sensor, learnt on the training span and stored with the model. */
export interface Scaler {
	readonly sensorNames: readonly string[];
	readonly mean: readonly number[];
	/** Guarded: never below a floor that depends on the mean, so that a constant column cannot explode. */
	readonly deviation: readonly number[];
}
