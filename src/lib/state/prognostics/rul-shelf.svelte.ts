/**
 * State: remaining-life models: versions, which machines they speak for, backtests, the trials of searches.
 *
 * In: storage, the registry, and the models that came with the app (`models/remaining-life.json`), which are fetched and stored when they
 * are first used. Out: lists for the screens; promoting a version to a machine or a class, withdrawing and discarding it.
 */
import { asset } from '$app/paths';
import {
	MillwrightError,
	sensorsReadBy,
	toPlainError,
	unpackBacktest,
	type EpochMs,
	type MachineRecord,
	type RulAssignment,
	type RulBacktest,
	type RulModelVersion,
	type RulTrial,
	type SensorRecord
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { promotionTargets, type PromotionTarget } from '../models/promotion-targets';
import { session } from '../app/session.svelte';
import { StoreActions } from '../app/store-actions.svelte';

interface ShippedLife {
	readonly id: string;
	/** Folder below `models/`. */
	readonly path: string;
}

export class RulShelf extends StoreActions {
	#storedRead = $state(false);
	#shippedRead = $state(false);
	readonly loading = $derived(!this.#storedRead || !this.#shippedRead);
	#stored = $state.raw<readonly RulModelVersion[]>([]);
	#shipped = $state.raw<readonly RulModelVersion[]>([]);
	#paths: ReadonlyMap<string, string> = new Map();
	/** Trained here first, newest first, then those that came with the app. */
	readonly versions = $derived.by(() => {
		const known = new Set(this.#shipped.map(({ id }) => id));
		return [...this.#stored.filter(({ id }) => !known.has(id)), ...this.#shipped];
	});
	assignments = $state.raw<readonly RulAssignment[]>([]);
	trials = $state.raw<readonly RulTrial[]>([]);
	machines = $state.raw<readonly MachineRecord[]>([]);
	sensors = $state.raw<readonly SensorRecord[]>([]);

	attach(store: Store): () => void {
		this.store = store;
		const unwatch = store.rulModels.watch((versions, assignments, trials) => {
			this.#stored = [...versions].reverse();
			this.assignments = assignments;
			this.trials = trials;
			this.#storedRead = true;
		});
		void this.#loadShipped();
		const unwatchRegistry = store.registry.watch((machines, sensors) => {
			this.machines = [...machines].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
			this.sensors = sensors;
		});
		return () => {
			unwatch();
			unwatchRegistry();
			this.store = undefined;
		};
	}

	usesOf(versionId: string): readonly RulAssignment[] {
		return this.assignments.filter((assignment) => assignment.versionId === versionId);
	}

	async backtest(versionId: string): Promise<RulBacktest | undefined> {
		const stored = await this.store?.rulModels.backtest(versionId);
		if (stored || !this.#paths.has(versionId)) return stored;
		return unpackBacktest(await (await this.#fetch(versionId, 'backtest.json')).json());
	}

	/** The words that a shipped model came with. */
	async card(versionId: string): Promise<string> {
		return (await this.#fetch(versionId, 'CARD.md')).text();
	}

	/** A model that came with the app is fetched, checked and stored before its first use. */
	async adopt(version: RulModelVersion): Promise<void> {
		if (this.#stored.some(({ id }) => id === version.id)) return;
		const weights = await (await this.#fetch(version.id, 'weights.bin')).arrayBuffer();
		await session.training.keepRul({ version, weights }, await this.backtest(version.id));
	}

	/** Machines, and classes that have machines here; those that have what the model reads come first. */
	targetsOf(version: RulModelVersion): readonly PromotionTarget[] {
		return promotionTargets(this.machines, this.sensors, sensorsReadBy(version));
	}

	promote(
		version: RulModelVersion,
		target: RulAssignment['target'],
		stepHours: number,
		newSince: EpochMs | undefined,
		now: EpochMs
	): Promise<boolean> {
		return this.attempt(async (store) => {
			await this.adopt(version);
			const assignment = { target, versionId: version.id, stepHours, at: now };
			await store.rulModels.assign({ ...assignment, ...(newSince !== undefined && { newSince }) });
		});
	}

	withdraw(target: RulAssignment['target']): Promise<boolean> {
		return this.attempt((store) => store.rulModels.withdraw(target));
	}

	/** Deletes a version with its backtest and what it was promoted to. */
	discard(versionId: string): Promise<boolean> {
		return this.attempt((store) => store.rulModels.remove(versionId));
	}

	forgetTrials(searchId: string): Promise<boolean> {
		return this.attempt((store) => store.rulModels.removeTrials(searchId));
	}

	async #fetch(versionId: string, file: string): Promise<Response> {
		const answer = await fetch(asset(`/models/${this.#paths.get(versionId)}${file}`));
		if (!answer.ok) throw new MillwrightError('not-found', `${file} of ${versionId} answered ${answer.status}`);
		return answer;
	}

	/** Builds without shipped models have no index: then there are none. */
	async #loadShipped(): Promise<void> {
		try {
			const answer = await fetch(asset('/models/remaining-life.json'));
			if (!answer.ok) return;
			const index = (await answer.json()) as ShippedLife[];
			this.#paths = new Map(index.map(({ id, path }) => [id, path]));
			this.#shipped = await Promise.all(
				index.map(async ({ id }) => (await (await this.#fetch(id, 'model.json')).json()) as RulModelVersion)
			);
		} catch (error) {
			this.problem = toPlainError(error);
		} finally {
			this.#shippedRead = true;
		}
	}
}
