// Every screen is a static shell rendered in the browser: there is no server of ours.
import { browser } from '$app/environment';
import { theme } from '$lib/state/app/theme.svelte';

export const ssr = false;
export const prerender = true;
export const trailingSlash = 'always';

/** Before anything is drawn, so that the chosen theme is the first one seen. */
export function load(): void {
	if (browser) theme.restore();
}
