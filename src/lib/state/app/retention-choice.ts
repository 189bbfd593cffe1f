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

/** Days to choose from; undefined: for ever. */
export const keptDaysChoices: readonly (number | undefined)[] = [7, 30, 90, 180, 365, 730, 1825, undefined];
/** Shares of the browser's room to choose from. */
export const roomShareChoices: readonly number[] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

export function keptWords(days: number | undefined): string {
	if (days === undefined) return 'For ever';
	return days < 365 ? formatCount(days, 'day', 'days') : formatCount(days / 365, 'year', 'years');
}

/** The policy with another age for a tier. Coarser values are never kept shorter than finer ones: they follow. */
export function keepFor(policy: RetentionPolicy, tier: KeptTier, days: number | undefined): RetentionPolicy {
	const chosen = storageTiers.indexOf(tier);
	const own: readonly StorageTier[] = keptTiers.find((one) => one.tier === tier)!.with;
	const changed: RetentionPolicy['days'] = {};
	storageTiers.forEach((other, level) => {
		const before = policy.days[other] ?? Infinity;
		const wanted = days ?? Infinity;
		const kept = own.includes(other) ? wanted : level > chosen ? Math.max(before, wanted) : Math.min(before, wanted);
		if (kept !== Infinity) changed[other] = kept;
	});
	return { ...policy, days: changed };
}

/** What the change deletes that is kept now, as a sentence; undefined when nothing. */
export function lossWords(before: RetentionPolicy, after: RetentionPolicy): string | undefined {
	const lost = keptTiers.flatMap(({ tier, subject }) => {
		const days = after.days[tier];
		return days !== undefined && days < (before.days[tier] ?? Infinity)
			? [`${subject} older than ${keptWords(days)} are deleted from this device for good.`]
			: [];
	});
	return lost.length > 0 ? lost.join(' ') : undefined;
}
