/** A whole network on WebGPU against float64: outputs, losses and every gradient, over shapes that exercise tails and views. */
import { engine as tensorflow } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NetworkSpec } from '$lib/neural';
import { loadBackend, type LoadedBackend } from '$lib/neural/backends';
import { CompiledExecutor } from '$lib/neural/compiled-executor';
import { createTensorExecutor } from '$lib/neural/create-executor';
import type { Executor, LossName } from '$lib/neural/executor';
import { outputSteps, planNetwork, splitWeights } from '$lib/neural/network-spec';
import { randomFrom } from '$lib/neural/random';
import { GpuExecutor } from '$lib/neural/webgpu';
import { referenceNetwork, relativeError } from '../../tools/float64-network';

const tolerance = 1e-4;

let webgpu: LoadedBackend;
let wasm: LoadedBackend;
beforeAll(async () => {
	wasm = await loadBackend('wasm');
	webgpu = await loadBackend('webgpu');
});

const lstm = (units: number, returnSequences = true, more: object = {}) =>
	({ kind: 'lstm', units, returnSequences, ...more }) as const;
const dense = (units: number, activation: 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'softplus' = 'linear') =>
	({ kind: 'dense', units, activation }) as const;

function randomFloats(length: number, seed: number, size = 1): Float32Array {
	const next = randomFrom(seed);
	return Float32Array.from({ length }, () => size * (2 * next() - 1));
}

function executorOf(spec: NetworkSpec): Executor {
	const executor = webgpu.ownExecutor?.(planNetwork(spec), () => {});
	expect(executor, 'the network runs as a whole on the device').toBeDefined();
	return executor!;
}

interface Case {
	readonly name: string;
	readonly spec: NetworkSpec;
	readonly rows: number;
	readonly steps: number;
	readonly loss?: LossName;
}

const odd: NetworkSpec = { features: 7, layers: [lstm(13), lstm(9), dense(3, 'tanh')] };
const cases: Case[] = [
	{ name: 'odd sizes', spec: odd, rows: 3, steps: 11 },
	{ name: 'one row', spec: odd, rows: 1, steps: 6 },
	{ name: 'one row, one step', spec: odd, rows: 1, steps: 1, loss: 'mae' },
	{ name: 'more rows than a tile', spec: odd, rows: 70, steps: 3 },
	{
		name: 'a last step only',
		spec: { features: 25, layers: [lstm(32), lstm(13, false), dense(25)] },
		rows: 5,
		steps: 8
	},
	{ name: 'an LSTM at the end', spec: { features: 4, layers: [lstm(9), lstm(13, false)] }, rows: 6, steps: 5 },
	{
		name: 'more units than invocations',
		spec: { features: 3, layers: [lstm(300, false), dense(2)] },
		rows: 2,
		steps: 3
	},
	{
		name: 'backwards',
		spec: { features: 5, layers: [lstm(9, true, { goBackwards: true }), dense(2)] },
		rows: 3,
		steps: 4
	},
	{
		name: 'an autoencoder',
		spec: {
			features: 5,
			layers: [lstm(13), lstm(4, false), dense(3, 'relu'), { kind: 'repeat-vector', steps: 6 }, lstm(9), dense(5)]
		},
		rows: 6,
		steps: 7,
		loss: 'huber'
	},
	{
		name: 'a probability',
		spec: { features: 3, layers: [lstm(9, false), dense(6, 'softplus'), dense(1, 'sigmoid')] },
		rows: 6,
		steps: 6,
		loss: 'binary-crossentropy'
	}
];

/** The reference runs forward in time: a layer that goes backwards sees the windows turned round. */
function turned(inputs: Float32Array, rows: number, steps: number): Float32Array {
	const width = inputs.length / rows / steps;
	return Float32Array.from(inputs, (_, k) => {
		const [row, step, column] = [Math.floor(k / width / steps), Math.floor(k / width) % steps, k % width];
		return inputs[(row * steps + steps - 1 - step) * width + column]!;
	});
}

/** The work divided as on a GPU, whatever the adapter: one row per workgroup, or several in large batches. */
const divided: Case[] = [
	{ name: 'odd sizes', spec: odd, rows: 3, steps: 6 },
	{ name: 'two rows share a workgroup', spec: odd, rows: 131, steps: 2 },
	{
		name: 'more units than invocations',
		spec: { features: 3, layers: [lstm(300, false), dense(2)] },
		rows: 2,
		steps: 3
	}
];

