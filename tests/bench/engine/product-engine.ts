/**
 * Benchmark: our engine as the product calls it (`startEngine`), and on WebGPU besides: training steps one after the other, the
 * adapter's rate of multiply-adds, dispatches of a step, errors against float64. Out: jobs, and answers to such questions.
 */
import { engine as tensorflow } from '@tensorflow/tfjs-core';
import { dividedCases, errorsOf, networkCases } from '../../tools/network-cases';
import {
	startEngine,
	type CalibrationEntry,
	type Engine,
	type FitData,
	type Network,
	type NetworkSpec
} from '../../../src/lib/neural';
import { loadBackend } from '../../../src/lib/neural/backends';
import type { Executor } from '../../../src/lib/neural/executor';
import { planNetwork } from '../../../src/lib/neural/network-spec';
import { addJob, batch, firstWindows, outputs, perWindow, targets } from './jobs';
import { multiplyAddPeak } from './webgpu-peak';
import type { EngineName } from './protocol';
import { forwardFlops, makeWindows, plan, spec, steps, weights } from './reference-net';

/** Epochs of the product's `fit` that are timed, after one that starts the workers. */
const timedEpochs = 3;
let gpuNetwork: Network | undefined;

/** `count` windows as training data. */
function fitData(count: number): FitData {
	return { inputs: firstWindows(count), targets: targets.subarray(0, count * perWindow), count, steps };
}

/** `fitBatches`: steps of training in an epoch on WebAssembly. */
export async function setUpProduct(
	backend: 'wasm' | 'webgpu',
	{
		name = backend === 'wasm' ? 'product' : 'product-webgpu',
		fitBatches = 8
	}: { name?: EngineName; fitBatches?: number } = {}
): Promise<Record<string, unknown>> {
	const engine = await startEngine({ backends: [backend], purpose: 'training' });
	if (engine.report.backend !== backend) throw new Error(engine.report.rejected.map(({ reason }) => reason).join('; '));
	const network = engine.createNetwork(spec, 1);
	network.setWeights(weights);
	outputs.set(name, () => network.predict(firstWindows(4), 4, steps));
	for (const count of [32, 256])
		addJob(
			`${name}/score/${count}`,
			count,
			count * forwardFlops,
			async () => void (await network.predict(firstWindows(count), count, steps))
		);
	const trained = engine.createNetwork(spec, 1);
	trained.setWeights(weights);
	if (backend === 'webgpu') gpuNetwork = trained;
	if (backend === 'wasm') addSmallFits(engine);
	const epochWindows = backend === 'wasm' ? fitBatches * batch : batch;
	const count = timedEpochs * epochWindows;
	for (const workers of backend === 'wasm' ? [1, 2] : [1])
		addJob(`${name}/fit/${workers}`, count, 3 * count * forwardFlops, () =>
			timedFit(trained, fitData(epochWindows), batch, workers)
		);
	if (backend === 'wasm')
		addJob(`${name}/fit/2-by-messages`, count, 3 * count * forwardFlops, () =>
			withoutSharedMemory(() => timedFit(trained, fitData(epochWindows), batch, 2))
		);
	return { detail: engine.report.detail };
}

/** Networks of the sizes that the product trains on little data, shared or not: from which size on sharing pays. */
function addSmallFits(engine: Engine): void {
	for (const [sizes, length, rows] of [
		[[24], 32, 16],
		[[32], 32, 24],
		[[32, 16], 48, 32],
		[[48, 24], 48, 32],
		[[64, 32], 48, 32]
	] as const) {
		const layers = sizes.map((size) => ({ kind: 'lstm' as const, units: size, returnSequences: true }));
		const small: NetworkSpec = { features: 8, layers: [...layers, { kind: 'dense', units: 8 }] };
		const network = engine.createNetwork(small, 1);
		const epochWindows = 40 * rows;
		const count = timedEpochs * epochWindows;
		const values = makeWindows(Math.ceil((epochWindows * length * 8) / perWindow), 3).subarray(
			0,
			epochWindows * length * 8
		);
		const data = { inputs: values, targets: values, count: epochWindows, steps: length };
		const weightFlops = 2 * network.weightShapes.reduce((sum, { shape: [a, b] }) => sum + (b ? a! * b : 0), 0);
		for (const workers of [1, 2])
			addJob(`product/lstm-${sizes.join('-')}/fit/${workers}`, count, 3 * count * length * weightFlops, () =>
				timedFit(network, data, rows, workers)
			);
	}
}

/** Milliseconds of all epochs but the first, in which workers are started. */
async function timedFit(network: Network, data: FitData, batchSize: number, workers: number): Promise<number> {
	const ends: number[] = [];
	await network.fit(data, {
		epochs: 1 + timedEpochs,
		batchSize,
		learningRate: 1e-3,
		seed: 1,
		workers,
		onProgress: ({ lossCurve }) => {
			if (lossCurve.length > ends.length) ends.push(performance.now());
		}
	});
	return ends.at(-1)! - ends[0]!;
}

