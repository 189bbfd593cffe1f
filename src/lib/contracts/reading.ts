/**
 * A reading: one value of one sensor at one time, as it leaves Data Acquisition.
 *
 * Decoders make `Reading` objects; everything that crosses a worker, a channel or the disk is a columnar `ReadingBatch`.
 */
import type { MachineId, SensorId } from './identity';

/** Milliseconds since the Unix epoch. */
export type EpochMs = number;

/** Quality of a value, after OPC UA's severity classes (Part 8): stored with the value; only `good` is scored. */
export const Quality = { good: 0, uncertain: 1, bad: 2 } as const;
export type Quality = (typeof Quality)[keyof typeof Quality];

export interface Reading {
	readonly machineId: MachineId;
	/** Name within the machine, e.g. "flow". */
	readonly sensorName: string;
	/** Time at the source; equal to `receivedAt` when the source gave none. */
	readonly time: EpochMs;
	readonly receivedAt: EpochMs;
	readonly value: number;
	readonly quality: Quality;
	/** Unit as the source stated it, never guessed. */
	readonly unit?: string;
}

/**
 * Readings of many sensors in columns of equal length, in order of arrival.
 * `series[i]` indexes `sensorIds`; lengths of `series`, `times`, `values`, `qualities` are equal.
 */
export interface ReadingBatch {
	readonly sensorIds: readonly SensorId[];
	readonly series: Uint32Array;
	readonly times: Float64Array;
	readonly values: Float64Array;
	readonly qualities: Uint8Array;
	/** When the newest message of the batch reached us. */
	readonly receivedAt: EpochMs;
}
