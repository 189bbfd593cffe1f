/** Four test projects: `unit` in Node, `browser` in Chromium, `e2e` in Node driving Chromium over the built app, `benchmarks` likewise. */
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { shippedModels } from './src/build/shipped-models.ts';
import { assemblyScript } from './src/lib/neural/wasm/vite-plugin-assemblyscript.ts';
import { isolationHeaders } from './src/lib/contracts/isolation-headers.ts';
import { findChromium } from './tests/tools/find-chromium.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const alias = { $lib: at('./src/lib'), $simulator: at('./simulator') };
const browserArguments = [
	'--no-sandbox',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	'--no-first-run',
	'--enable-unsafe-webgpu',
	'--use-webgpu-adapter=swiftshader'
];

/** Of what hangs, not of what is slow; what needed a second try is named by `npm test`. */
const limitsOfPages = { testTimeout: 600_000, hookTimeout: 600_000, expect: { poll: { timeout: 120_000 } }, retry: 1 };

export default defineConfig({
	test: {
		projects: [
			{
				resolve: { alias },
				plugins: [assemblyScript()],
				test: {
					name: 'unit',
					include: ['tests/unit/**/*.test.ts'],
					setupFiles: ['tests/tools/property-seed.ts'],
					environment: 'node',
					// Of what hangs: on a machine busy with other work a test takes many times its time.
					testTimeout: 300_000
				}
			},
			{
				resolve: { alias },
				// As `npm start` serves the app: the pages are cross-origin isolated and have shared memory.
				server: { headers: isolationHeaders },
				worker: { format: 'es', plugins: () => [assemblyScript()] },
				plugins: [shippedModels(), assemblyScript()],
				define: { __APP_VERSION__: JSON.stringify('test') },
				optimizeDeps: {
					entries: ['tests/browser/**/*.test.ts'],
					// Imported by workers, or only when a file needs them: found late, they would reload the page under a test.
					include: [
						'hyparquet',
						'hyparquet-compressors',
						'papaparse',
						'fft.js',
						'jsfive',
						'fflate',
						'cborg',
						'@msgpack/msgpack',
						'mqtt',
						'@tensorflow/tfjs-core',
						'@tensorflow/tfjs-layers',
						'@tensorflow/tfjs-backend-cpu',
						'@tensorflow/tfjs-backend-wasm',
						'@tensorflow/tfjs-backend-webgpu'
					]
				},
				test: {
					name: 'browser',
					include: ['tests/browser/**/*.test.ts'],
					testTimeout: 300_000,
					// On a machine that others may be using: `npm test` names, with its error, what needed a second try.
					retry: 1,
					// Each in a profile of its own. Shaders are compiled on one core while the other is idle.
					maxWorkers: 2,
					browser: {
						enabled: true,
						headless: true,
						screenshotFailures: false,
						provider: playwright({ launchOptions: { executablePath: findChromium() ?? '', args: browserArguments } }),
						instances: [{ browser: 'chromium' }]
					}
				}
			},
			{
				resolve: { alias },
				test: {
					name: 'e2e',
					include: ['tests/e2e/**/*.test.ts'],
					exclude: ['tests/e2e/benchmarks.test.ts'],
					environment: 'node',
					...limitsOfPages,
					// Most of their time they wait for something that takes its time.
					maxWorkers: 2,
					sequence: { groupOrder: 2 }
				}
			},
			{
				resolve: { alias },
				test: {
					name: 'benchmarks',
					include: ['tests/e2e/benchmarks.test.ts'],
					environment: 'node',
					...limitsOfPages,
					maxConcurrency: 3,
					sequence: { groupOrder: 3 }
				}
			}
		]
	}
});
