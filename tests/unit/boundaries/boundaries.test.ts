/**
 * Plants forbidden imports in memory and sees the lint refuse each; plants allowed ones and sees them pass.
 */
import { ESLint } from 'eslint';
import { describe, expect, test } from 'vitest';

const lint = new ESLint({ cwd: process.cwd() });
const boundaryRules = ['@typescript-eslint/no-restricted-imports', 'no-restricted-syntax'];

async function refusals(file: string, code: string): Promise<string[]> {
	const [result] = await lint.lintText(code, { filePath: file });
	expect(result?.messages.filter((message) => message.fatal)).toEqual([]);
	return (result?.messages ?? []).filter((m) => boundaryRules.includes(m.ruleId ?? '')).map((m) => m.message);
}

const used = (line: string) => `${line}\n`;

describe('forbidden imports are refused', () => {
	test.each([
		['a block importing another, by alias', 'src/lib/detection/planted.ts', `import { x } from '$lib/health'; x();`],
		[
			'a block importing another, relatively',
			'src/lib/detection/planted.ts',
			`import { x } from '../health/index'; x();`
		],
		['from a nested folder', 'src/lib/detection/deep/planted.ts', `import { x } from '../../advisory/alarm'; x();`],
		['as a type only', 'src/lib/health/planted.ts', `import type { X } from '$lib/detection/x'; export type Y = X;`],
		['as a re-export', 'src/lib/health/planted.ts', `export * from '../manipulation';`],
		['as a dynamic import', 'src/lib/health/planted.ts', `export const x = import('../manipulation/scaler');`],
		['contracts importing anything of ours', 'src/lib/contracts/planted.ts', `import { x } from '../storage'; x();`],
		['mqtt outside acquisition', 'src/lib/state/planted.ts', `import mqtt from 'mqtt'; mqtt.connect('');`],
		[
			'TensorFlow.js outside neural',
			'src/lib/detection/planted.ts',
			`import * as tf from '@tensorflow/tfjs'; tf.ready();`
		],
		['Dexie outside storage', 'src/lib/state/planted.ts', `import Dexie from 'dexie'; new Dexie('x');`],
		['the simulator in detection', 'src/lib/detection/planted.ts', `import { x } from '$simulator'; x();`],
		[
			'the simulator knowing more than contracts',
			'simulator/planted.ts',
			`import { x } from '../src/lib/storage'; x();`
		],
		['runes in a worker', 'src/lib/storage/planted.ts', `import { x } from './planted.svelte.ts'; x();`],
		[
			'a component reaching into storage',
			'src/lib/components/Planted.svelte',
			`<script lang="ts">import { openStore } from '$lib/storage'; openStore;</script>`
		],
		[
			'a screen holding logic',
			'src/routes/Planted.svelte',
			`<script lang="ts">import { x } from '$lib/detection'; x();</script>`
		]
	])('%s', async (_, file, code) => {
		expect(await refusals(file, used(code))).not.toEqual([]);
	});
});

describe('allowed imports pass', () => {
	test.each([
		['contracts everywhere', 'src/lib/detection/planted.ts', `import { Quality } from '$lib/contracts'; Quality.good;`],
		['neural in detection', 'src/lib/detection/planted.ts', `import { x } from '../neural'; x();`],
		['mqtt in acquisition', 'src/lib/acquisition/planted.ts', `import mqtt from 'mqtt'; mqtt.connect('');`],
		[
			'state in a component',
			'src/lib/components/Planted.svelte',
			`<script lang="ts">import { clock } from '$lib/state/app/clock.svelte'; clock.now;</script>`
		],
		[
			'contracts in the simulator',
			'simulator/planted.ts',
			`import { Quality } from '../src/lib/contracts'; Quality.good;`
		]
	])('%s', async (_, file, code) => {
		expect(await refusals(file, used(code))).toEqual([]);
	});
});
