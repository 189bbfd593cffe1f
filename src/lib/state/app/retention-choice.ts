/** State, pure: how long each tier of readings is kept, as a person chooses it. In: a policy and a choice. Out: the policy that follows, and words. */
import { storageTiers, type RetentionPolicy, type StorageTier } from '$lib/storage';
import { formatCount } from '$lib/words';

export type { RetentionPolicy };

/** What a person tells apart; values by ten minutes are kept as long as those by minute. */
export const keptTiers = [
	{ tier: 'raw', label: 'Every reading', subject: 'Readings', with: ['raw'] },
	{ tier: 'minute', label: 'Values by minute', subject: 'Values by minute', with: ['minute', 'ten-minutes'] },
	{ tier: 'hour', label: 'Values by hour', subject: 'Values by hour', with: ['hour'] },
	{ tier: 'day', label: 'Values by day', subject: 'Values by day', with: ['day'] }
] as const satisfies readonly { tier: StorageTier; label: string; subject: string; with: readonly StorageTier[] }[];
export type KeptTier = (typeof keptTiers)[number]['tier'];

/** Days to choose from; Infinity: for ever. */
export const keptDaysChoices: readonly number[] = [7, 30, 90, 180, 365, 730, 1825, Infinity];
/** Shares of the browser's room to choose from. */
export const roomShareChoices: readonly number[] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

export function keptDays(policy: RetentionPolicy, tier: KeptTier): number {
	return policy.days[tier] ?? Infinity;
}

export function keptWords(days: number): string {
	if (days === Infinity) return 'For ever';
	return days < 365 ? formatCount(days, 'day', 'days') : formatCount(days / 365, 'year', 'years');
}

/** The policy with another age for a tier. Coarser values are never kept shorter than finer ones: they follow. */
export function keepFor(policy: RetentionPolicy, tier: KeptTier, days: number): RetentionPolicy {
	const chosen = storageTiers.indexOf(tier);
	const own: readonly StorageTier[] = keptTiers.find((one) => one.tier === tier)!.with;
	const changed: RetentionPolicy['days'] = {};
	storageTiers.forEach((other, level) => {
		const before = policy.days[other] ?? Infinity;
		const kept = own.includes(other) ? days : level > chosen ? Math.max(before, days) : Math.min(before, days);
		if (kept !== Infinity) changed[other] = kept;
	});
	return { ...policy, days: changed };
}

/** What the change deletes that is kept now, as a sentence; undefined when nothing. */
export function lossWords(before: RetentionPolicy, after: RetentionPolicy): string | undefined {
	const lost = keptTiers.flatMap(({ tier, subject }) => {
		const days = keptDays(after, tier);
		return days < keptDays(before, tier)
			? [`${subject} older than ${keptWords(days)} are deleted from this device for good.`]
			: [];
	});
	return lost.length > 0 ? lost.join(' ') : undefined;
}
