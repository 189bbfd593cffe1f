/**
 * State: the remaining life of one machine by a promoted model. In: assignments as they change, the machine's stored readings. Out: what
 * the model says, looked at anew each minute while the screen is shown. Machines without a promoted model never wake the worker.
 */
import {
	isAborted,
	toPlainError,
	type MachineId,
	type MachineRecord,
	type PlainError,
	type RulAssignment,
	type RulOfMachine
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { session } from './session.svelte';

const lookEveryMs = 60_000;

export class MachineLife {
	/** Undefined: no model was promoted to this machine, or it has not spoken yet. */
	life = $state.raw<RulOfMachine | undefined>();
	problem = $state.raw<PlainError | undefined>();
	/** True when a model was promoted to this machine or its class. */
	promoted = $state(false);

	follow(store: Store, machineId: MachineId): () => void {
		let ended = false;
		let record: MachineRecord | undefined;
		let assignments: readonly RulAssignment[] = [];
		const look = async () => {
			if (ended || !this.promoted) return;
			try {
				const life = await session.training.rulOfMachine(machineId, Date.now());
				if (!ended) [this.life, this.problem] = [life, undefined];
			} catch (error) {
				if (!ended && !isAborted(error)) this.problem = toPlainError(error);
			}
		};
		const decide = () => {
			const promoted = assignments.some(({ target }) =>
				'machineId' in target ? target.machineId === machineId : target.machineClass === record?.machineClass
			);
			this.promoted = promoted;
			if (!promoted) this.life = undefined;
			else void look();
		};
		const unwatch = store.rulModels.watch((_versions, now) => {
			assignments = now;
			decide();
		});
		const unwatchRegistry = store.registry.watch((machines) => {
			const found = machines.find(({ id }) => id === machineId);
			const changed = found?.machineClass !== record?.machineClass;
			record = found;
			if (changed) decide();
		});
		const timer = setInterval(() => void look(), lookEveryMs);
		return () => {
			ended = true;
			clearInterval(timer);
			unwatch();
			unwatchRegistry();
		};
	}
}
