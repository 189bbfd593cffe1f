/**
 * State: how much room the browser gives this app, and whether it promises to keep what is stored.
 *
 * In: what storage says of the browser. Out: usage, quota, persistence, and the answer to asking for it, in words.
 */
import { requestPersistence, storageUsage } from '$lib/storage';

export class StorageRoom {
	/** Undefined where the browser does not say. */
	usageBytes = $state<number | undefined>(undefined);
	quotaBytes = $state<number | undefined>(undefined);
	persisted = $state<boolean | undefined>(undefined);
	/** WebKit lets go of what a site stored that nobody opened for seven days of use, unless it was installed or promised to stay. */
	readonly forgetsAfterAWeek =
		typeof navigator !== 'undefined' &&
		navigator.vendor.startsWith('Apple') &&
		!matchMedia('(display-mode: standalone)').matches;
	/** What the browser answered when asked to keep the data. */
	answer = $state<string | undefined>(undefined);

	async refresh(): Promise<void> {
		const usage = await storageUsage();
		this.usageBytes = Number.isFinite(usage.usedBytes) ? usage.usedBytes : undefined;
		this.quotaBytes = Number.isFinite(usage.quotaBytes) ? usage.quotaBytes : undefined;
		this.persisted = usage.persistent;
	}

	async askToPersist(): Promise<void> {
		this.persisted = await requestPersistence();
		this.answer = this.persisted
			? 'Yes: this browser now keeps the data until you delete it.'
			: 'Not yet: the browser decides by how the app is used. Install Millwright as an app or add it to the bookmarks, then ask again.';
	}
}
