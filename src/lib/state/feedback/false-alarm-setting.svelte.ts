/** State: how many false alarms are accepted, for the plant and for single machines. In: the stored choice. Out: it, and changing it. */
import {
	defaultFalseAlarmTarget,
	falseAlarmTargetKey,
	falseAlarmsPerWeek,
	toPlainError,
	type FalseAlarmTarget,
	type MachineId,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';

export class FalseAlarmSetting {
	target = $state.raw<FalseAlarmTarget>(defaultFalseAlarmTarget);
	problem = $state.raw<PlainError | undefined>(undefined);
	#store: Store | undefined;

	attach(store: Store): () => void {
		this.#store = store;
		const stop = store.settings.watch<FalseAlarmTarget>(falseAlarmTargetKey, (target) => {
			this.target = target ?? defaultFalseAlarmTarget;
		});
		return () => {
			stop();
			this.#store = undefined;
		};
	}

	perWeekOf(machineId: MachineId): number {
		return falseAlarmsPerWeek(this.target, machineId);
	}

	choosePlant(perWeek: number): Promise<void> {
		return this.#write({ ...this.target, perWeek });
	}

	/** Undefined: as the plant. */
	chooseMachine(machineId: MachineId, perWeek: number | undefined): Promise<void> {
		const { [machineId]: _, ...others } = this.target.machines;
		return this.#write({
			...this.target,
			machines: perWeek === undefined ? others : { ...others, [machineId]: perWeek }
		});
	}

	async #write(target: FalseAlarmTarget): Promise<void> {
		try {
			await this.#store?.settings.set(falseAlarmTargetKey, target);
			this.problem = undefined;
		} catch (error) {
			this.problem = toPlainError(error);
		}
	}
}
