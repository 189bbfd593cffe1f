/**
 * State: what a promoted failure classifier says of one machine. In: assignments and recorded failures as they change, stored readings. Out: its
 * prediction, asked for anew every few minutes while the screen is shown. Machines without a promoted model never wake the worker.
 */
import {
	isAborted,
	riskAssignmentOf,
	toPlainError,
	type MachineId,
	type MachineRecord,
	type PlainError,
	type RiskAssignment,
	type RiskOfMachine
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { session } from '../app/session.svelte';

/** What it reads are means of days. */
const lookEveryMs = 300_000;

export class MachineRisk {
	/** Undefined: no model was promoted to this machine, or it has not spoken yet. */
	risk = $state.raw<RiskOfMachine | undefined>();
	problem = $state.raw<PlainError | undefined>();
	/** A model was promoted to this machine or its class. */
	promoted = $state(false);

	follow(store: Store, machineId: MachineId): () => void {
		let ended = false;
		let record: MachineRecord | undefined;
		let assignments: readonly RiskAssignment[] = [];
		const look = async () => {
			if (ended || !this.promoted) return;
			try {
				const risk = await session.training.riskOfMachine(machineId, Date.now());
				if (!ended) [this.risk, this.problem] = [risk, undefined];
			} catch (error) {
				if (!ended && !isAborted(error)) this.problem = toPlainError(error);
			}
		};
		const decide = () => {
			this.promoted = riskAssignmentOf(assignments, machineId, record?.machineClass) !== undefined;
			if (!this.promoted) this.risk = undefined;
			else void look();
		};
		const stops = [
			store.riskModels.watch((_versions, now) => {
				assignments = now;
				decide();
			}),
			store.registry.watch((machines) => {
				const found = machines.find(({ id }) => id === machineId);
				if (found?.machineClass === record?.machineClass && record) return;
				record = found;
				decide();
			}),
			store.failures.watch(machineId, () => void look())
		];
		const timer = setInterval(() => void look(), lookEveryMs);
		return () => {
			ended = true;
			clearInterval(timer);
			stops.forEach((stop) => stop());
		};
	}
}
