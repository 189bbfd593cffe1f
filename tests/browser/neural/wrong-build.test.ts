/** Relaxed multiply-adds that a browser gets wrong: the same kernels without them take over, in the workers that help too. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startEngine, type FitData, type NetworkSpec } from '$lib/neural';

/** Of tanh, in simd.ts. */
const coefficient = Float32Array.of(0.129344183);
const spec: NetworkSpec = {
	features: 2,
	layers: [
		{ kind: 'lstm', units: 5, returnSequences: true },
		{ kind: 'dense', units: 2 }
	]
};
const inputs = Float32Array.from({ length: 8 * 4 * 2 }, (_, k) => Math.sin(k));
const data: FitData = { inputs, targets: inputs, count: 8, steps: 4 };

/** Changes the coefficient wherever it stands. */
function spoil(bytes: Uint8Array): void {
	const wanted = new Uint8Array(coefficient.buffer);
	for (let at = 0; at + 4 <= bytes.length; at++)
		if (wanted.every((byte, k) => bytes[at + k] === byte))
			bytes.set(new Uint8Array(Float32Array.of(coefficient[0]! * 1.02).buffer), at);
}

const started: unknown[] = [];
beforeAll(() => {
	const get = globalThis.fetch;
	vi.stubGlobal('fetch', async (...request: Parameters<typeof fetch>) => {
		const response = await get(...request);
		if (!/lstm-relaxed/.test(response.url)) return response;
		const bytes = new Uint8Array(await response.arrayBuffer());
		spoil(bytes);
		return new Response(bytes);
	});
	vi.stubGlobal(
		'Worker',
		class extends Worker {
			override postMessage(message: unknown, ...more: never[]): void {
				if ((message as { kind?: string }).kind === 'start') started.push(message);
				super.postMessage(message, ...more);
			}
		}
	);
});
afterAll(() => {
	vi.unstubAllGlobals();
});

it('relaxed kernels that calculate wrongly are disqualified, and the plain ones train with helpers', async () => {
	const engine = await startEngine({
		purpose: 'training',
		calibrationCache: { get: async () => undefined, set: async () => {} }
	});
	expect(engine.report).toMatchObject({ backend: 'wasm', detail: 'SIMD128' });
	expect(engine.report.selfTestError).toBeLessThan(1e-5);
	expect(engine.report.rejected[0]).toMatchObject({
		backend: 'wasm',
		detail: 'SIMD128 + relaxed FMA',
		isWrong: true,
		reason: expect.stringMatching(/output differs from the reference/) as string
	});
	const network = engine.createNetwork(spec, 1);
	const result = await network.fit(data, { epochs: 2, batchSize: 8, learningRate: 0.01, seed: 1, workers: 2 });
	expect(result.workers).toBe(2);
	expect(started).toMatchObject([{ build: 'simd' }]);
	await engine.dispose();
});
