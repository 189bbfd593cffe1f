/**
 * State: how much room the browser gives this app, and whether it promises to keep what is stored.
 *
 * In: the browser's StorageManager. Out: usage, quota, persistence, and the answer to asking for it, in words.
 */
export class StorageRoom {
	usageBytes = $state<number | undefined>(undefined);
	quotaBytes = $state<number | undefined>(undefined);
	persisted = $state<boolean | undefined>(undefined);
	/** What the browser answered when asked to keep the data. */
	answer = $state<string | undefined>(undefined);

	async refresh(): Promise<void> {
		if (!navigator.storage?.estimate) return;
		const estimate = await navigator.storage.estimate();
		this.usageBytes = estimate.usage;
		this.quotaBytes = estimate.quota;
		this.persisted = await navigator.storage.persisted?.();
	}

	async askToPersist(): Promise<void> {
		if (!navigator.storage?.persist) {
			this.answer = 'This browser has no way to promise it. Open Millwright over https, or install it as an app.';
			return;
		}
		this.persisted = await navigator.storage.persist();
		this.answer = this.persisted
			? 'Yes: this browser now keeps the data until you delete it.'
			: 'Not yet: the browser decides by how the app is used. Install Millwright as an app or add it to the bookmarks, then ask again.';
	}
}
