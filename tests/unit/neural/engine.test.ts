/**
 * The engine as its callers use it, in Node: learning, reproducibility, early stopping, cancel, resume, streams, memory and
 * refusals, on the plain loops (`cpu`) and on the compiled kernels (`wasm`).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	startEngine,
	type Engine,
	type FitCheckpoint,
	type FitData,
	type FitOptions,
	type NetworkSpec
} from '$lib/neural';

const predictor: NetworkSpec = {
	features: 2,
	layers: [
		{ kind: 'lstm', units: 6, returnSequences: true },
		{ kind: 'lstm', units: 4, returnSequences: true },
		{ kind: 'dense', units: 2 }
	]
};
/** Everything that draws random numbers, and layers that only run on tensors. */
const noisy: NetworkSpec = {
	features: 2,
	layers: [
		{ kind: 'gru', units: 4, returnSequences: false, bidirectional: true, dropout: 0.2, recurrentDropout: 0.2 },
		{ kind: 'gaussian-sampling', units: 2, klWeight: 0.001 },
		{ kind: 'repeat-vector', steps: 8 },
		{ kind: 'lstm', units: 4, returnSequences: true, dropout: 0.1 },
		{ kind: 'dropout', rate: 0.1 },
		{ kind: 'dense', units: 2, activation: 'tanh' }
	]
};

