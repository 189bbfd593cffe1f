/**
 * State: all model versions and which machine uses which.
 *
 * In: stored versions and assignments, the registry, and the models that came with the app (`models/index.json`). Out: one
 * entry per machine, putting a version in use, deleting one that nobody uses.
 */
import { asset } from '$app/paths';
import {
	toPlainError,
	type MachineClassId,
	type MachineId,
	type MachineRecord,
	type ModelPackage,
	type ModelVersion,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { fitsMachine, versionInUse } from './model-words';
import { saveFile } from '../app/save-file';
import { session } from '../app/session.svelte';

export interface ShippedModel {
	readonly machineClass: MachineClassId;
	readonly id: string;
	readonly path: string;
	readonly version: ModelVersion;
}

export interface ShelfEntry {
	readonly machine: MachineRecord;
	readonly inUse: ModelVersion | undefined;
	/** True when a person or a training chose it; false: the shipped one of its class. */
	readonly assigned: boolean;
	/** Every version that may be used, newest first. */
	readonly versions: readonly ModelVersion[];
}

export class ModelShelf {
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>(undefined);
	stored = $state.raw<readonly ModelVersion[]>([]);
	shipped = $state.raw<readonly ShippedModel[]>([]);
	machines = $state.raw<readonly MachineRecord[]>([]);
	assignments = $state.raw<ReadonlyMap<MachineId, string>>(new Map());

	readonly versions = $derived.by(() => {
		const known = new Set(this.stored.map((version) => version.id));
		return [...this.stored, ...this.shipped.map(({ version }) => version).filter(({ id }) => !known.has(id))];
	});
	readonly entries = $derived<readonly ShelfEntry[]>(
		this.machines.map((machine) => ({
			machine,
			inUse: versionInUse(machine, this.versions, this.assignments),
			assigned: this.assignments.has(machine.id),
			versions: this.versions
				.filter((version) => fitsMachine(version, machine))
				.sort((a, b) => b.createdAt - a.createdAt)
		}))
	);
	readonly withoutModel = $derived(this.entries.filter((entry) => entry.inUse === undefined));

	#store: Store | undefined;

	attach(store: Store): () => void {
		this.#store = store;
		const unwatchModels = store.models.watch((versions, assignments) => {
			this.stored = versions;
			this.assignments = assignments;
			this.loading = false;
		});
		const unwatchRegistry = store.registry.watch((machines) => {
			this.machines = [...machines].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
		});
		void this.#loadShipped();
		return () => {
			unwatchModels();
			unwatchRegistry();
			this.#store = undefined;
		};
	}

	usersOf(versionId: string): readonly MachineRecord[] {
		return this.entries.filter((entry) => entry.inUse?.id === versionId).map((entry) => entry.machine);
	}

	/** Puts a version in use; undefined goes back to the shipped model of the class. */
	async use(machineId: MachineId, versionId: string | undefined): Promise<void> {
		await this.#try(async (store) => {
			await store.models.assign(machineId, versionId);
			await session.inference.reloadModel(machineId);
		});
	}

	/** Deletes a version for good; does nothing while a machine uses it. */
	async remove(versionId: string): Promise<void> {
		if (this.usersOf(versionId).length > 0) return;
		await this.#try((store) => store.models.remove(versionId));
	}

	/** Hands a version to the person as a file that stock TensorFlow.js loads. */
	async takeAway(version: ModelVersion): Promise<void> {
		await this.#try(async (store) => {
			const file = await session.training.exportModel(await this.#package(store, version));
			saveFile(new Blob([file.bytes], { type: 'application/zip' }), file.name);
		});
	}

	/** The words that a shipped model came with. */
	async card(model: ShippedModel): Promise<string> {
		const response = await fetch(asset(`/models/${model.path}/CARD.md`));
		if (!response.ok) throw new Error(`The card could not be read (${response.status})`);
		return response.text();
	}

	/** Shipped versions are stored only once a machine has used them. */
	async #package(store: Store, version: ModelVersion): Promise<ModelPackage> {
		const shipped = this.shipped.find(({ id }) => id === version.id);
		if (!shipped || this.stored.some(({ id }) => id === version.id)) return store.models.load(version.id);
		const response = await fetch(asset(`/models/${shipped.path.replace(/\/$/, '')}/weights.bin`));
		if (!response.ok) throw new Error(`The weights could not be read (${response.status})`);
		return { version, weights: await response.arrayBuffer() };
	}

	async #try(action: (store: Store) => Promise<void>): Promise<void> {
		if (!this.#store) return;
		this.problem = undefined;
		try {
			await action(this.#store);
		} catch (error) {
			this.problem = toPlainError(error);
		}
	}

	/** Builds without shipped models have no index: then the shelf shows none. */
	async #loadShipped(): Promise<void> {
		try {
			const response = await fetch(asset('/models/index.json'));
			if (!response.ok) return;
			const index = (await response.json()) as { machineClass: MachineClassId; path: string; id: string }[];
			this.shipped = await Promise.all(
				index.map(async (entry) => {
					const model = await fetch(asset(`/models/${entry.path.replace(/\/$/, '')}/model.json`));
					return { ...entry, version: (await model.json()) as ModelVersion };
				})
			);
		} catch (error) {
			this.problem = toPlainError(error);
		}
	}
}
