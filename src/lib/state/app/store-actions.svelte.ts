/**
 * State: what a person does to stored things. In: the store while a screen is open, an action on it. Out: whether it was done; if not, the
 * problem, for the screen to show.
 */
import { toPlainError, type PlainError } from '$lib/contracts';
import type { Store } from '$lib/storage/store';

export abstract class StoreActions {
	problem = $state.raw<PlainError | undefined>();
	/** Only while a screen follows it. */
	protected store: Store | undefined;

	protected async attempt(action: (store: Store) => Promise<void>): Promise<boolean> {
		if (!this.store) return false;
		this.problem = undefined;
		try {
			await action(this.store);
			return true;
		} catch (error) {
			this.problem = toPlainError(error);
			return false;
		}
	}
}
