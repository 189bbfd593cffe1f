/**
 * A prognosis: how long until the event, how sure, or what is missing to say (vocabulary: NASA ProgPy).
 */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

export interface Prognosis {
	readonly machineId: MachineId;
	readonly time: EpochMs;
	readonly method: 'none' | 'health-trend' | 'rul-model';
	/** Median and central 90% interval, hours; undefined when there is not enough to say. */
	readonly rulHours?: { readonly median: number; readonly low: number; readonly high: number };
	/** In plain words, what is missing when `rulHours` is undefined. */
	readonly missing?: string;
}
