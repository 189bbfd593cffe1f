/// <reference lib="webworker" />
/**
 * Offline: every file of the build is kept at installation; a newer version waits until the person takes it.
 *
 * In: the file list that the build writes in place of `__WB_MANIFEST`. Out: the app opens with the network gone. A waiting
 * version takes over on the message `{ type: 'SKIP_WAITING' }` and never by itself.
 *
 * Isolation: pages and workers that come from here are cross-origin isolated, also where the host sends no headers: from the
 * second opening on, workers that train share memory. Nothing is reloaded for it.
 */
import { clientsClaim } from 'workbox-core';
import {
	addPlugins,
	cleanupOutdatedCaches,
	matchPrecache,
	precacheAndRoute,
	type PrecacheEntry
} from 'workbox-precaching';
import { setCatchHandler } from 'workbox-routing';
import { isolationHeaders } from './lib/contracts/isolation-headers';

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] };

/**
 * The headers are added on the way out, not when a file is stored: a file that an older version stored is kept. Only pages and the
 * scripts that workers start from need them; all else goes out as it lies in the cache, with the browser's compiled code. Their bodies
 * are copied whole: a stream that is handed on keeps this version busy, and a newer one could never take over.
 */
const isolated = new Set<RequestDestination>(['document', 'iframe', 'worker']);
async function isolate(request: Request, response: Response): Promise<Response> {
	if (!isolated.has(request.destination) || response.type === 'opaqueredirect') return response;
	const headers = new Headers(response.headers);
	for (const [name, value] of Object.entries(isolationHeaders)) if (!headers.has(name)) headers.set(name, value);
	return new Response(await response.blob(), { status: response.status, statusText: response.statusText, headers });
}
addPlugins([{ handlerWillRespond: async ({ request, response }) => isolate(request, response) }]);

// Screens take their subject from the query string (/machine/?id=...), so the query never chooses the file.
precacheAndRoute(self.__WB_MANIFEST, { directoryIndex: 'index.html', ignoreURLParametersMatching: [/.*/] });
cleanupOutdatedCaches();

setCatchHandler(async ({ request }) => {
	const shell = request.mode === 'navigate' ? await matchPrecache('index.html') : undefined;
	if (shell) return isolate(request, shell);
	return Response.error();
});

self.addEventListener('message', (event) => {
	if ((event.data as { type?: string } | null)?.type === 'SKIP_WAITING') void self.skipWaiting();
});
clientsClaim();
