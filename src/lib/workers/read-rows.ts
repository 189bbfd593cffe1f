/** Stored history of a machine as rows, piece by piece. In: the store, a resampler that carries over from piece to piece, a span. Out: aligned rows. */
import { sensorIdOf, type EpochMs, type MachineId } from '../contracts';
import { feedColumns, type AlignedRow, type Resampler } from '../manipulation';
import type { Store } from '../storage/store';

/** Rows that stored readings of [from, to] finish. */
export async function readRowsOf(
	store: Store,
	machineId: MachineId,
	resampler: Resampler,
	from: EpochMs,
	to: EpochMs
): Promise<AlignedRow[]> {
	const slices = await store.series.query({
		sensorIds: resampler.sensorNames.map((name) => sensorIdOf(machineId, name)),
		from,
		to
	});
	const bySensor = new Map(slices.map((slice) => [slice.sensorId, slice]));
	feedColumns(
		resampler,
		resampler.sensorNames.map((name) => bySensor.get(sensorIdOf(machineId, name)))
	);
	return resampler.take();
}
