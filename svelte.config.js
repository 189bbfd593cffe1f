import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { withOfflineFiles } from './src/build/offline-adapter.js';

/** @type {import('@sveltejs/kit').Config} */
export default {
	preprocess: vitePreprocess(),
	kit: {
		// Every route is a prerendered shell (ssr = false), so any static host serves it, sub-folders included.
		adapter: withOfflineFiles(adapter({ pages: 'build', assets: 'build', strict: true }), { folder: 'build' }),
		alias: { $simulator: 'simulator', '$simulator/*': 'simulator/*' },
		paths: { relative: true },
		serviceWorker: { register: false },
		csp: {
			mode: 'hash',
			directives: {
				'default-src': ['self'],
				'script-src': ['self', 'wasm-unsafe-eval'],
				'worker-src': ['self', 'blob:'],
				'style-src': ['self', 'unsafe-inline'],
				'img-src': ['self', 'data:', 'blob:'],
				'font-src': ['self'],
				// The plant's own broker is the one thing the page may talk to besides its own origin.
				'connect-src': ['self', 'ws:', 'wss:'],
				'object-src': ['none'],
				'base-uri': ['self'],
				'form-action': ['self']
			}
		}
	}
};
