/** The engine on WebGPU: it chooses by measured rates, trains, gives memory back, and survives the loss of its device. */
import { engine as tensorflow } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import {
	startEngine,
	type BackendReport,
	type Engine,
	type FitCheckpoint,
	type FitData,
	type FitOptions,
	type NetworkSpec
} from '$lib/neural';
import { loadBackend } from '$lib/neural/backends';
import { planNetwork } from '$lib/neural/network-spec';
import { normalFrom } from '$lib/neural/random';
import { relativeError } from '../../tools/float64-network';

const spec: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'lstm', units: 8, returnSequences: true },
		{ kind: 'dense', units: 3 }
	]
};
const gru: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'gru', units: 6, returnSequences: true },
		{ kind: 'dense', units: 3 }
	]
};
/** Layers that run on tensors: dropout, both directions, a sampled latent. */
const variational: NetworkSpec = {
	features: 3,
	layers: [
		{ kind: 'lstm', units: 6, returnSequences: false, bidirectional: true, dropout: 0.1, recurrentDropout: 0.1 },
		{ kind: 'gaussian-sampling', units: 2, klWeight: 0.01 },
		{ kind: 'repeat-vector', steps: 5 },
		{ kind: 'lstm', units: 8, returnSequences: true },
		{ kind: 'gru', units: 7, returnSequences: true, dropout: 0.1, recurrentDropout: 0.1 },
		{ kind: 'dense', units: 3 }
	]
};

const draw = normalFrom(1);
const inputs = Float32Array.from({ length: 14 * 5 * 3 }, draw);
const data: FitData = { inputs, targets: inputs.map((value) => 0.5 * value), count: 14, steps: 5 };
const options: FitOptions = { epochs: 3, batchSize: 5, learningRate: 0.01, seed: 5, clipNorm: 1 };

let engine: Engine | undefined;
afterEach(async () => {
	await engine?.dispose();
	engine = undefined;
});

async function weightsAfter(backends: readonly ('webgpu' | 'wasm')[], of: NetworkSpec, more: Partial<FitOptions> = {}) {
	engine = await startEngine({ backends, purpose: 'training' });
	expect(engine.report).toMatchObject({ backend: backends[0], rejected: [] });
	const before = engine.tensorCount();
	const network = engine.createNetwork(of, 2);
	const result = await network.fit(data, { ...options, ...more });
	const weights = await network.getWeights();
	network.dispose();
	expect(engine.tensorCount()).toBe(before);
	return { weights, result, report: engine.report };
}

const graphicsDevice = () => (tensorflow().backend as unknown as { device: GPUDevice }).device;

