/**
 * Stored series as callers ask for them and get them back.
 */
import type { SensorId } from './identity';
import type { EpochMs } from './reading';

/**
 * Besides the sensors, a machine has series that the pipeline derives; they are stored and queried like any other.
 * Their names start with '~', which no sensor name may.
 */
export const derivedSeries = { score: '~score', health: '~health', mode: '~mode' } as const;

/** True for a series that the pipeline derives, by its name within the machine. */
export function isDerivedSeries(name: string): boolean {
	return name.startsWith('~');
}

export interface SeriesQuery {
	readonly sensorIds: readonly SensorId[];
	readonly from: EpochMs;
	readonly to: EpochMs;
	/** Points wanted over the span; the coarsest tier that gives at least this many is used. Undefined: raw. */
	readonly maxPoints?: number;
}

/** One series over a span, in time order. For raw data min, max and mean are one and the same array. */
export interface SeriesSlice {
	readonly sensorId: SensorId;
	readonly tier: 'raw' | 'minute' | 'hour' | 'binned';
	/** Start of the bin, or the sample's own time when raw. */
	readonly times: Float64Array;
	readonly min: Float64Array;
	readonly max: Float64Array;
	readonly mean: Float64Array;
	/** Samples in each bin; all 1 when raw. */
	readonly counts: Uint32Array;
	/** Worst quality in each bin. */
	readonly qualities: Uint8Array;
}
