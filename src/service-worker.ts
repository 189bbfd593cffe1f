/// <reference lib="webworker" />
/**
 * Offline: every file of the build is kept at installation; a newer version waits until the person takes it.
 *
 * In: the file list that the build writes in place of `__WB_MANIFEST`. Out: the app opens with the network gone. A waiting
 * version takes over on the message `{ type: 'SKIP_WAITING' }` and never by itself.
 */
import { clientsClaim } from 'workbox-core';
import { cleanupOutdatedCaches, matchPrecache, precacheAndRoute, type PrecacheEntry } from 'workbox-precaching';
import { setCatchHandler } from 'workbox-routing';

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] };

// Screens take their subject from the query string (/machine/?id=...), so the query never chooses the file.
precacheAndRoute(self.__WB_MANIFEST, { directoryIndex: 'index.html', ignoreURLParametersMatching: [/.*/] });
cleanupOutdatedCaches();

setCatchHandler(async ({ request }) => {
	if (request.mode === 'navigate') return (await matchPrecache('index.html')) ?? Response.error();
	return Response.error();
});

self.addEventListener('message', (event) => {
	if ((event.data as { type?: string } | null)?.type === 'SKIP_WAITING') void self.skipWaiting();
});
clientsClaim();
