/** State: what a failure costs per machine class, as set by a person in the open workspace; without that, the default. */
import type { Store } from '$lib/storage/store';
import type { CostClass, CostTable, FailureCosts } from './waiting-cost';

const key = 'failure-costs';

class FailureCostTable {
	#table = $state.raw<CostTable>({});
	#store: Store | undefined;

	get table(): CostTable {
		return this.#table;
	}

	follow(store: Store): () => void {
		this.#store = store;
		const unwatch = store.settings.watch<CostTable>(key, (table) => (this.#table = table ?? {}));
		return () => {
			unwatch();
			this.#store = undefined;
			this.#table = {};
		};
	}

	async set(costClass: CostClass, costs: FailureCosts): Promise<void> {
		await this.#store?.settings.set(key, { ...this.#table, [costClass]: costs });
	}
}

export const failureCosts = new FailureCostTable();