describe('a network on WebGPU', () => {
	it.each(divided)('$name, divided for a GPU: equals float64', async ({ spec, rows, steps }) => {
		const plan = planNetwork(spec);
		const weights = randomFloats(plan.weightCount, 5, 0.3);
		const inputs = randomFloats(rows * steps * spec.features, 3, 1.5);
		const targets = randomFloats(rows * (plan.sequenceOut ? steps : 1) * plan.outputWidth, 4, 2);
		const reference = referenceNetwork(plan, weights, inputs, rows, steps);
		await loadBackend('webgpu');
		const { device } = tensorflow().backend as unknown as { device: GPUDevice };
		const executor = new GpuExecutor(device, plan, false);
		executor.setWeights(weights);
		expect(relativeError(await executor.score(inputs, rows, steps), reference.outputs)).toBeLessThan(tolerance);
		executor.startTraining();
		executor.accumulate({ inputs, targets, rows, steps }, { loss: 'mse', batchRows: rows, firstRow: 0, seed: 1 });
		const expected = reference.gradient(targets, 'mse').gradients;
		expect(relativeError(await executor.readGradient(), expected)).toBeLessThan(tolerance);
		executor.dispose();
	});

	it.each(cases)(
		'$name: outputs, loss and every gradient equal float64',
		async ({ spec, rows, steps, loss = 'mse' }) => {
			const plan = planNetwork(spec);
			const weights = randomFloats(plan.weightCount, 5, 0.3);
			const inputs = randomFloats(rows * steps * spec.features, 3, 1.5);
			const count = rows * (plan.sequenceOut ? outputSteps(plan, steps) : 1) * plan.outputWidth;
			const targets = randomFloats(count, 4, 2).map((t) => (loss === 'binary-crossentropy' ? Number(t > 0) : t));
			const first = spec.layers[0]!;
			const backwards = first.kind === 'lstm' && first.goBackwards;
			const reference = referenceNetwork(plan, weights, backwards ? turned(inputs, rows, steps) : inputs, rows, steps);
			const expected = reference.gradient(targets, loss);

			const executor = executorOf(spec);
			executor.setWeights(weights);
			expect(await executor.readWeights()).toEqual(weights);
			expect(relativeError(await executor.score(inputs, rows, steps), reference.outputs)).toBeLessThan(tolerance);
			const chunk = { inputs, targets, rows, steps };
			expect((await executor.evaluate(chunk, loss)) / rows).toBeCloseTo(expected.loss, 4);
			executor.startTraining();
			executor.accumulate(chunk, { loss, batchRows: rows, firstRow: 0, seed: 1 });
			expect((await executor.takeLoss()) / rows).toBeCloseTo(expected.loss, 4);
			const found = splitWeights(plan, await executor.readGradient());
			const wanted = splitWeights(plan, Float32Array.from(expected.gradients));
			plan.weights.forEach(({ name }, k) => {
				expect(relativeError(found[k]!, wanted[k]!), name).toBeLessThan(tolerance);
			});
			executor.dispose();
		}
	);

	it('both directions, in sequences and as last steps: what the plain loops give layer by layer', async () => {
		const spec: NetworkSpec = {
			features: 3,
			layers: [
				lstm(5, true, { bidirectional: true }),
				dense(6, 'tanh'),
				lstm(9, true, { bidirectional: true, goBackwards: true }),
				lstm(3, false, { bidirectional: true })
			]
		};
		const plan = planNetwork(spec);
		const chunk = { inputs: randomFloats(4 * 5 * 3, 1), targets: randomFloats(4 * 6, 2), rows: 4, steps: 5 };
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
		const plan = planNetwork(odd);
		const inputs = randomFloats(11 * 3 * 7, 1);
		const targets = randomFloats(11 * 3 * 3, 2);
		const executor = executorOf(odd);
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
		const plan = planNetwork(odd);
		await loadBackend('webgpu');
		const { device } = tensorflow().backend as unknown as { device: GPUDevice };
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
			const executor = executorOf(odd);
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
		const plan = planNetwork(odd);
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
		const found = await train(executorOf(odd));
		const expected = await train(new CompiledExecutor(wasm.module!, plan));
		for (const part of ['losses', 'weights', 'm', 'v'] as const)
			expect(relativeError(found[part], expected[part]), part).toBeLessThan(tolerance);
		expect(found.losses.at(-1)!).toBeLessThan(found.losses[0]!);
		expect(await train(executorOf(odd))).toEqual(found);
	});
});
