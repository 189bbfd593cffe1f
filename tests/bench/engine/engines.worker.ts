/**
 * Benchmark worker: every engine on the same net, weights and windows. In: requests of `protocol.ts`. Out: milliseconds.
 * `fused`: our kernels, whole network. `product`: our engine as the product calls it (`startEngine`). `tfjs-wasm`,
 * `tfjs-webgpu`: stock TensorFlow.js layers. `ort`: onnxruntime-web, one thread.
 */
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-web/wasm';
import ortModule from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import ortWasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { startEngine, type Engine, type FitData, type Network, type NetworkSpec } from '../../../src/lib/neural';
import { wasmFiles } from '../../../src/lib/neural/wasm-files';
import { FusedNetwork } from '../../../src/lib/neural/wasm/fused-network';
import { instantiate, loadLstmModule } from '../../../src/lib/neural/wasm/module';
import { makeOnnxPredictor } from './onnx-predictor';
import type { BenchReply, BenchRequest, EngineName, JobInfo } from './protocol';
import { features, forwardFlops, makeWindows, plan, spec, steps, units, weightParts, weights } from './reference-net';

const mostWindows = 256;
const batch = 32;
const lanes = 256;
/** Steps of training in an epoch of the product's `fit`, and epochs timed after one that starts the workers. */
const fitBatches = 8;
const timedEpochs = 3;
const perWindow = steps * features;
const windows = makeWindows(mostWindows, 1);
const targets = makeWindows(mostWindows, 2);
const firstWindows = (count: number) => windows.subarray(0, count * perWindow);

interface Job extends Omit<JobInfo, 'job'> {
	/** May return the milliseconds that count, measured by itself. */
	run(): void | Promise<void | number>;
}

const jobs = new Map<string, Job>();
/** Outputs of the first four windows, [4, steps, features]. */
const outputs = new Map<EngineName, () => Promise<Float32Array>>();
let gpuNetwork: Network | undefined;

function addJob(name: string, count: number, flops: number, run: Job['run']): void {
	jobs.set(name, { windows: count, flops, run });
}

async function setUpFused(): Promise<Record<string, unknown>> {
	const module = await loadLstmModule();
	const network = new FusedNetwork(module, plan);
	network.setWeights(weights);
	for (const count of [1, 32, 256])
		addJob(
			`fused/score/${count}`,
			count,
			count * forwardFlops,
			() => void network.predict(firstWindows(count), count, steps)
		);
	const trained = new FusedNetwork(module, plan);
	trained.setWeights(weights);
	let step = 0;
	addJob('fused/train/32', batch, 3 * batch * forwardFlops, () => {
		trained.clearGradients();
		const request = { inputs: windows, targets, steps, from: 0, to: batch, loss: 'mse' as const };
		trained.addGradients({ ...request, scale: 1 / (batch * perWindow) });
		trained.applyAdam({ step: ++step, learningRate: 1e-3 });
	});
	const stream = network.openStream(lanes);
	const named = Array.from({ length: lanes }, (_, lane) => lane);
	const rows = windows.slice(0, lanes * features);
	addJob('fused/stream', lanes, (lanes * forwardFlops) / steps, () => void stream.step(rows, named));
	const peak = instantiate(module);
	const rounds = 100_000;
	addJob('fused/peak', 0, rounds * 384, () => void peak.multiplyAddPeak(rounds));
	outputs.set('fused', async () => network.predict(firstWindows(4), 4, steps));
	return { detail: module.detail };
}

function makeStockModel(): tf.LayersModel {
	const layers = units.map((size, k) =>
		tf.layers.lstm({
			units: size,
			returnSequences: true,
			recurrentActivation: 'sigmoid',
			// The default, orthogonal, takes most of a minute.
			recurrentInitializer: 'glorotUniform',
			...(k === 0 ? { inputShape: [steps, features] } : {})
		})
	);
	const model = tf.sequential({ layers: [...layers, tf.layers.dense({ units: features })] });
	model.setWeights(plan.weights.map(({ shape }, k) => tf.tensor(weightParts[k]!, shape as number[])));
	model.compile({ optimizer: tf.train.adam(1e-3, 0.9, 0.999, 1e-7), loss: 'meanSquaredError' });
	return model;
}