describe('the engine on WebGPU', () => {
	it.each([
		{ kind: 'LSTM', of: spec },
		{ kind: 'GRU', of: gru }
	])('trains a $kind as the compiled kernels do', async ({ of }) => {
		const found = await weightsAfter(['webgpu'], of);
		const expected = await weightsAfter(['wasm'], of);
		expect(relativeError(found.weights, expected.weights)).toBeLessThan(1e-4);
		expect(found.result.trainLoss).toBeCloseTo(expected.result.trainLoss, 5);
	});

	it('trains what must go layer by layer on tensors', async () => {
		const found = await weightsAfter(['webgpu'], variational, { epochs: 1 });
		const expected = await weightsAfter(['wasm'], variational, { epochs: 1 });
		expect(relativeError(found.weights, expected.weights)).toBeLessThan(1e-4);
	});

	it('leaves a network with layers that it has no kernels for to another backend', async () => {
		const wide: NetworkSpec = {
			features: 3,
			layers: [
				{ kind: 'gru', units: 1028, returnSequences: true },
				{ kind: 'dense', units: 3 }
			]
		};
		const once = { epochs: 1, batchSize: 14 };
		const found = await weightsAfter(['webgpu'], wide, once);
		expect(relativeError(found.weights, (await weightsAfter(['wasm'], wide, once)).weights)).toBe(0);
	});

	it('is chosen only where it is measured to be faster', async () => {
		const entries: { key: string; rate: number }[] = [];
		const set = async (key: string, entry: { trainedWindowsPerSecond: number }) =>
			void entries.push({ key, rate: entry.trainedWindowsPerSecond });
		engine = await startEngine({
			purpose: 'training',
			softwareAdapters: true,
			calibrationCache: { get: async () => undefined, set }
		});
		expect(entries).toHaveLength(2);
		const fastest = entries.toSorted((a, b) => b.rate - a.rate)[0]!;
		expect(fastest.key).toContain(`|${engine.report.backend}|`);
		expect(engine.report.rejected).toMatchObject([{ reason: expect.stringMatching(/Slower here: \d+ windows\/s/) }]);
	});

	it('is not used where its adapter is emulated in software, and says so', async () => {
		engine = await startEngine({ purpose: 'training' });
		expect(engine.report.backend).toBe('wasm');
		expect(engine.report.rejected).toMatchObject([{ backend: 'webgpu', reason: expect.stringContaining('software') }]);
	});

	it('goes on from its last epoch on the next backend when the device is lost, and starts anew later', async () => {
		const told: BackendReport[] = [];
		const onReport = (report: BackendReport) => void told.push(report);
		engine = await startEngine({ backends: ['webgpu', 'wasm'], purpose: 'training', onReport });
		const device = graphicsDevice();
		const network = engine.createNetwork(spec, 2);
		const epochs: number[] = [];
		const onCheckpoint = ({ epoch }: FitCheckpoint) => {
			epochs.push(epoch);
			if (epoch === 2) device.destroy();
		};
		const result = await network.fit(data, { ...options, epochs: 5, onCheckpoint });
		expect(epochs).toEqual([1, 2, 3, 4, 5]);
		expect(result.lossCurve).toHaveLength(5);
		expect(engine.report.backend).toBe('wasm');
		expect(engine.report.rejected).toMatchObject([{ backend: 'webgpu', reason: expect.stringContaining('lost') }]);
		expect(told).toEqual([engine.report]);
		const weights = await network.getWeights();
		const unbroken = await weightsAfter(['wasm'], spec, { epochs: 5 });
		expect(relativeError(weights, unbroken.weights)).toBeLessThan(1e-4);

		const again = await weightsAfter(['webgpu'], spec);
		expect(again.report.backend).toBe('webgpu');
	});

	it('goes on from its last epoch when the device is lost in the middle of one', async () => {
		engine = await startEngine({ backends: ['webgpu', 'wasm'], purpose: 'training' });
		const device = graphicsDevice();
		const network = engine.createNetwork(spec, 2);
		const { queue } = device;
		const write = queue.writeBuffer.bind(queue) as (...parts: unknown[]) => void;
		const onCheckpoint = ({ epoch }: FitCheckpoint) => {
			if (epoch !== 1) return;
			let writes = 0;
			// Each batch writes its inputs and its targets, and its step the optimiser's numbers.
			queue.writeBuffer = (...parts: unknown[]) => {
				if (++writes === 5) device.destroy();
				write(...parts);
			};
		};
		const result = await network.fit(data, { ...options, epochs: 4, onCheckpoint });
		expect(result.lossCurve).toHaveLength(4);
		expect(engine.report.backend).toBe('wasm');
		const weights = await network.getWeights();
		const unbroken = await weightsAfter(['wasm'], spec, { epochs: 4 });
		expect(relativeError(weights, unbroken.weights)).toBeLessThan(1e-4);
	});

	it('answers all the same when the device is lost before it is asked', async () => {
		// As measured on a device where WebGPU is the faster.
		const get = async (key: string) => ({
			scoredWindowsPerSecond: 1,
			trainedWindowsPerSecond: key.includes('|webgpu|') ? 2 : 1
		});
		const calibrationCache = { get, set: async () => {} };
		engine = await startEngine({ purpose: 'training', softwareAdapters: true, calibrationCache });
		expect(engine.report.rejected).toMatchObject([{ backend: 'wasm', reason: expect.stringContaining('Slower') }]);
		const network = engine.createNetwork(spec, 2);
		const expected = await network.predict(data.inputs, data.count, data.steps);
		graphicsDevice().destroy();
		const found = await network.predict(data.inputs, data.count, data.steps);
		expect(relativeError(found, expected)).toBeLessThan(1e-4);
		expect(engine.report.rejected).toMatchObject([{ backend: 'webgpu', reason: expect.stringContaining('lost') }]);
	});

	it('a read from a lost device fails with its own code', async () => {
		const executor = (await loadBackend('webgpu')).ownExecutor!(planNetwork(spec), () => {})!;
		graphicsDevice().destroy();
		await expect(executor.score(data.inputs, data.count, data.steps)).rejects.toMatchObject({ code: 'device-lost' });
	});
});
