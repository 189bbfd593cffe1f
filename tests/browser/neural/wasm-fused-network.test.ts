/** The fused kernels in Chromium, both builds, loaded as the product loads them. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
	chooseBuild,
	loadLstmModule,
	supportsRelaxedSimd,
	type LstmModule,
	type WasmBuild
} from '../../../src/lib/neural/wasm/module';
import { describeFusedNetwork } from '../../tools/fused-network-suite';

const modules = {} as Record<WasmBuild, LstmModule>;

beforeAll(async () => {
	modules.simd = await loadLstmModule('simd');
	modules.relaxed = await loadLstmModule('relaxed');
});

describeFusedNetwork('SIMD128', () => modules.simd);
describeFusedNetwork('relaxed FMA', () => modules.relaxed);

describe('choice of build', () => {
	test('this browser has relaxed SIMD, so the build with it is chosen', () => {
		expect(supportsRelaxedSimd()).toBe(true);
		expect(chooseBuild()).toBe('relaxed');
	});
});
