/** A look for anomalies in what was recorded of one machine: what is asked, how far it is, what it found. */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

/**
 * What a channel is held against: `before`: all that it did earlier in the span, nothing is taken for healthy; `beginning`: the first quarter of
 * the span, which is taken for healthy; `model`: what the machine's model expected of it, errors that stand out from the rest of the span.
 */
export type SearchBasis = 'before' | 'beginning' | 'model';

export interface RecordingSearchRequest {
	readonly machineId: MachineId;
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly basis: SearchBasis;
}

export interface SearchProgress {
	/** Undefined while all channels are looked at together, piece by piece of the span. */
	readonly sensorName?: string;
	readonly done: number;
	readonly total: number;
}

/** A stretch in which one channel was where, or moved as, it had not been seen to. */
export interface RecordingFinding {
	readonly sensorName: string;
	readonly start: EpochMs;
	readonly end: EpochMs;
	/** How far beyond what was seen, in usual ranges of the channel; of a model, the largest smoothed error over the threshold. */
	readonly beyond: number;
	/** The value in the stretch that lies farthest from the middle of what was seen or expected, and the range of that; own unit. */
	readonly value: number;
	readonly lowest: number;
	readonly highest: number;
}

/** What stood out at one time: the stretches that overlap the one that went farthest, or lie within a minute of it. */
export interface RecordingMoment {
	/** Of all its stretches. */
	readonly start: EpochMs;
	readonly end: EpochMs;
	/** One a channel, the farthest out first. */
	readonly findings: readonly [RecordingFinding, ...RecordingFinding[]];
}

export interface RecordingSearchResult {
	readonly basis: SearchBasis;
	/** The farthest out first. */
	readonly moments: readonly RecordingMoment[];
	readonly searched: number;
	/** Channels with too few values to say anything. */
	readonly leftOut: readonly string[];
	/** Values that were looked at; means of minutes or hours where a span is long. */
	readonly values: number;
	readonly tier: 'raw' | 'minute' | 'hour' | 'binned';
}
