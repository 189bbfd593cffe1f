/**
 * State: how one machine has been watched. In: stored settings of the scoring. Out: how its threshold was moved and by what, what the drift test says, the watch on its
 * levels, which a person may start anew.
 */
import {
	adaptationKey,
	driftKey,
	levelWatchKey,
	toPlainError,
	type Adaptation,
	type DriftRecord,
	type DriftStatus,
	type LevelWatch,
	type LevelWatchRecord,
	type MachineId,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { session } from '../app/session.svelte';

export class MachineWatch {
	/** Undefined until it has been judged for a while. */
	adaptation = $state.raw<Adaptation | undefined>();
	drift = $state.raw<DriftStatus | undefined>();
	levels = $state.raw<LevelWatch | undefined>();
	problem = $state.raw<PlainError | undefined>();

	follow(store: Store, machineId: MachineId): () => void {
		const stops = [
			store.settings.watch<Adaptation>(adaptationKey(machineId), (adaptation) => (this.adaptation = adaptation)),
			store.settings.watch<DriftRecord>(driftKey(machineId), (record) => (this.drift = record?.status)),
			store.settings.watch<LevelWatchRecord>(levelWatchKey(machineId), (record) => (this.levels = record?.watch))
		];
		return () => stops.forEach((stop) => stop());
	}

	/** Forgets what was learnt of the machine's levels: only running from now on is taken to be healthy. */
	async startLevelsAnew(store: Store, machineId: MachineId): Promise<void> {
		this.problem = undefined;
		try {
			const record: LevelWatchRecord = { format: 1, since: Date.now() };
			await store.settings.set(levelWatchKey(machineId), record);
			await session.inference.reloadModel(machineId);
		} catch (error) {
			this.problem = toPlainError(error);
		}
	}
}
