/** The engine in a browser: choice of backend, compiled kernels, workers that share a batch, against the plain loops. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
	startEngine,
	type CalibrationEntry,
	type Engine,
	type FitData,
	type FitOptions,
	type NetworkSpec
} from '$lib/neural';
import { normalFrom } from '$lib/neural/random';

const predictor: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'lstm', units: 11, returnSequences: true },
		{ kind: 'lstm', units: 6, returnSequences: true },
		{ kind: 'dense', units: 3 }
	]
};
/** Layers that run on tensors: dropout, both directions, a sampled latent. */
const variational: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'lstm', units: 6, returnSequences: false, bidirectional: true, dropout: 0.1, recurrentDropout: 0.1 },
		{ kind: 'gaussian-sampling', units: 2, klWeight: 0.01 },
		{ kind: 'repeat-vector', steps: 8 },
		{ kind: 'gru', units: 5, returnSequences: true },
		{ kind: 'dropout', rate: 0.1 },
		{ kind: 'dense', units: 3 }
	]
};

function randomData(count: number, steps = 8): FitData {
	const draw = normalFrom(count);
	const inputs = Float32Array.from({ length: count * steps * 3 }, () => 0.5 * draw());
	return { inputs, targets: inputs.map((value) => 0.5 * value), count, steps };
}

const options: FitOptions = { epochs: 3, batchSize: 10, learningRate: 0.01, seed: 5, clipNorm: 1 };

let engine: Engine | undefined;
afterEach(async () => {
	vi.unstubAllGlobals();
	await engine?.dispose();
	engine = undefined;
});

/** Whether workers may use shared memory: the page is isolated, and need not say so. */
const messagesOnly = () => vi.stubGlobal('crossOriginIsolated', false);

async function weightsAfter(
	backend: 'wasm' | 'cpu',
	spec: NetworkSpec,
	more: Partial<FitOptions> = {}
): Promise<Float32Array> {
	engine = await startEngine({ backends: [backend], purpose: 'training' });
	expect(engine.report).toMatchObject({ backend, rejected: [] });
	const before = engine.tensorCount();
	const network = engine.createNetwork(spec, 2);
	const result = await network.fit(randomData(37), { ...options, ...more });
	expect(result.workers).toBe(more.workers ?? 1);
	const throughMemory = result.workers > 1 && crossOriginIsolated && spec === predictor;
	expect(result.sharesMemory).toBe(throughMemory);
	const weights = await network.getWeights();
	network.dispose();
	expect(engine.tensorCount()).toBe(before);
	return weights;
}

function expectClose(found: Float32Array, expected: Float32Array, tolerance: number): void {
	expect(found.length).toBe(expected.length);
	let worst = 0;
	expected.forEach((value, k) => (worst = Math.max(worst, Math.abs(found[k]! - value))));
	expect(worst).toBeLessThan(tolerance);
}

for (const [title, spec] of [
	['compiled', predictor],
	['on tensors', variational]
] as const)
	describe(`training, ${title}`, () => {
		it('gives what the plain loops give', async () => {
			const [found, expected] = [await weightsAfter('wasm', spec), await weightsAfter('cpu', spec)];
			expectClose(found, expected, 2e-4);
		});
		it('gives the same bits again', async () => {
			expect(await weightsAfter('wasm', spec)).toEqual(await weightsAfter('wasm', spec));
		});
		it('shared by three workers differs by rounding only', async () => {
			expectClose(await weightsAfter('wasm', spec, { workers: 3 }), await weightsAfter('wasm', spec), 2e-4);
		});
		it('shared through memory or by messages: the same bits', async () => {
			expect(crossOriginIsolated).toBe(true);
			const more = { workers: 3, batchSize: 8 };
			const throughMemory = await weightsAfter('wasm', spec, more);
			messagesOnly();
			expect(await weightsAfter('wasm', spec, more)).toEqual(throughMemory);
		});
		it('shared by more workers than the last batch has rows differs by rounding only', async () => {
			const odd = { batchSize: 9 };
			const shared = await weightsAfter('wasm', spec, { ...odd, workers: 3 });
			expectClose(shared, await weightsAfter('wasm', spec, odd), 2e-4);
		});
	});

it('measures once per device and says what it chose and why', async () => {
	const kept = new Map<string, CalibrationEntry>();
	let measured = 0;
	const calibrationCache = {
		get: async (key: string) => kept.get(key),
		set: async (key: string, entry: CalibrationEntry) => {
			measured++;
			kept.set(key, entry);
		}
	};
	engine = await startEngine({ purpose: 'scoring', calibrationCache });
	expect(engine.report.backend).toBe('wasm');
	expect(engine.report.scoredWindowsPerSecond).toBeGreaterThan(0);
	expect(engine.report.trainedWindowsPerSecond).toBeGreaterThan(0);
	const again = await startEngine({ purpose: 'scoring', calibrationCache });
	expect(again.report).toEqual(engine.report);
	expect(measured).toBe(1);
	await again.dispose();
});

for (const isolated of [true, false])
	describe(`training shared ${isolated ? 'through memory' : 'by messages'}`, () => {
		it('cancels training that is shared by workers, and trains again', async () => {
			if (!isolated) messagesOnly();
			engine = await startEngine({ backends: ['wasm'], purpose: 'training' });
			const network = engine.createNetwork(predictor, 2);
			const abort = new AbortController();
			const job = network.fit(randomData(200), {
				...options,
				epochs: 10_000,
				workers: 2,
				signal: abort.signal,
				onProgress: () => abort.abort()
			});
			await expect(job).rejects.toMatchObject({ code: 'aborted' });
			await expect(network.fit(randomData(20), { ...options, epochs: 1, workers: 2 })).resolves.toMatchObject({
				bestEpoch: 1,
				sharesMemory: isolated
			});
		});

		it('fails with words when a worker that shares the training ends without one', async () => {
			if (!isolated) messagesOnly();
			engine = await startEngine({ backends: ['wasm'], purpose: 'training' });
			const helpers: Worker[] = [];
			vi.stubGlobal(
				'Worker',
				class extends Worker {
					constructor(...from: ConstructorParameters<typeof Worker>) {
						super(...from);
						helpers.push(this);
					}
				}
			);
			const network = engine.createNetwork(predictor, 2);
			const end = () => helpers.forEach((helper) => helper.terminate());
			const job = network.fit(randomData(200), { ...options, epochs: 10_000, workers: 2, onProgress: end });
			await expect(job).rejects.toMatchObject({ code: 'worker-crashed' });
			expect(helpers.length).toBe(1);
			vi.unstubAllGlobals();
			await expect(network.fit(randomData(20), { ...options, epochs: 1 })).resolves.toMatchObject({ bestEpoch: 1 });
		});
	});
