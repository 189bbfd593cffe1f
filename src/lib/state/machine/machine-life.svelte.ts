/**
 * State: the remaining life of one machine by a promoted model, as the inference worker stored it. In: storage as it changes. Out: what
 * the model says, what it said step by step, and whether there is a model that has not spoken yet.
 */
import {
	promotionOf,
	type EarlierPrognosis,
	type MachineId,
	type MachineRecord,
	type RulAssignment,
	type RulOfMachine
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';

export class MachineLife {
	/** Undefined: no model was promoted to this machine, or it has not spoken yet. */
	life = $state.raw<RulOfMachine | undefined>();
	/** Oldest first. */
	said = $state.raw<readonly EarlierPrognosis[]>([]);
	#assignments = $state.raw<readonly RulAssignment[]>([]);
	#record = $state.raw<MachineRecord | undefined>();
	/** A model was promoted to this machine or its class. */
	readonly promoted = $derived(
		this.#record !== undefined && promotionOf(this.#assignments, this.#record) !== undefined
	);

	follow(store: Store, machineId: MachineId): () => void {
		const ends = [
			store.rulModels.watch((_versions, assignments) => (this.#assignments = assignments)),
			store.rulModels.watchOutlook(machineId, (life, said) => {
				this.life = life;
				this.said = said;
			}),
			store.registry.watch((machines) => (this.#record = machines.find(({ id }) => id === machineId)))
		];
		return () => ends.forEach((end) => end());
	}
}
