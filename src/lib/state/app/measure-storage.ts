/**
 * State: how much storage is used, how much is allowed, and when the oldest data would have to go.
 *
 * In: the browser's estimate, what was noted of it before, the retention that a person chose. Out: figures for screens; what is new is noted.
 */
import {
	daysUntilTrimming,
	defaultRetention,
	noteUsage,
	retentionKey,
	storageUsage,
	usageLogKey,
	type RetentionPolicy,
	type UsageSample
} from '$lib/storage';
import type { Store } from '$lib/storage/store';
import type { StorageUse } from './system-health';

/** Without a store what the browser says alone. Rejects when storage does. */
export async function measureStorage(store: Store | undefined): Promise<StorageUse> {
	const [usage, log, policy] = await Promise.all([
		storageUsage(),
		store?.settings.get<UsageSample[]>(usageLogKey),
		store?.settings.get<RetentionPolicy>(retentionKey)
	]);
	const longer = noteUsage(log ?? [], { at: Date.now(), usedBytes: usage.usedBytes });
	if (longer) await store?.settings.set(usageLogKey, longer);
	const { shareOfQuota } = policy ?? defaultRetention;
	return {
		used: usage.usedBytes,
		allowed: usage.quotaBytes,
		persistent: usage.persistent,
		daysUntilTrimming: daysUntilTrimming(longer ?? log ?? [], usage, shareOfQuota)
	};
}
