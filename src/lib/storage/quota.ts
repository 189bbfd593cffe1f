/**
 * Storage: how much room there is, asking the browser to keep it, and retention by policy in small steps.
 */
import { MillwrightError, type EpochMs } from '../contracts';
import type { Store, StorageTier } from './store';

export interface StorageUsage {
	/** Of this app's origin, all workspaces and caches; NaN where the browser does not say. */
	readonly usedBytes: number;
	readonly quotaBytes: number;
	/** True when the browser promised not to evict the data by itself. */
	readonly persistent: boolean;
}

export async function storageUsage(): Promise<StorageUsage> {
	const storage = typeof navigator === 'undefined' ? undefined : navigator.storage;
	if (!storage?.estimate) return { usedBytes: NaN, quotaBytes: NaN, persistent: false };
	const [estimate, persistent] = await Promise.all([storage.estimate(), storage.persisted?.() ?? false]);
	return { usedBytes: estimate.usage ?? NaN, quotaBytes: estimate.quota ?? NaN, persistent };
}

/** Asks for persistent storage; true when granted. The browser decides, some ask the person. */
export async function requestPersistence(): Promise<boolean> {
	const storage = typeof navigator === 'undefined' ? undefined : navigator.storage;
	if (!storage?.persist) return false;
	return (await storage.persisted()) || storage.persist();
}

/** Days kept of each tier; undefined: for ever. */
export interface RetentionPolicy {
	readonly days: Partial<Record<StorageTier, number>>;
	/** From this share of the quota on, the oldest raw data goes early. */
	readonly shareOfQuota: number;
}

/** Everything for ever, until the origin fills four fifths of its quota. */
export const defaultRetention: RetentionPolicy = { days: {}, shareOfQuota: 0.8 };

/** The setting (`settings.get`) that holds a person's own policy; whoever seals applies it about once an hour. */
export const retentionKey = 'retention';

const DAY_MS = 86_400_000;
const STEP = 64;

/**
 * Lets go of what the policy no longer keeps, `STEP` segments at a time, until done or aborted ('aborted'). Safe to run often and
 * from any context: steps take the seal lock one by one.
 */
export async function applyRetention(
	store: Store,
	policy: RetentionPolicy,
	options: { readonly now: EpochMs; readonly signal?: AbortSignal; readonly usage?: StorageUsage }
): Promise<{ removed: number; bytes: number }> {
	let removed = 0;
	let bytes = 0;
	const step = async (tier: StorageTier, before: EpochMs) => {
		if (options.signal?.aborted) throw new MillwrightError('aborted', 'Retention was stopped');
		const done = await store.series.trim({ tier, before, atMost: STEP });
		removed += done.removed;
		bytes += done.bytes;
		return done;
	};
	for (const [tier, days] of Object.entries(policy.days) as [StorageTier, number][])
		while ((await step(tier, options.now - days * DAY_MS)).removed === STEP);
	const usage = options.usage ?? (await storageUsage());
	let excess = usage.usedBytes - bytes - policy.shareOfQuota * usage.quotaBytes;
	while (excess > 0) {
		const done = await step('raw', Infinity);
		if (done.removed === 0) break;
		excess -= done.bytes;
	}
	return { removed, bytes };
}

/** Days until the quota is full at the rate of what is stored; Infinity when it does not grow, NaN when unknown. */
export function daysUntilFull(
	usage: StorageUsage,
	stored: { bytes: number; oldest?: EpochMs; newest?: EpochMs }
): number {
	const days = ((stored.newest ?? NaN) - (stored.oldest ?? NaN)) / DAY_MS;
	const left = usage.quotaBytes - usage.usedBytes;
	if (!(days > 0)) return NaN;
	return stored.bytes > 0 ? Math.max(0, left) / (stored.bytes / days) : Infinity;
}
