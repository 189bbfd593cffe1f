/** A whole network on WebGPU against float64: outputs, losses and every gradient, over shapes that exercise tails and views. */
import { engine as tensorflow } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NetworkSpec } from '$lib/neural';
import { loadBackend, type LoadedBackend } from '$lib/neural/backends';
import { CompiledExecutor } from '$lib/neural/compiled-executor';
import { createTensorExecutor } from '$lib/neural/create-executor';
import type { Executor } from '$lib/neural/executor';
import { planNetwork, splitWeights } from '$lib/neural/network-spec';
import { GpuExecutor } from '$lib/neural/webgpu';
import type { DeviceTraits } from '$lib/neural/webgpu/scan-shape';
import { relativeError } from '../../tools/float64-network';
import {
	dense,
	dividedCases,
	errorsOf,
	gru,
	lstm,
	networkCases,
	oneWidth,
	randomFloats,
	type NetworkCase
} from '../../tools/network-cases';

const tolerance = 1e-4;

let webgpu: LoadedBackend;
let wasm: LoadedBackend;
/** All runs within the limits that every adapter has: a device gets those when none are asked for. */
beforeAll(async () => {
	const { prototype } = GPUAdapter;
	const { requestDevice } = prototype;
	prototype.requestDevice = function (descriptor) {
		return requestDevice.call(this, { ...descriptor, requiredLimits: {} });
	};
	wasm = await loadBackend('wasm');
	webgpu = await loadBackend('webgpu').finally(() => (prototype.requestDevice = requestDevice));
	const { limits } = graphicsDevice();
	expect(limits.maxComputeInvocationsPerWorkgroup).toBe(256);
	expect(limits.maxComputeWorkgroupStorageSize).toBe(16384);
	expect(limits.maxStorageBuffersPerShaderStage).toBe(8);
});

const graphicsDevice = () => (tensorflow().backend as unknown as { device: GPUDevice }).device;

function executorOf(spec: NetworkSpec): Executor {
	const executor = webgpu.ownExecutor?.(planNetwork(spec), () => {});
	expect(executor, 'the network runs as a whole on the device').toBeDefined();
	return executor!;
}

/** Divide the work as on a large GPU or the smallest one, whatever the adapter. */
const bigGpu: DeviceTraits = { software: false, invocations: 256, holdsWeights: true };
const smallGpu: DeviceTraits = { ...bigGpu, holdsWeights: false };

