/**
 * State: what a promoted failure classifier says of one machine, as the inference worker stored it. In: storage as it changes. Out: what the
 * model says, the version that says it, and whether there is one that has not spoken yet.
 */
import {
	promotionOf,
	type FailureModelVersion,
	type MachineId,
	type MachineRecord,
	type RiskAssignment,
	type RiskOfMachine
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';

export class MachineRisk {
	/** Undefined: no model was promoted to this machine, or it has not spoken yet. */
	risk = $state.raw<RiskOfMachine | undefined>();
	#versions = $state.raw<readonly FailureModelVersion[]>([]);
	#assignments = $state.raw<readonly RiskAssignment[]>([]);
	#record = $state.raw<MachineRecord | undefined>();
	/** The version that says it. */
	readonly version = $derived(this.#versions.find(({ id }) => id === this.risk?.versionId));
	/** A model was promoted to this machine or its class. */
	readonly promoted = $derived(
		this.#record !== undefined && promotionOf(this.#assignments, this.#record) !== undefined
	);

	follow(store: Store, machineId: MachineId): () => void {
		const ends = [
			store.riskModels.watch((versions, assignments) => {
				this.#versions = versions;
				this.#assignments = assignments;
			}),
			store.riskModels.watchOutlook(machineId, (risk) => (this.risk = risk)),
			store.registry.watch((machines) => (this.#record = machines.find(({ id }) => id === machineId)))
		];
		return () => ends.forEach((end) => end());
	}
}
