/** The fused kernels (plain SIMD build) in Node, against float64: whole networks, forward and every gradient. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { compileAssembly } from '../../../src/lib/neural/wasm/compile-assembly';
import { compileLstmModule, type LstmModule } from '../../../src/lib/neural/wasm/module';
import { describeFusedNetwork } from '../../tools/fused-network-suite';

let module: LstmModule;

beforeAll(async () => {
	module = await compileLstmModule('simd', readFileSync(await compileAssembly('simd')));
}, 60_000);

describeFusedNetwork('SIMD128 in Node', () => module);

describe('the compiled kernels', () => {
	test('come from the cache the second time', async () => {
		expect(await compileAssembly('simd')).toBe(await compileAssembly('simd'));
	});
});
