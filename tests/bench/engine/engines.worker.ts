/**
 * Benchmark worker: every engine on the same net, weights and windows. In: requests of `protocol.ts`. Out: milliseconds.
 * `fused`: our kernels, whole network. `product`: our engine as the product calls it (`startEngine`). `tfjs-wasm`,
 * `tfjs-webgpu`: stock TensorFlow.js layers. `ort`: onnxruntime-web, one thread.
 */
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-web/wasm';
import ortModule from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import ortWasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { wasmFiles } from '../../../src/lib/neural/wasm-files';
import { FusedNetwork } from '../../../src/lib/neural/wasm/fused-network';
import { instantiate, loadLstmModule } from '../../../src/lib/neural/wasm/module';
import { addJob, answerWith, batch, firstWindows, outputs, perWindow, targets, windows } from './jobs';
import { makeOnnxPredictor } from './onnx-predictor';
import { gpuEngines, gpuQuestions, setUpProduct } from './product-engine';
import type { BenchReply, BenchRequest } from './protocol';
import { features, forwardFlops, plan, steps, weights } from './reference-net';
import { setUpStock, setUpStockWebGpu } from './stock-engine';

const lanes = 256;

async function setUpFused(): Promise<Record<string, unknown>> {
	const module = await loadLstmModule();
	const network = new FusedNetwork(module, plan);
	network.weights.set(weights);
	for (const count of [1, 32, 256])
		addJob(
			`fused/score/${count}`,
			count,
			count * forwardFlops,
			() => void network.predict(firstWindows(count), count, steps)
		);
	const trained = new FusedNetwork(module, plan);
	trained.weights.set(weights);
	let step = 0;
	addJob('fused/train/32', batch, 3 * batch * forwardFlops, () => {
		trained.weights.clearGradients();
		const request = { inputs: windows, targets, steps, from: 0, to: batch, loss: 'mse' as const };
		trained.addGradients({ ...request, scale: 1 / (batch * perWindow) });
		trained.weights.applyAdam({ step: ++step, learningRate: 1e-3 });
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

async function setUpStockWasm(): Promise<Record<string, unknown>> {
	const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
	setWasmPaths(wasmFiles);
	await tf.setBackend('wasm');
	return setUpStock('tfjs-wasm');
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

const answer = answerWith(
	{
		fused: setUpFused,
		'tfjs-wasm': setUpStockWasm,
		'tfjs-webgpu': () => setUpStockWebGpu(),
		ort: setUpOrt,
		product: (quick) => setUpProduct('wasm', { fitBatches: quick ? 2 : 8 }),
		'product-webgpu': () => setUpProduct('webgpu'),
		...gpuEngines
	},
	gpuQuestions
);

addEventListener('message', ({ data }: MessageEvent<BenchRequest>) => {
	answer(data)
		.then((value): BenchReply => ({ id: data.id, value }))
		.catch((error: unknown): BenchReply => ({
			id: data.id,
			error: error instanceof Error ? (error.stack ?? error.message) : String(error)
		}))
		.then((reply) => postMessage(reply));
});
