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

/** How much this origin held at some time; one an hour is kept, of two weeks. */
export interface UsageSample {
	readonly at: EpochMs;
	readonly usedBytes: number;
}

/** The setting (`settings.get`) that holds the samples. */
export const usageLogKey = 'storage-use';
const HOUR_MS = 3_600_000;
const LOG_HOURS = 14 * 24;
/** Growth is taken over stretches of so many hours, and known after as many again. */
const STRETCH_HOURS = 6;

/** The log with `sample` added, or undefined when the last one is not an hour old. */
export function noteUsage(log: readonly UsageSample[], sample: UsageSample): UsageSample[] | undefined {
	if (!Number.isFinite(sample.usedBytes)) return undefined;
	// A clock that was set back leaves samples of the future.
	const past = log.filter(({ at }) => at <= sample.at);
	if (sample.at - (past[past.length - 1]?.at ?? -Infinity) < HOUR_MS) return undefined;
	return [...past, sample].slice(-LOG_HOURS);
}

/**
 * Days until the policy begins to let go of the oldest raw data, at the rate at which the origin grew: the median over stretches of
 * six hours, so that one large import or one clean-up is no trend. NaN before twelve hours are known or where the browser does not
 * say, Infinity when it does not grow, 0 when it has begun.
 */
export function daysUntilTrimming(log: readonly UsageSample[], usage: StorageUsage, shareOfQuota: number): number {
	const left = shareOfQuota * usage.quotaBytes - usage.usedBytes;
	if (left <= 0) return 0;
	const rates: number[] = [];
	let first = 0;
	for (const { at, usedBytes } of log) {
		while (first + 1 < log.length && at - log[first + 1]!.at >= STRETCH_HOURS * HOUR_MS) first++;
		const since = log[first]!;
		const days = (at - since.at) / DAY_MS;
		if (at - since.at >= STRETCH_HOURS * HOUR_MS) rates.push((usedBytes - since.usedBytes) / days);
	}
	if (rates.length < STRETCH_HOURS || Number.isNaN(left)) return NaN;
	const rate = rates.sort((a, b) => a - b)[rates.length >> 1]!;
	return rate > 0 ? left / rate : Infinity;
}
