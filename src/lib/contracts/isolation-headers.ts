/**
 * Contract: the response headers that make a page cross-origin isolated, which gives it shared memory for training. Sent with pages
 * and worker scripts by hosts that can, and added by the service worker where the host cannot. The app takes nothing from other
 * origins, so they forbid it nothing that it does.
 */
export const isolationHeaders = {
	'Cross-Origin-Opener-Policy': 'same-origin',
	'Cross-Origin-Embedder-Policy': 'require-corp'
} as const;
