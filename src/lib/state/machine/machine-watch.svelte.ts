/** State: how one machine has been watched. In: stored settings of the scoring. Out: hours judged, what the drift test says. */
import { driftKey, type DriftRecord, type DriftStatus, type MachineId } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { hoursScored, recordKey, type ScoringRecord } from '$lib/workers/inference/scored-intervals';

export class MachineWatch {
	/** Undefined until read. */
	hours = $state<number | undefined>();
	drift = $state.raw<DriftStatus | undefined>();

	follow(store: Store, machineId: MachineId): () => void {
		const stops = [
			store.settings.watch<ScoringRecord>(recordKey(machineId), (record) => (this.hours = hoursScored(record))),
			store.settings.watch<DriftRecord>(driftKey(machineId), (record) => (this.drift = record?.status))
		];
		return () => stops.forEach((stop) => stop());
	}
}
