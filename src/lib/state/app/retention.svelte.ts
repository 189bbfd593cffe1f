/** State: how long readings are kept. In: the stored policy. Out: it, changing it, and letting go at once of what it no longer keeps. */
import { toPlainError, type PlainError } from '$lib/contracts';
import { applyRetention, defaultRetention, retentionKey, type RetentionPolicy } from '$lib/storage';
import type { Store } from '$lib/storage/store';

export class Retention {
	policy = $state.raw<RetentionPolicy>(defaultRetention);
	/** True while what is kept no longer is being deleted. */
	letting = $state(false);
	/** Bytes that the last change freed. */
	freedBytes = $state<number | undefined>(undefined);
	problem = $state.raw<PlainError | undefined>(undefined);
	#store: Store | undefined;

	attach(store: Store): () => void {
		this.#store = store;
		const stop = store.settings.watch<RetentionPolicy>(retentionKey, (policy) => {
			this.policy = policy ?? defaultRetention;
		});
		return () => {
			stop();
			this.#store = undefined;
		};
	}

	/** Keeps the policy and applies it now, rather than with the next hour's upkeep. */
	async choose(policy: RetentionPolicy): Promise<void> {
		const store = this.#store;
		if (!store) return;
		this.letting = true;
		this.freedBytes = undefined;
		try {
			await store.settings.set(retentionKey, policy);
			this.policy = policy;
			this.freedBytes = (await applyRetention(store, policy, { now: Date.now() })).bytes;
			this.problem = undefined;
		} catch (error) {
			this.problem = toPlainError(error);
		}
		this.letting = false;
	}
}
