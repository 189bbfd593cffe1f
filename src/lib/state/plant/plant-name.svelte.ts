/**
 * State: the name a person gave the plant of the open workspace; without one, the topics' own plant level is shown.
 */
import type { Store } from '$lib/storage/store';

const key = 'plant-name';

class PlantName {
	#given = $state<string | undefined>(undefined);
	#store: Store | undefined;

	get given(): string | undefined {
		return this.#given;
	}

	follow(store: Store): () => void {
		this.#store = store;
		const unwatch = store.settings.watch<string>(key, (name) => (this.#given = name || undefined));
		return () => {
			unwatch();
			this.#store = undefined;
			this.#given = undefined;
		};
	}

	async rename(name: string): Promise<void> {
		await this.#store?.settings.set(key, name.trim());
	}
}

export const plantName = new PlantName();