/** Two sines; the target is the next row. */
function sines(count: number, steps = 8, phase = 0): FitData {
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

const options: FitOptions = { epochs: 6, batchSize: 5, learningRate: 0.02, seed: 3, clipNorm: 1, weightDecay: 0.001 };

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
	let engine: Engine;
	beforeAll(async () => {
		engine = await startEngine({ backends: [backend], purpose: 'training' });
		expect(engine.report).toMatchObject({ backend, rejected: [] });
	});
	afterAll(() => engine.dispose());

	/** Runs `work` on a fresh network and checks that no tensor outlives it. */
	async function withNetwork<T>(
		spec: NetworkSpec,
		work: (network: ReturnType<Engine['createNetwork']>) => Promise<T>
	): Promise<T> {
		const before = engine.tensorCount();
		const network = engine.createNetwork(spec, 7);
		const held = engine.tensorCount();
		try {
			const result = await work(network);
			expect(engine.tensorCount()).toBe(held);
			return result;
		} finally {
			network.dispose();
			expect(engine.tensorCount()).toBe(before);
		}
	}

	const trained = (spec: NetworkSpec, more: Partial<FitOptions> = {}) =>
		withNetwork(spec, async (network) => {
			const result = await network.fit(sines(24), { ...options, ...more });
			return { result, weights: await network.getWeights() };
		});

	it('learns to predict the next row', async () => {
		const { result } = await trained(predictor, { epochs: 15, validation: sines(6, 8, 0.3) });
		expect(result.validationLoss).toBeLessThan(result.lossCurve[0]!.validation / 4);
		expect(result.lossCurve).toHaveLength(15);
		expect(result.windows).toBe(15 * 24);
	});

	it.each([
		['predictor', predictor],
		['noisy autoencoder', noisy]
	])('gives the same bits for the same seed, others for another: %s', async (_, spec) => {
		const [first, second, other] = [await trained(spec), await trained(spec), await trained(spec, { seed: 4 })];
		expect(second.weights).toEqual(first.weights);
		expect(other.weights).not.toEqual(first.weights);
		expect(first.result.lossCurve.at(-1)!.train).toBeLessThan(first.result.lossCurve[0]!.train);
	});

	it.each(['mae', 'huber'] as const)('learns with loss %s', async (loss) => {
		const { result } = await trained(predictor, { loss, epochs: 10 });
		expect(result.trainLoss).toBeLessThan(result.lossCurve[0]!.train * 0.7);
	});

	it('learns to tell two kinds apart with crossentropy', async () => {
		const data = sines(20);
		const targets = Float32Array.from({ length: 20 }, (_, k) => k % 2);
		for (let row = 1; row < 20; row += 2) data.inputs.fill(0.5, row * 16, row * 16 + 16);
		const spec: NetworkSpec = {
			features: 2,
			layers: [
				{ kind: 'lstm', units: 5, returnSequences: false },
				{ kind: 'dense', units: 1, activation: 'sigmoid' }
			]
		};
		await withNetwork(spec, async (network) => {
			const result = await network.fit({ ...data, targets }, { ...options, epochs: 30, loss: 'binary-crossentropy' });
			expect(result.trainLoss).toBeLessThan(0.2);
			const said = await network.predict(data.inputs, 20, 8);
			said.forEach((p, k) => expect(Math.round(p)).toBe(targets[k]));
		});
	});

	it('stops when patience is used up and gives back the best weights', async () => {
		// Validation asks for the opposite of training: it gets worse from the second epoch on.
		const data = sines(24);
		const validation = { ...sines(6), targets: sines(6).targets.map((value) => -value) };
		await withNetwork(predictor, async (network) => {
			const result = await network.fit(data, { ...options, epochs: 40, patience: 3, validation });
			expect(result.lossCurve.length).toBeLessThan(40);
			expect(result.lossCurve.length).toBe(result.bestEpoch + 3);
			expect(result.validationLoss).toBe(Math.min(...result.lossCurve.map((point) => point.validation)));
			const output = await network.predict(validation.inputs, 6, 8);
			const loss = output.reduce((sum, value, k) => sum + (value - validation.targets[k]!) ** 2, 0) / output.length;
			expect(loss).toBeCloseTo(result.validationLoss, 5);
		});
	});

	it.each([
		['predictor', predictor],
		['noisy autoencoder', noisy]
	])('goes on from a checkpoint as if it had never stopped: %s', async (_, spec) => {
		const more = { learningRateSchedule: { kind: 'cosine', minimum: 0.001 }, validation: sines(6, 8, 0.3) } as const;
		const whole = await trained(spec, more);
		let kept: FitCheckpoint | undefined;
		await trained(spec, {
			...more,
			onCheckpoint: (checkpoint) => {
				// As storage would keep it.
				if (checkpoint.epoch === 3) kept = structuredClone(checkpoint);
			}
		});
		const resumed = await trained(spec, { ...more, resumeFrom: kept! });
		expect(resumed.weights).toEqual(whole.weights);
		expect(resumed.result.lossCurve).toEqual(whole.result.lossCurve);
	});

	it('refuses a checkpoint of another job', async () => {
		let kept: FitCheckpoint | undefined;
		await trained(predictor, { epochs: 1, onCheckpoint: (checkpoint) => (kept = checkpoint) });
		await expect(trained(noisy, { resumeFrom: kept! })).rejects.toThrow(/another job: expected network/);
		await expect(trained(predictor, { resumeFrom: kept!, seed: 9 })).rejects.toThrow(/expected seed 9, found 3/);
	});

	it('halves the rate on a plateau, not below its minimum', async () => {
		const rates: number[] = [];
		const validation = { ...sines(6), targets: sines(6).targets.map((value) => -value) };
		await trained(predictor, {
			epochs: 16,
			patience: 20,
			validation,
			learningRateSchedule: { kind: 'plateau', minimum: 0.008 },
			onCheckpoint: ({ learningRate }) => rates.push(learningRate)
		});
		expect(rates[0]).toBe(0.02);
		expect(rates.at(-1)).toBe(0.01);
	});

	it('stops at once when cancelled, keeps its weights usable and leaves no tensors', async () => {
		await withNetwork(predictor, async (network) => {
			const abort = new AbortController();
			const job = network.fit(sines(200), { ...options, epochs: 1e6, signal: abort.signal });
			await expect(network.fit(sines(5), options)).rejects.toThrow(/already training/);
			abort.abort();
			await expect(job).rejects.toMatchObject({ code: 'aborted' });
			const output = await network.predict(sines(1).inputs, 1, 8);
			expect(output.every(Number.isFinite)).toBe(true);
			await network.fit(sines(10), { ...options, epochs: 1 });
		});
	});

	it('says so when training diverges, and leaves no tensors', async () => {
		await withNetwork(predictor, async (network) => {
			const data = sines(10);
			const job = network.fit({ ...data, targets: data.targets.map(() => 3e38) }, options);
			await expect(job).rejects.toThrow(/diverged.*epoch 1.*Lower the learning rate/);
		});
	});

	it('reports progress with the time that is left', async () => {
		const seen: { epoch: number; secondsLeft: number; windowsPerSecond: number }[] = [];
		await trained(predictor, { onProgress: (progress) => seen.push(progress) });
		expect(seen.at(-1)).toMatchObject({ epoch: 6, secondsLeft: 0 });
		expect(seen[0]!.secondsLeft).toBeGreaterThan(0);
		expect(seen.every(({ windowsPerSecond }) => windowsPerSecond > 0)).toBe(true);
	});

	describe('streams', () => {
		const recurrent: NetworkSpec = {
			features: 2,
			layers: [
				{ kind: 'lstm', units: 6, returnSequences: true },
				{ kind: 'gru', units: 5, returnSequences: true },
				{ kind: 'dropout', rate: 0.3 },
				{ kind: 'lstm', units: 4, returnSequences: true },
				{ kind: 'dense', units: 2, activation: 'tanh' }
			]
		};

		it('one step at a time equals the window', async () => {
			await withNetwork(recurrent, async (network) => {
				const { inputs } = sines(3, 9);
				const window = await network.predict(inputs, 3, 9);
				const stream = network.openStream(3);
				for (let step = 0; step < 9; step++) {
					const rows = Float32Array.from(
						{ length: 6 },
						(_, k) => inputs[(Math.floor(k / 2) * 9 + step) * 2 + (k % 2)]!
					);
					stream
						.step(rows, [0, 1, 2])
						.forEach((value, k) => expect(value).toBeCloseTo(window[(Math.floor(k / 2) * 9 + step) * 2 + (k % 2)]!, 5));
				}
				stream.dispose();
			});
		});

		it('lanes are independent: some step, one is reset, one is saved and restored', async () => {
			await withNetwork(recurrent, async (network) => {
				const row = Float32Array.of(0.3, -0.4);
				const two = Float32Array.of(0.3, -0.4, 0.3, -0.4);
				const stream = network.openStream(3);
				const first = stream.step(row, [1]);
				const saved = stream.saveState(1);
				const second = stream.step(row, [1]);
				expect(second).not.toEqual(first);
				stream.restoreState(2, saved);
				stream.reset(1);
				const both = stream.step(two, [2, 1]);
				expectClose(both.subarray(0, 2), second);
				expectClose(both.subarray(2), first);
				expectClose(stream.step(row, [0]), first);
				expect(() => stream.step(row, [3])).toThrow(/found 3/);
				expect(() => stream.step(two, [1, 1])).toThrow(/lane/i);
				expect(() => stream.step(row, [0, 1])).toThrow(/expected 4 numbers/i);
				expect(() => stream.step(Float32Array.of(0, NaN), [1])).toThrow(/feature 1 of lane 1 is not finite/);
				expect(() => stream.restoreState(0, new Float32Array(3))).toThrow(/found 3/);
				stream.dispose();
			});
		});

		it('follows new weights', async () => {
			await withNetwork(recurrent, async (network) => {
				const stream = network.openStream(1);
				const before = stream.step(Float32Array.of(0.1, 0.2), [0]);
				network.setWeights((await network.getWeights()).map((value) => value * 0.5));
				stream.reset(0);
				expect(stream.step(Float32Array.of(0.1, 0.2), [0])).not.toEqual(before);
				stream.dispose();
			});
		});

		it('refuses networks that must see the whole window', async () => {
			await withNetwork(noisy, async (network) => {
				expect(() => network.openStream(1)).toThrow(/Layer gru cannot run one step at a time/);
			});
		});
	});

	describe('refuses what does not fit, naming it', () => {
		it.each<[string, () => Promise<unknown>, RegExp]>([
			[
				'too few numbers',
				() => trained(predictor, { validation: { ...sines(3), count: 4 } }),
				/Validation inputs: expected 64 numbers, found 48/
			],
			['a batch of nothing', () => trained(predictor, { batchSize: 0 }), /expected batchSize above 0, found 0/],
			['no layers', async () => engine.createNetwork({ features: 2, layers: [] }, 1), /at least one layer/],
			[
				'an LSTM on rows',
				async () =>
					engine.createNetwork(
						{
							features: 2,
							layers: [
								{ kind: 'lstm', units: 2, returnSequences: false },
								{ kind: 'lstm', units: 2, returnSequences: false }
							]
						},
						1
					),
				/Layer lstm_1: expected input \[batch, steps, features\]/
			],
			[
				'no units',
				async () => engine.createNetwork({ features: 2, layers: [{ kind: 'dense', units: 0 }] }, 1),
				/Layer dense: expected units of 1 or more, found 0/
			]
		])('%s', async (_, work, message) => {
			await expect(work()).rejects.toThrow(message);
		});

		it('values that are not finite', async () => {
			const data = sines(3);
			data.inputs[20] = NaN;
			await withNetwork(predictor, async (network) => {
				await expect(network.fit(data, options)).rejects.toThrow(/Training inputs: row 1, element 4 is not finite/);
				await expect(network.predict(data.inputs, 3, 8)).rejects.toThrow(/row 1/);
			});
		});
	});
});

