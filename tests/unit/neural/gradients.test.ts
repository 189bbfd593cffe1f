/** Gradients of whole networks by finite differences, that they add up however a batch is divided, and the self-test. */
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LayerSpec, NetworkSpec } from '$lib/neural';
import { loadBackend } from '$lib/neural/backends';
import { createTensorExecutor } from '$lib/neural/create-executor';
import type { Chunk, ChunkPlace, Executor, LossName } from '$lib/neural/executor';
import { rowSizes } from '$lib/neural/fit-data';
import { initialWeights, joinWeights, planNetwork } from '$lib/neural/network-spec';
import { normalFrom } from '$lib/neural/random';
import { selfTest } from '$lib/neural/self-test';

beforeAll(async () => {
	await loadBackend('cpu');
});

const steps = 4;
const networks: Record<string, readonly LayerSpec[]> = {
	'stacked LSTM': [
		{ kind: 'lstm', units: 3, returnSequences: true },
		{ kind: 'lstm', units: 2, returnSequences: true, goBackwards: true },
		{ kind: 'dense', units: 2 }
	],
	'bidirectional GRU with dropout': [
		{ kind: 'gru', units: 3, returnSequences: true, bidirectional: true, dropout: 0.3, recurrentDropout: 0.3 },
		{ kind: 'dropout', rate: 0.3 },
		{ kind: 'gru', units: 2, returnSequences: false, bidirectional: true, goBackwards: true },
		{ kind: 'dense', units: 2, activation: 'softplus' }
	],
	'variational autoencoder': [
		{ kind: 'lstm', units: 3, returnSequences: false, bidirectional: true },
		{ kind: 'dense', units: 3, activation: 'relu' },
		{ kind: 'gaussian-sampling', units: 2, klWeight: 0.3 },
		{ kind: 'repeat-vector', steps: 3 },
		{ kind: 'lstm', units: 3, returnSequences: true },
		{ kind: 'dense', units: 2, activation: 'sigmoid' }
	]
};

function setUp(
	layers: readonly LayerSpec[],
	rows: number,
	seed: number
): { executor: Executor; chunk: Chunk; weights: Float32Array } {
	const spec: NetworkSpec = { features: 2, layers };
	const plan = planNetwork(spec);
	const executor = createTensorExecutor({ name: 'cpu' }, plan);
	const draw = normalFrom(seed);
	// Away from the kinks of relu and from zero biases.
	const weights = joinWeights(initialWeights(plan, seed)).map((value) => value + 0.3 * draw());
	const chunk = {
		inputs: Float32Array.from({ length: rows * steps * 2 }, draw),
		targets: Float32Array.from({ length: rows * rowSizes(plan, steps).target }, () => 0.5 + 0.3 * Math.tanh(draw())),
		rows,
		steps
	};
	return { executor, chunk, weights };
}

async function lossAndGradient(executor: Executor, weights: Float32Array, chunk: Chunk, place: ChunkPlace) {
	executor.setWeights(weights);
	executor.startTraining();
	executor.accumulate(chunk, place);
	const result = { loss: (await executor.takeLoss()) / place.batchRows, gradient: await executor.readGradient() };
	executor.endTraining();
	return result;
}

describe.each(Object.entries(networks))('%s', (_, layers) => {
	it.each(['mse', 'mae', 'huber', 'binary-crossentropy'] as const)(
		'gradient with %s is that of finite differences',
		async (loss: LossName) => {
			if (loss === 'binary-crossentropy' && (layers.at(-1) as { activation?: string }).activation !== 'sigmoid') return;
			const rows = 3;
			const { executor, chunk, weights } = setUp(layers, rows, 4);
			const place: ChunkPlace = { loss, batchRows: rows, firstRow: 0, seed: 8 };
			const { gradient } = await lossAndGradient(executor, weights, chunk, place);
			const step = 2e-3;
			const scale = Math.max(...gradient.map(Math.abs));
			for (let k = 0; k < weights.length; k += 3) {
				const at = async (shift: number) => {
					const moved = weights.slice();
					moved[k]! += shift;
					return (await lossAndGradient(executor, moved, chunk, place)).loss;
				};
				const expected = ((await at(step)) - (await at(-step))) / (2 * step);
				expect(Math.abs(gradient[k]! - expected) / scale, `weight ${k}`).toBeLessThan(5e-3);
			}
			executor.dispose();
		}
	);

	it('adds up to the same however the batch is divided', async () => {
		await fc.assert(
			fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }), async (rows, cutAt) => {
				const cut = Math.min(cutAt, rows - 1);
				const { executor, chunk, weights } = setUp(layers, rows, 5);
				const place: ChunkPlace = { loss: 'mse', batchRows: rows, firstRow: 0, seed: 9 };
				const whole = await lossAndGradient(executor, weights, chunk, place);
				const part = (from: number, to: number): Chunk => ({
					inputs: chunk.inputs.slice((from / rows) * chunk.inputs.length, (to / rows) * chunk.inputs.length),
					targets: chunk.targets.slice((from / rows) * chunk.targets.length, (to / rows) * chunk.targets.length),
					rows: to - from,
					steps
				});
				executor.startTraining();
				if (cut > 0) executor.accumulate(part(0, cut), place);
				executor.accumulate(part(cut, rows), { ...place, firstRow: cut });
				expect((await executor.takeLoss()) / rows).toBeCloseTo(whole.loss, 5);
				const gradient = await executor.readGradient();
				gradient.forEach((value, k) => expect(value).toBeCloseTo(whole.gradient[k]!, 5));
				executor.dispose();
			}),
			{ numRuns: 6, seed: 3 }
		);
	});
});

describe('self-test', () => {
	const plain = (plan: Parameters<typeof createTensorExecutor>[1]) => createTensorExecutor({ name: 'cpu' }, plan);
	it('lets a right backend through, and says how right', () => expect(selfTest(plain, plain, 1e-6)).resolves.toBe(0));
	it.each(['score', 'readGradient'] as const)(
		'turns down a backend with a wrong %s, saying by how much',
		async (method) => {
			const wrong = (plan: Parameters<typeof plain>[0]) => {
				const executor = plain(plan);
				const right = executor[method].bind(executor) as (...given: unknown[]) => Promise<Float32Array>;
				executor[method] = async (...given: unknown[]) =>
					(await right(...given)).map((value, k) => (k === 7 ? value + 0.5 : value));
				return executor;
			};
			await expect(selfTest(wrong, plain, 1e-3)).rejects.toMatchObject({
				code: 'backend-wrong',
				message: expect.stringMatching(/Self-test failed: its (output|gradient) differs/) as string
			});
		}
	);
});
