/**
 * A waveform: consecutive samples of one channel, and what a person states of the machine so that its spectrum can be read.
 */
import * as v from 'valibot';
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

/** Fewer samples make no spectrum, more are cut off by whoever sends them. */
export const minimumWaveformSamples = 32;
export const maximumWaveformSamples = 131_072;

export interface Waveform {
	readonly machineId: MachineId;
	/** Name of the measuring point within the machine, e.g. "driveEnd". */
	readonly channel: string;
	/** Time of the first sample. */
	readonly time: EpochMs;
	/** Undefined: unknown; frequencies are then in cycles per sample and nothing is graded by a standard. */
	readonly sampleRateHz?: number;
	/** As the source stated it, never guessed. */
	readonly unit?: string;
	/** Speed of the shaft while it was recorded, where the source knows it. */
	readonly shaftRpm?: number;
	readonly samples: Float32Array;
}

/** A stored waveform without its samples. */
export interface WaveformEntry {
	readonly channel: string;
	readonly time: EpochMs;
	readonly sampleRateHz?: number;
	readonly unit?: string;
	readonly shaftRpm?: number;
	/** How many. */
	readonly samples: number;
	/** What a person said it shows. */
	readonly condition?: string;
}

/** Series that a waveform leaves behind: its features over time. Derived, as all series whose name starts with '~'. */
export const waveformSeriesFeatures = ['rms', 'crestFactor', 'kurtosis', 'envelopeRms', 'velocityRms'] as const;
export type WaveformSeriesFeature = (typeof waveformSeriesFeatures)[number];

export function waveformSeriesName(channel: string, feature: WaveformSeriesFeature): string {
	return `~wave.${channel}.${feature}`;
}

/** Which shaft, bearing and gear frequencies to look for. All as a data sheet states them. */
export const BearingGeometrySchema = v.object({
	name: v.optional(v.string()),
	rollingElements: v.pipe(v.number(), v.integer(), v.minValue(3), v.maxValue(200)),
	rollerDiameterMm: v.pipe(v.number(), v.minValue(0.1)),
	pitchDiameterMm: v.pipe(v.number(), v.minValue(0.2)),
	contactAngleDegrees: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(89)))
});
export type BearingGeometry = v.InferOutput<typeof BearingGeometrySchema>;

export const MachineGeometrySchema = v.object({
	/** Used where neither the waveform nor a speed sensor says it. */
	shaftRpm: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(200_000))),
	bearing: v.optional(BearingGeometrySchema),
	/** Teeth of the gear on the measured shaft. */
	gearTeeth: v.optional(v.pipe(v.number(), v.integer(), v.minValue(5), v.maxValue(1000))),
	/** Vanes of an impeller or fan. */
	blades: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(200))),
	lineFrequencyHz: v.optional(v.picklist([50, 60]))
});
export type MachineGeometry = v.InferOutput<typeof MachineGeometrySchema>;
