/**
 * State: how much of the plant's own history there is to learn failures from. In: machines, recorded failures. Out: groups of like machines, and for
 * each its days of readings and the failures that readings come before, as the training worker counts them.
 */
import {
	isAborted,
	toPlainError,
	type FailureRecord,
	type MachineId,
	type MachineRecord,
	type PlainError,
	type PlantHistory
} from '../../contracts';
import { groupBy } from '../plant/group-by';
import { session } from '../app/session.svelte';

export interface PlantGroup {
	readonly key: string;
	readonly title: string;
	readonly machineIds: readonly MachineId[];
	/** Recorded on them. */
	readonly failures: number;
}

/** Machines of a class together, each other one by itself; those with the most failures first. */
export function plantGroups(machines: readonly MachineRecord[], failures: readonly FailureRecord[]): PlantGroup[] {
	const counts = groupBy(failures, ({ machineId }) => machineId);
	const groups = groupBy(machines, ({ id, machineClass }) =>
		machineClass ? `class:${machineClass}` : `machine:${id}`
	);
	return [...groups]
		.map(([key, members]) => ({
			key,
			title: members[0]!.machineClass ? `every ${members[0]!.machineClass}` : members[0]!.id,
			machineIds: members.map(({ id }) => id),
			failures: members.reduce((sum, { id }) => sum + (counts.get(id)?.length ?? 0), 0)
		}))
		.sort((a, b) => b.failures - a.failures);
}

export class PlantLearning {
	histories = $state.raw<ReadonlyMap<string, PlantHistory>>(new Map());
	problem = $state.raw<PlainError | undefined>();
	#turn = 0;

	/** Counts anew. Groups without a failure are not looked through: there is nothing to learn of them. */
	look(groups: readonly PlantGroup[]): void {
		const mine = ++this.#turn;
		void this.#count(groups, mine);
	}

	async #count(groups: readonly PlantGroup[], mine: number): Promise<void> {
		const found = new Map<string, PlantHistory>();
		try {
			for (const { key, machineIds, failures } of groups) {
				if (failures === 0) continue;
				found.set(key, await session.training.plantHistory([...machineIds], Date.now()));
				if (mine !== this.#turn) return;
			}
			this.histories = found;
			this.problem = undefined;
		} catch (error) {
			if (mine === this.#turn && !isAborted(error)) this.problem = toPlainError(error);
		}
	}
}