async function setUpStock(name: 'tfjs-wasm' | 'tfjs-webgpu'): Promise<Record<string, unknown>> {
	if (name === 'tfjs-wasm') {
		const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
		setWasmPaths(wasmFiles);
		await tf.setBackend('wasm');
	} else {
		await import('@tensorflow/tfjs-backend-webgpu');
		if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js has no WebGPU here');
	}
	await tf.ready();
	const model = makeStockModel();
	const batchOf = (values: Float32Array, count: number) =>
		tf.tensor(values.subarray(0, count * perWindow), [count, steps, features]);
	const score = async (count: number) => {
		const output = tf.tidy(() => model.predictOnBatch(batchOf(windows, count)) as tf.Tensor);
		const values = (await output.data()) as Float32Array;
		output.dispose();
		return values;
	};
	outputs.set(name, () => score(4));
	for (const count of [1, 32, 256])
		addJob(`${name}/score/${count}`, count, count * forwardFlops, async () => void (await score(count)));
	const trained = makeStockModel();
	addJob(`${name}/train/32`, batch, 3 * batch * forwardFlops, async () => {
		const [x, y] = [batchOf(windows, batch), batchOf(targets, batch)];
		await trained.trainOnBatch(x, y);
		tf.dispose([x, y]);
	});
	return { detail: `TensorFlow.js ${tf.version_core}`, simd: await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT') };
}

async function setUpOrt(): Promise<Record<string, unknown>> {
	ort.env.wasm.numThreads = 1;
	ort.env.wasm.wasmPaths = {
		mjs: new URL(ortModule, import.meta.url).href,
		wasm: new URL(ortWasm, import.meta.url).href
	};
	const session = await ort.InferenceSession.create(makeOnnxPredictor(), {
		executionProviders: ['wasm'],
		graphOptimizationLevel: 'all'
	});
	const timeMajor = (count: number) => {
		const x = new Float32Array(count * perWindow);
		for (let row = 0; row < count; row++)
			for (let step = 0; step < steps; step++)
				for (let k = 0; k < features; k++)
					x[(step * count + row) * features + k] = windows[(row * steps + step) * features + k]!;
		return new ort.Tensor('float32', x, [steps, count, features]);
	};
	for (const count of [1, 32]) {
		const X = timeMajor(count);
		addJob(`ort/score/${count}`, count, count * forwardFlops, async () => void (await session.run({ X })));
	}
	outputs.set('ort', async () => {
		const { Y } = await session.run({ X: timeMajor(4) });
		const y = Y!.data as Float32Array;
		const out = new Float32Array(y.length);
		for (let row = 0; row < 4; row++)
			for (let step = 0; step < steps; step++)
				for (let k = 0; k < features; k++)
					out[(row * steps + step) * features + k] = y[(step * 4 + row) * features + k]!;
		return out;
	});
	return { detail: `onnxruntime-web ${ort.env.versions.web}` };
}

/** `count` windows as training data. */
function fitData(count: number): FitData {
	return { inputs: firstWindows(count), targets: targets.subarray(0, count * perWindow), count, steps };
}

async function setUpProduct(backend: 'wasm' | 'webgpu'): Promise<Record<string, unknown>> {
	const name: EngineName = backend === 'wasm' ? 'product' : 'product-webgpu';
	const engine = await startEngine({ backends: [backend], purpose: 'training' });
	if (engine.report.backend !== backend) throw new Error(engine.report.rejected.map(({ reason }) => reason).join('; '));
	const network = engine.createNetwork(spec, 1);
	network.setWeights(weights);
	outputs.set(name, () => network.predict(firstWindows(4), 4, steps));
	addJob(
		`${name}/score/32`,
		32,
		32 * forwardFlops,
		async () => void (await network.predict(firstWindows(32), 32, steps))
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
	return { detail: engine.report.detail };
}

/** Networks of the sizes that the product trains on little data, shared or not: from which size on sharing pays. */
function addSmallFits(engine: Engine): void {
	for (const [sizes, length, rows] of [
		[[24], 32, 16],
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

/** Dispatches of one step of training: those of three steps less those of one, halved. */
async function countDispatches(): Promise<number> {
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
		const counts: number[] = [];
		for (const stepsDone of [1, 3]) {
			dispatches = 0;
			await gpuNetwork!.fit(fitData(stepsDone * batch), { epochs: 1, batchSize: batch, learningRate: 1e-3, seed: 1 });
			counts.push(dispatches);
		}
		return (counts[1]! - counts[0]!) / 2;
	} finally {
		prototype.dispatchWorkgroups = original.direct;
		prototype.dispatchWorkgroupsIndirect = original.indirect;
	}
}

const setUps: Record<EngineName, () => Promise<Record<string, unknown>>> = {
	fused: setUpFused,
	'tfjs-wasm': () => setUpStock('tfjs-wasm'),
	'tfjs-webgpu': () => setUpStock('tfjs-webgpu'),
	ort: setUpOrt,
	product: () => setUpProduct('wasm'),
	'product-webgpu': () => setUpProduct('webgpu')
};

async function answer(request: BenchRequest): Promise<unknown> {
	if (request.kind === 'setup') {
		const context = await setUps[request.engine]();
		const own = [...jobs].filter(([job]) => job.startsWith(`${request.engine}/`));
		return { context, jobs: own.map(([job, info]): JobInfo => ({ job, windows: info.windows, flops: info.flops })) };
	}
	if (request.kind === 'dispatches') return countDispatches();
	if (request.kind === 'compare') {
		const [a, b] = await Promise.all(request.engines.map((name) => outputs.get(name)!()));
		return a!.reduce((worst, value, k) => Math.max(worst, Math.abs(value - b![k]!)), 0);
	}
	const job = jobs.get(request.job);
	if (!job) throw new Error(`No job ${request.job}`);
	const start = performance.now();
	let counted = 0;
	for (let k = 0; k < request.times; k++) {
		const done = job.run();
		if (done) counted += (await done) ?? 0;
	}
	return counted || performance.now() - start;
}

addEventListener('message', ({ data }: MessageEvent<BenchRequest>) => {
	answer(data)
		.then((value): BenchReply => ({ id: data.id, value }))
		.catch((error: unknown): BenchReply => ({
			id: data.id,
			error: error instanceof Error ? (error.stack ?? error.message) : String(error)
		}))
		.then((reply) => postMessage(reply));
});