describe('a network on WebGPU', () => {
	const expectRight = async (executor: Executor, network: NetworkCase) => {
		for (const [part, error] of Object.entries(await errorsOf(executor, network)))
			expect(error, part).toBeLessThan(tolerance);
		executor.dispose();
	};

	it.each(networkCases)('$name: outputs, losses and every gradient equal float64', (network) =>
		expectRight(executorOf(network.spec), network)
	);

	const wholeWorkgroups: NetworkSpec = { features: 3, layers: [lstm(256), gru(256, false), dense(2)] };
	it.each([
		...dividedCases.map((network) => ({ ...network, traits: bigGpu })),
		{ name: 'as many units as invocations', spec: wholeWorkgroups, rows: 2, steps: 2, traits: smallGpu }
	])('$name, divided for a GPU: equals float64', async ({ traits, ...network }) => {
		await loadBackend('webgpu');
		await expectRight(new GpuExecutor(graphicsDevice(), planNetwork(network.spec), undefined, traits), network);
	});

	it('both directions, in sequences and as last steps: what the plain loops give layer by layer', async () => {
		const spec: NetworkSpec = {
			features: 3,
			layers: [
				lstm(13, true, { bidirectional: true }),
				dense(6, 'tanh'),
				gru(14, true, { bidirectional: true }),
				lstm(15, true, { bidirectional: true, goBackwards: true }),
				lstm(13, false, { bidirectional: true })
			]
		};
		const plan = planNetwork(spec);
		const chunk = { inputs: randomFloats(4 * 5 * 3, 1), targets: randomFloats(4 * 26, 2), rows: 4, steps: 5 };
		const answers = async (executor: Executor) => {
			executor.setWeights(randomFloats(plan.weightCount, 5, 0.4));
			executor.startTraining();
			executor.accumulate(chunk, { loss: 'mse', batchRows: 4, firstRow: 0, seed: 1 });
			const gradient = splitWeights(plan, await executor.readGradient());
			const output = await executor.score(chunk.inputs, 4, 5);
			executor.dispose();
			return [output, ...gradient];
		};
		const found = await answers(executorOf(spec));
		await loadBackend('cpu');
		const expected = await answers(createTensorExecutor({ name: 'cpu' }, plan));
		found.forEach((values, k) => expect(relativeError(values, expected[k]!), `part ${k}`).toBeLessThan(tolerance));
	});

	it('chunks of any size add up to the gradient of the batch', async () => {
		const plan = planNetwork(oneWidth);
		const inputs = randomFloats(11 * 3 * 7, 1);
		const targets = randomFloats(11 * 3 * 3, 2);
		const executor = executorOf(oneWidth);
		executor.setWeights(randomFloats(plan.weightCount, 5, 0.3));
		const gradientOf = async (edges: number[]) => {
			executor.startTraining();
			for (let k = 1; k < edges.length; k++) {
				const [from, to] = [edges[k - 1]!, edges[k]!];
				const chunk = {
					inputs: inputs.slice(from * 21, to * 21),
					targets: targets.slice(from * 9, to * 9),
					rows: to - from,
					steps: 3
				};
				executor.accumulate(chunk, { loss: 'mse', batchRows: 11, firstRow: from, seed: 1 });
			}
			return { gradient: await executor.readGradient(), loss: await executor.takeLoss() };
		};
		const whole = await gradientOf([0, 11]);
		const parts = await gradientOf([0, 4, 5, 11]);
		expect(relativeError(parts.gradient, whole.gradient)).toBeLessThan(1e-5);
		expect(parts.loss).toBeCloseTo(whole.loss, 4);
		executor.dispose();
	});

	it('gives every buffer back', async () => {
		const plan = planNetwork(oneWidth);
		await loadBackend('webgpu');
		const device = graphicsDevice();
		const alive = new Set<GPUBuffer>();
		const { prototype } = GPUBuffer;
		const { destroy } = prototype;
		const create = device.createBuffer;
		device.createBuffer = (descriptor) => {
			const buffer = create.call(device, descriptor);
			alive.add(buffer);
			return buffer;
		};
		prototype.destroy = function () {
			alive.delete(this);
			return destroy.call(this);
		};
		try {
			const executor = executorOf(oneWidth);
			executor.setWeights(randomFloats(plan.weightCount, 5, 0.3));
			for (const rows of [2, 5, 3]) {
				const chunk = { inputs: randomFloats(rows * 42, 1), targets: randomFloats(rows * 18, 2), rows, steps: 6 };
				executor.startTraining();
				executor.accumulate(chunk, { loss: 'mse', batchRows: rows, firstRow: 0, seed: 1 });
				await executor.takeLoss();
				await executor.evaluate(chunk, 'mse');
				await executor.score(chunk.inputs, rows, 6);
			}
			expect(alive.size).toBeGreaterThan(0);
			executor.dispose();
			expect(alive.size).toBe(0);
		} finally {
			prototype.destroy = destroy;
			device.createBuffer = create;
		}
	});

	it('training steps equal those of the compiled kernels, and the same bits come again', async () => {
		const plan = planNetwork(oneWidth);
		const chunk = { inputs: randomFloats(5 * 6 * 7, 1), targets: randomFloats(5 * 6 * 3, 2), rows: 5, steps: 6 };
		const train = async (executor: Executor) => {
			executor.setWeights(randomFloats(plan.weightCount, 5, 0.3));
			executor.startTraining();
			const losses: number[] = [];
			for (let step = 1; step <= 6; step++) {
				executor.accumulate(chunk, { loss: 'mse', batchRows: 5, firstRow: 0, seed: 1 });
				losses.push(await executor.takeLoss());
				executor.step({
					step,
					learningRate: 0.01,
					beta1: 0.9,
					beta2: 0.999,
					epsilon: 1e-7,
					weightDecay: 0.1,
					clipNorm: 0.05
				});
			}
			const moments = await executor.readMoments();
			const weights = await executor.readWeights();
			executor.dispose();
			return { losses, weights, ...moments };
		};
		const found = await train(executorOf(oneWidth));
		const expected = await train(new CompiledExecutor(wasm.module!, plan));
		for (const part of ['losses', 'weights', 'm', 'v'] as const)
			expect(relativeError(found[part], expected[part]), part).toBeLessThan(tolerance);
		expect(found.losses.at(-1)!).toBeLessThan(found.losses[0]!);
		expect(await train(executorOf(oneWidth))).toEqual(found);
	});
});
