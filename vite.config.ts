import { readFileSync } from 'node:fs';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';
import { shippedModels } from './src/build/shipped-models.ts';
import { isolationHeaders } from './src/lib/contracts/isolation-headers.ts';
import { assemblyScript } from './src/lib/neural/wasm/vite-plugin-assemblyscript.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

export default defineConfig({
	plugins: [shippedModels(), assemblyScript(), sveltekit()],
	server: { headers: isolationHeaders },
	preview: { headers: isolationHeaders },
	worker: { format: 'es', plugins: () => [assemblyScript()] },
	define: { __APP_VERSION__: JSON.stringify(version) },
	build: { target: 'es2022', rolldownOptions: { checks: { pluginTimings: false } } }
});
