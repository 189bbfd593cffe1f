/**
 * Benchmarks: histories of units as JSON that a page takes. In: `UnitHistories`. Out: the same with columns as base64.
 */
import type { UnitHistories, UnitHistory } from '../../../src/lib/contracts';

export interface PackedHistories extends Omit<UnitHistories, 'units'> {
	readonly units: readonly (Omit<UnitHistory, 'settings' | 'sensors'> & {
		readonly settings: string;
		readonly sensors: string;
	})[];
}

export function packHistories({ units, ...rest }: UnitHistories): PackedHistories {
	const base64 = (values: Float32Array) =>
		Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
	return {
		...rest,
		units: units.map((unit) => ({ ...unit, settings: base64(unit.settings), sensors: base64(unit.sensors) }))
	};
}
