/** Storage, export: what a file format takes: a window of readings at a time, wide or long. */
import type { SensorRecord, SeriesSlice } from '../../contracts';

export type Write = (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;

export interface TableWriter {
	/** Readings of some sensors of one machine; `slices[i]` is of `sensors[i]`. Gives the rows written. */
	window(machineId: string, sensors: readonly SensorRecord[], slices: readonly SeriesSlice[]): Promise<number>;
	end(): Promise<void>;
}

export const qualityWords = ['good', 'uncertain', 'bad'] as const;

/** "flow [l/min]": what an import takes apart again. */
export function columnName({ name, unit }: SensorRecord): string {
	return unit ? `${name} [${unit}]` : name;
}
