/**
 * The link as the top line shows it. In: the live channel's link status and readings, the clock. Out: words and level.
 */
import type { EpochMs } from '$lib/contracts';
import { clock } from './clock.svelte';
import { fleet } from './fleet.svelte';
import { linkWords, type LinkWords } from './link-words';
import { live } from './live.svelte';

class Link {
	/** Newest live reading, or newest stored value of a live machine after a reload. */
	readonly lastReadingAt: EpochMs | undefined = $derived(
		live.lastReadingAt ??
			fleet.machines.reduce<EpochMs | undefined>(
				(newest, machine) =>
					machine.recorded || machine.lastAt === undefined ? newest : Math.max(newest ?? 0, machine.lastAt),
				undefined
			)
	);
	readonly words: LinkWords = $derived(
		linkWords(
			live.link,
			this.lastReadingAt,
			clock.now,
			Number.isFinite(fleet.quickestStaleMs) ? fleet.quickestStaleMs : 0
		)
	);
}

export const link = new Link();