/** As on a host that does not isolate the page. */
async function withoutSharedMemory<T>(work: () => Promise<T>): Promise<T> {
	Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false, configurable: true });
	try {
		return await work();
	} finally {
		Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
	}
}

async function makeGpuExecutor(of = plan): Promise<Executor> {
	return (await loadBackend('webgpu')).ownExecutor!(of, () => {})!;
}

/** One step of training with all rows as one batch; asked for, not awaited. */
function trainStep(executor: Executor, { inputs, targets, count, steps }: FitData, step: number): void {
	executor.accumulate({ inputs, targets, rows: count, steps }, { loss: 'mse', batchRows: count, firstRow: 0, seed: 1 });
	const rates = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0, clipNorm: 0 };
	executor.step({ step, ...rates });
}

/** Jobs for a real adapter: training steps for batches of any size, a long `fit`, and the adapter's own rate. */
export async function setUpGpuSweep(sizes: readonly number[]): Promise<Record<string, unknown>> {
	const name: EngineName = 'gpu';
	const about = await setUpProduct('webgpu', { name });
	const most = Math.max(...sizes);
	const [inputs, wanted] = [makeWindows(most, 3), makeWindows(most, 4)];
	const stepsDone = 10;
	for (const rows of sizes) {
		const executor = await makeGpuExecutor();
		executor.setWeights(weights);
		executor.startTraining();
		let step = 0;
		const data = {
			inputs: inputs.subarray(0, rows * perWindow),
			targets: wanted.subarray(0, rows * perWindow),
			count: rows,
			steps
		};
		const count = stepsDone * rows;
		addJob(`${name}/train/${rows}`, count, 3 * count * forwardFlops, async () => {
			for (let k = 0; k < stepsDone; k++) trainStep(executor, data, ++step);
			await executor.takeLoss();
		});
	}
	const count = 2048;
	const data: FitData = { inputs: makeWindows(count, 5), targets: makeWindows(count, 6), count, steps };
	for (const batchSize of [32, 256])
		addJob(
			`${name}/fit-${count}/${batchSize}`,
			count,
			3 * count * forwardFlops,
			async () => void (await gpuNetwork!.fit(data, { epochs: 1, batchSize, learningRate: 1e-3, seed: 1 }))
		);
	const { device } = tensorflow().backend as unknown as { device: GPUDevice };
	const peak = multiplyAddPeak(device);
	addJob(`${name}/peak`, 0, peak.flops, () => peak.run());
	return about;
}

/** Largest relative error against float64 in each of the networks that the tests run, and the part where it is. */
export async function gpuErrors(): Promise<Record<string, readonly [part: string, error: number]>> {
	const errors: Record<string, readonly [string, number]> = {};
	const reference = { name: 'the reference net', spec, rows: 4, steps: 25 };
	for (const network of [...networkCases, ...dividedCases, reference]) {
		const executor = await makeGpuExecutor(planNetwork(network.spec));
		const found = Object.entries(await errorsOf(executor, network));
		errors[`${network.name}, ${network.rows} x ${network.steps}`] = found.reduce((worst, one) =>
			one[1] > worst[1] || Number.isNaN(one[1]) ? one : worst
		);
		executor.dispose();
	}
	return errors;
}

/** What the engine chooses for training here, left to itself, and the rates that it measured. */
export async function chosenForTraining(): Promise<Record<string, unknown>> {
	const rates: Record<string, CalibrationEntry> = {};
	const set = async (key: string, entry: CalibrationEntry) => void (rates[key.split('|')[2]!] = entry);
	const engine = await startEngine({
		purpose: 'training',
		softwareAdapters: true,
		calibrationCache: { get: async () => undefined, set }
	});
	const { backend, rejected } = engine.report;
	await engine.dispose();
	return { backend, rates, rejected };
}

/** Dispatches of one step of training, the second of an executor, as they are asked for: nobody waits for the device. */
export async function countDispatches(): Promise<number> {
	const executor = await makeGpuExecutor();
	executor.setWeights(weights);
	executor.startTraining();
	trainStep(executor, fitData(batch), 1);
	let dispatches = 0;
	const { prototype } = GPUComputePassEncoder;
	const original = { direct: prototype.dispatchWorkgroups, indirect: prototype.dispatchWorkgroupsIndirect };
	prototype.dispatchWorkgroups = function (...sizes) {
		dispatches++;
		return original.direct.apply(this, sizes);
	};
	prototype.dispatchWorkgroupsIndirect = function (...places) {
		dispatches++;
		return original.indirect.apply(this, places);
	};
	try {
		trainStep(executor, fitData(batch), 2);
		return dispatches;
	} finally {
		prototype.dispatchWorkgroups = original.direct;
		prototype.dispatchWorkgroupsIndirect = original.indirect;
		executor.dispose();
	}
}

/** Batches of a real adapter. */
export const gpuBatches = [32, 64, 128, 256, 512, 1024];

export const gpuEngines = { gpu: () => setUpGpuSweep(gpuBatches) };
export const gpuQuestions = { dispatches: countDispatches, errors: gpuErrors, choice: chosenForTraining };
