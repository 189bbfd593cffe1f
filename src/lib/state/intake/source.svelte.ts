/**
 * State: the source setting of the open workspace, watched.
 */
import { toPlainError, type PlainError, type SourceSettings } from '$lib/contracts';
import type { Store } from '$lib/storage/store';

export class SourceSetting {
	value = $state.raw<SourceSettings | undefined>(undefined);
	problem = $state.raw<PlainError | undefined>(undefined);

	#store: Store | undefined;

	attach(store: Store): () => void {
		this.#store = store;
		const unwatch = store.settings.watchSource((source) => (this.value = source));
		return () => {
			unwatch();
			this.#store = undefined;
			this.value = undefined;
		};
	}

	/** Leaves the broker (or stops the demo); what is stored stays. */
	async disconnect(): Promise<void> {
		try {
			await this.#store?.settings.setSource({ kind: 'none' });
			this.problem = undefined;
		} catch (error) {
			this.problem = toPlainError(error);
		}
	}
}