it('both backends learn the same, with clipping and weight decay', async () => {
	const weights: Float32Array[] = [];
	for (const backend of ['cpu', 'wasm'] as const)
		for (const spec of [predictor, noisy]) {
			const engine = await startEngine({ backends: [backend], purpose: 'training' });
			const network = engine.createNetwork(spec, 7);
			await network.fit(sines(24), { ...options, epochs: 2, weightDecay: 0.1, clipNorm: 0.1 });
			weights.push(await network.getWeights());
			await engine.dispose();
		}
	weights[2]!.forEach((value, k) => expect(value).toBeCloseTo(weights[0]![k]!, 3));
	weights[3]!.forEach((value, k) => expect(value).toBeCloseTo(weights[1]![k]!, 3));
});

it('an engine that is disposed ends its jobs and gives everything back', async () => {
	const engine = await startEngine({ backends: ['cpu'], purpose: 'training' });
	const before = engine.tensorCount();
	const job = engine.createNetwork(predictor, 1).fit(sines(200), { ...options, epochs: 1e6, validation: sines(3) });
	await engine.dispose();
	await expect(job).rejects.toThrow(/disposed/);
	expect(engine.tensorCount()).toBe(before);
});

function expectClose(found: Float32Array, expected: Float32Array): void {
	expect(found.length).toBe(expected.length);
	expected.forEach((value, k) => expect(found[k]).toBeCloseTo(value, 5));
}
