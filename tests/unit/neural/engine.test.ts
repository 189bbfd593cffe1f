/** The engine as its callers use it, in Node on the `cpu` backend: learning, reproducibility, streams, memory, refusals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type Engine, type FitData, type NetworkSpec } from '$lib/neural';

const predictor: NetworkSpec = {
	features: 2,
	layers: [
		{ kind: 'lstm', units: 6, returnSequences: true },
		{ kind: 'lstm', units: 4, returnSequences: true },
		{ kind: 'dense', units: 2 }
	]
};

/** Two sines; the target is the next row. */
function sines(count: number, steps: number, phase = 0): FitData {
	const inputs = new Float32Array(count * steps * 2);
	const targets = new Float32Array(count * steps * 2);
	for (let row = 0; row < count; row++)
		for (let step = 0; step < steps; step++)
			for (let k = 0; k < 2; k++) {
				const at = (row * steps + step) * 2 + k;
				inputs[at] = Math.sin(phase + row * 0.7 + step * 0.4 + k);
				targets[at] = Math.sin(phase + row * 0.7 + (step + 1) * 0.4 + k);
			}
	return { inputs, targets, count, steps };
}

let engine: Engine;
beforeAll(async () => {
	engine = await startEngine({ backends: ['cpu'], purpose: 'training' });
});
afterAll(() => engine.dispose());

describe('training', () => {
	it('learns to predict the next row and gives the same bits again', async () => {
		const train = async () => {
			const network = engine.createNetwork(predictor, 7);
			const result = await network.fit(sines(24, 8), {
				epochs: 12,
				batchSize: 5,
				learningRate: 0.02,
				seed: 3,
				clipNorm: 1,
				validation: sines(6, 8, 0.3)
			});
			const weights = await network.getWeights();
			network.dispose();
			return { result, weights };
		};
		const before = engine.tensorCount();
		const first = await train();
		const second = await train();
		expect(first.result.validationLoss).toBeLessThan(first.result.lossCurve[0]!.validation / 3);
		expect(second.weights).toEqual(first.weights);
		expect(engine.tensorCount()).toBe(before);
	});
});
