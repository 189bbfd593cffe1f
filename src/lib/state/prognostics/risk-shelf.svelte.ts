/**
 * State: failure classifiers: versions, which machines they speak for, what they said when they were looked back on. In: storage and the registry.
 * Out: lists for the screens; promoting, withdrawing, discarding a version, and what a person decides of costs, threshold and method.
 */
import {
	onlyInFiles,
	sensorOfColumn,
	type EpochMs,
	type FailureModelVersion,
	type FailureRecord,
	type MachineRecord,
	type RiskAssignment,
	type RiskLookBack,
	type SensorRecord
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { promotionTargets, type PromotionTarget } from '../models/promotion-targets';
import { StoreActions } from '../app/store-actions.svelte';

export class RiskShelf extends StoreActions {
	loading = $state(true);
	/** Newest first. */
	versions = $state.raw<readonly FailureModelVersion[]>([]);
	assignments = $state.raw<readonly RiskAssignment[]>([]);
	machines = $state.raw<readonly MachineRecord[]>([]);
	sensors = $state.raw<readonly SensorRecord[]>([]);
	/** Failures and planned work recorded on any machine. */
	records = $state.raw<readonly FailureRecord[]>([]);
	readonly failures = $derived(this.records.filter(({ kind }) => kind === 'failure'));

	attach(store: Store): () => void {
		this.store = store;
		const stops = [
			store.riskModels.watch((versions, assignments) => {
				this.versions = [...versions].reverse();
				this.assignments = assignments;
				this.loading = false;
			}),
			store.registry.watch((machines, sensors) => {
				this.machines = [...machines].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
				this.sensors = sensors;
			}),
			store.failures.watch(undefined, (records) => (this.records = records))
		];
		return () => {
			stops.forEach((stop) => stop());
			this.store = undefined;
		};
	}

	usesOf(versionId: string): readonly RiskAssignment[] {
		return this.assignments.filter((assignment) => assignment.versionId === versionId);
	}

	lookBack(versionId: string): Promise<RiskLookBack | undefined> {
		return this.store ? this.store.riskModels.lookBack(versionId) : Promise.resolve(undefined);
	}

	targetsOf({ features }: FailureModelVersion): readonly PromotionTarget[] {
		const needed =
			features.kind === 'days' ? features.channels : features.inputs.map(({ name }) => sensorOfColumn(name));
		return promotionTargets(this.machines, this.sensors, [...needed, ...onlyInFiles(features)]);
	}

	promote(versionId: string, target: RiskAssignment['target'], now: EpochMs): Promise<boolean> {
		return this.attempt((store) => store.riskModels.assign({ target, versionId, at: now }));
	}

	withdraw(target: RiskAssignment['target']): Promise<boolean> {
		return this.attempt((store) => store.riskModels.withdraw(target));
	}

	decide(versionId: string, decision: Pick<FailureModelVersion, 'costs' | 'thresholds' | 'method'>): Promise<boolean> {
		return this.attempt((store) => store.riskModels.decide(versionId, decision));
	}

	/** Deletes a version with its look back and what it was promoted to. */
	discard(versionId: string): Promise<boolean> {
		return this.attempt((store) => store.riskModels.remove(versionId));
	}
}
