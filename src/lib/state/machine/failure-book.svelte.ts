/** State: failures and planned work recorded on one machine. In: what a person says happened. Out: the list, newest first; all written to this device. */
import { type FailureModeCode, type FailureRecord, type MachineId, type RepairAction } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { person } from '../feedback/person.svelte';
import { StoreActions } from '../app/store-actions.svelte';

export const modeTitles: Record<FailureModeCode, string> = {
	breakdown: 'Breakdown',
	vibration: 'Vibration',
	overheating: 'Overheating',
	'external-leakage': 'Leakage to the outside',
	'internal-leakage': 'Internal leakage',
	noise: 'Noise',
	'low-output': 'Low output',
	'fail-to-start': 'Did not start',
	'fail-to-stop': 'Did not stop',
	structural: 'Crack, loosening, wear of structure',
	plugged: 'Plugged',
	other: 'Other'
};
export const actionTitles: Record<RepairAction, string> = {
	replaced: 'Part replaced',
	repaired: 'Repaired',
	adjusted: 'Adjusted',
	serviced: 'Cleaned, lubricated, serviced',
	'none-yet': 'Nothing yet'
};

export class FailureBook extends StoreActions {
	loading = $state(true);
	/** Newest first. */
	records = $state.raw<readonly FailureRecord[]>([]);
	follow(store: Store, machineId: MachineId): () => void {
		this.store = store;
		const unwatch = store.failures.watch(machineId, (records) => {
			this.records = [...records].reverse();
			this.loading = false;
		});
		return () => {
			unwatch();
			this.store = undefined;
		};
	}

	record(said: Omit<FailureRecord, 'id' | 'by' | 'recordedAt'>): Promise<boolean> {
		return this.attempt((store) =>
			store.failures.put({ ...said, id: crypto.randomUUID(), by: person.signature, recordedAt: Date.now() })
		);
	}

	remove(id: string): Promise<boolean> {
		return this.attempt((store) => store.failures.remove(id));
	}
}
