/**
 * The link as the top line shows it. In: the live channel's link status and readings, the clock. Out: words and level.
 */
import type { EpochMs } from '$lib/contracts';
import { clock } from '../app/clock.svelte';
import { fleet } from '../plant/fleet.svelte';
import { linkWords, type LinkWords } from './link-words';
import { live } from '../app/live.svelte';

class Link {
	/** Newest live reading, or newest stored value of a live machine after a reload. */
	readonly lastReadingAt: EpochMs | undefined = $derived(live.lastReadingAt ?? fleet.figures.lastAt);
	readonly words: LinkWords = $derived(
		linkWords(
			live.link,
			this.lastReadingAt,
			clock.now,
			Number.isFinite(fleet.figures.quickestStaleMs) ? fleet.figures.quickestStaleMs : 0
		)
	);
}

export const link = new Link();
