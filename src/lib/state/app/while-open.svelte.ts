/**
 * State: runs what follows a workspace for as long as it is open and the screen is shown. Call it while a component is set up.
 *
 * In: what to start with the open store, returning what ends it. Only the store itself restarts it, not what it reads.
 */
import type { Store } from '$lib/storage/store';
import { untrack } from 'svelte';
import { session } from './session.svelte';

export function whileOpen(follow: (store: Store) => (() => void) | void): void {
	$effect(() => {
		const store = session.store;
		if (store) return untrack(() => follow(store));
	});
}
