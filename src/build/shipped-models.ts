/**
 * Vite plugin: serves the top-level `models/` folder under `<base>models/` while developing and in tests.
 * The built site gets its copy from the adapter (offline-adapter.js).
 */
import sirv from 'sirv';
import type { Plugin } from 'vite';

export function shippedModels(folder = 'models'): Plugin {
	return {
		name: 'millwright:shipped-models',
		configureServer(server) {
			server.middlewares.use('/models', sirv(folder, { dev: true }));
		}
	};
}
