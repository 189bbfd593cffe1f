import { readFileSync } from 'node:fs';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';
import { shippedModels } from './src/build/shipped-models';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

export default defineConfig({
	plugins: [shippedModels(), sveltekit()],
	worker: { format: 'es' },
	define: { __APP_VERSION__: JSON.stringify(version) },
	build: { target: 'es2022' }
});
