/** The engine in a browser on the `wasm` backend, with its files served by the app. */
import { expect, it } from 'vitest';
import { startEngine } from '$lib/neural';

it('starts on wasm and trains', async () => {
	const engine = await startEngine({ backends: ['wasm'], purpose: 'training' });
	expect(engine.report.backend).toBe('wasm');
	expect(engine.report.rejected).toEqual([]);
	const network = engine.createNetwork(
		{
			features: 3,
			layers: [
				{ kind: 'lstm', units: 5, returnSequences: true },
				{ kind: 'dense', units: 3 }
			]
		},
		1
	);
	const inputs = Float32Array.from({ length: 8 * 10 * 3 }, (_, k) => Math.sin(k));
	const before = engine.tensorCount();
	const result = await network.fit(
		{ inputs, targets: inputs, count: 8, steps: 10 },
		{ epochs: 20, batchSize: 4, learningRate: 0.02, seed: 1 }
	);
	expect(result.trainLoss).toBeLessThan(result.lossCurve[0]!.train / 2);
	expect(engine.tensorCount()).toBe(before);
});
