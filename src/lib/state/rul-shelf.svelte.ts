/**
 * State: remaining-life models: versions, which machines they speak for, backtests, the trials of searches.
 *
 * In: storage and the registry. Out: lists for the screens; promoting a version to a machine or a class, withdrawing and discarding it.
 */
import {
	sensorsReadBy,
	toPlainError,
	type EpochMs,
	type MachineRecord,
	type PlainError,
	type RulAssignment,
	type RulBacktest,
	type RulModelVersion,
	type RulTrial,
	type SensorRecord
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { promotionTargets, type PromotionTarget } from './promotion-targets';

export class RulShelf {
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>();
	/** Newest first. */
	versions = $state.raw<readonly RulModelVersion[]>([]);
	assignments = $state.raw<readonly RulAssignment[]>([]);
	trials = $state.raw<readonly RulTrial[]>([]);
	machines = $state.raw<readonly MachineRecord[]>([]);
	sensors = $state.raw<readonly SensorRecord[]>([]);

	#store: Store | undefined;

	attach(store: Store): () => void {
		this.#store = store;
		const unwatch = store.rulModels.watch((versions, assignments, trials) => {
			this.versions = [...versions].reverse();
			this.assignments = assignments;
			this.trials = trials;
			this.loading = false;
		});
		const unwatchRegistry = store.registry.watch((machines, sensors) => {
			this.machines = [...machines].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
			this.sensors = sensors;
		});
		return () => {
			unwatch();
			unwatchRegistry();
			this.#store = undefined;
		};
	}

	usesOf(versionId: string): readonly RulAssignment[] {
		return this.assignments.filter((assignment) => assignment.versionId === versionId);
	}

	backtest(versionId: string): Promise<RulBacktest | undefined> {
		return this.#store ? this.#store.rulModels.backtest(versionId) : Promise.resolve(undefined);
	}

	/** Machines, and classes that have machines here; those that have what the model reads come first. */
	targetsOf(version: RulModelVersion): readonly PromotionTarget[] {
		return promotionTargets(this.machines, this.sensors, sensorsReadBy(version));
	}

	promote(
		versionId: string,
		target: RulAssignment['target'],
		stepHours: number,
		newSince: EpochMs | undefined,
		now: EpochMs
	): Promise<boolean> {
		return this.#try((store) =>
			store.rulModels.assign({ target, versionId, stepHours, ...(newSince !== undefined && { newSince }), at: now })
		);
	}

	withdraw(target: RulAssignment['target']): Promise<boolean> {
		return this.#try((store) => store.rulModels.withdraw(target));
	}

	/** Deletes a version with its backtest and what it was promoted to. */
	discard(versionId: string): Promise<boolean> {
		return this.#try((store) => store.rulModels.remove(versionId));
	}

	forgetTrials(searchId: string): Promise<boolean> {
		return this.#try((store) => store.rulModels.removeTrials(searchId));
	}

	async #try(action: (store: Store) => Promise<void>): Promise<boolean> {
		if (!this.#store) return false;
		this.problem = undefined;
		try {
			await action(this.#store);
			return true;
		} catch (error) {
			this.problem = toPlainError(error);
			return false;
		}
	}
}
