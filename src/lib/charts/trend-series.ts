/** What a stack of trend charts draws, one entry per chart. */
import type { EpochMs } from '../contracts';
import type { Trace } from './trace';

export interface TrendSeries {
	readonly key: string;
	readonly label: string;
	readonly unit?: string;
	readonly resolution?: number;
	readonly trace: Trace;
	/** Newest value, shown while no time is pointed at. */
	readonly latest?: { readonly time: EpochMs; readonly value: number };
	/** Expected range over time, where known. */
	readonly band?: {
		readonly times: readonly EpochMs[];
		readonly low: readonly number[];
		readonly high: readonly number[];
	};
	/** A line across with its name, e.g. the threshold. */
	readonly limit?: { readonly value: number; readonly label: string };
	readonly domain?: readonly [number, number];
	/** Smallest height worth a full chart, in the series' own unit. */
	readonly leastSpan?: number;
	/** Drives the present anomaly: its name is marked. */
	readonly marked?: string;
}

/** A stretch in one operating mode. */
export interface ModeSpan {
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly kind: 'off' | 'start-up' | 'changing' | 'new' | 'running';
	/** Place among the learnt modes, from 0. */
	readonly index?: number;
	readonly label: string;
}

export interface TrendSpan {
	readonly id: string;
	readonly start: EpochMs;
	/** Undefined: it lasts. */
	readonly end?: EpochMs;
}
