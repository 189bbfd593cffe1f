/**
 * Vite plugin: `import url from 'virtual:millwright-lstm-wasm?simd'` (or `?relaxed`) gives the URL of the compiled kernels. Compiles
 * on demand and hands the file to Vite's own asset handling, so that it works alike in the dev server, the build, workers
 * and tests, with a relative base and a strict CSP.
 */
import type { Plugin } from 'vite';
import { compileAssembly, type WasmBuild } from './compile-assembly.ts';

const prefix = 'virtual:millwright-lstm-wasm?';

export function assemblyScript(): Plugin {
	return {
		name: 'millwright-assemblyscript',
		enforce: 'pre',
		async resolveId(id) {
			if (!id.startsWith(prefix)) return null;
			const build = id.slice(prefix.length);
			if (build !== 'simd' && build !== 'relaxed') this.error(`Unknown build of the LSTM kernels: ${build}`);
			return `${await compileAssembly(build as WasmBuild)}?url&no-inline`;
		}
	};
}
