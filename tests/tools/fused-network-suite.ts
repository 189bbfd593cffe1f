/** Test suite: what a fused network must do, run against every build of the kernels in Node and in the browser. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NetworkSpec } from '../../src/lib/neural/engine';
import { adamStep } from '../../src/lib/neural/kernels/adam-reference';
import {
	initialWeights,
	outputSteps,
	planNetwork,
	splitWeights,
	type NetworkPlan
} from '../../src/lib/neural/network-spec';
import { randomFrom } from '../../src/lib/neural/random';
import { FusedNetwork } from '../../src/lib/neural/wasm/fused-network';
import type { FusedLoss } from '../../src/lib/neural/wasm/fused-passes';
import type { LstmModule } from '../../src/lib/neural/wasm/module';
import { referenceNetwork, relativeError } from './float64-network';

const tolerance = 1e-5;

const recurrent = (kind: 'lstm' | 'gru', units: number, returnSequences = true) => ({ kind, units, returnSequences });
const dense = (units: number, activation: 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'softplus' = 'linear') => ({
	kind: 'dense' as const,
	units,
	activation
});

export function randomFloats(length: number, seed: number, low = -1, high = 1): Float32Array {
	const next = randomFrom(seed);
	return Float32Array.from({ length }, () => low + (high - low) * next());
}

/** Weights as training starts them, with biases that matter. */
export function randomWeights(plan: NetworkPlan, seed: number): Float32Array {
	const parts = initialWeights(plan, seed).map((values, k) =>
		plan.weights[k]!.start === 'glorot' ? values : randomFloats(values.length, seed + k, -0.5, 0.5)
	);
	const flat = new Float32Array(plan.weightCount);
	let at = 0;
	for (const part of parts) {
		flat.set(part, at);
		at += part.length;
	}
	return flat;
}

const predictor: NetworkSpec = {
	features: 25,
	layers: [recurrent('lstm', 128), recurrent('lstm', 64), recurrent('lstm', 32), dense(25)]
};

interface RandomNet {
	readonly features: number;
	readonly layers: readonly { readonly kind: 'lstm' | 'gru'; readonly units: number }[];
	readonly sequences: boolean;
	readonly outputs: number;
	readonly count: number;
	readonly steps: number;
	readonly seed: number;
}

interface Case {
	readonly name: string;
	readonly spec: NetworkSpec;
	readonly count: number;
	readonly steps: number;
	readonly loss?: FusedLoss;
}

const cases: Case[] = [
	{ name: 'the predictor', spec: predictor, count: 7, steps: 23 },
	{ name: 'one row, one step', spec: predictor, count: 1, steps: 1 },
	{ name: 'one row', spec: predictor, count: 1, steps: 99 },
	{
		name: 'more rows than a group',
		spec: { features: 3, layers: [recurrent('lstm', 5), dense(2)] },
		count: 77,
		steps: 9
	},
	{
		name: 'odd sizes',
		spec: { features: 7, layers: [recurrent('lstm', 13), recurrent('lstm', 9), dense(3, 'tanh')] },
		count: 3,
		steps: 11
	},
	{ name: 'one unit, one feature', spec: { features: 1, layers: [recurrent('lstm', 1)] }, count: 2, steps: 300 },
	{
		name: 'a last step only',
		spec: { features: 4, layers: [recurrent('lstm', 10), recurrent('lstm', 6, false), dense(2)] },
		count: 5,
		steps: 40
	},
	{
		name: 'an LSTM at the end',
		spec: { features: 4, layers: [recurrent('lstm', 10), recurrent('lstm', 6, false)] },
		count: 5,
		steps: 40
	},
	{ name: 'a GRU', spec: { features: 6, layers: [recurrent('gru', 17), dense(4)] }, count: 9, steps: 30 },
	{
		name: 'a GRU on an LSTM',
		spec: { features: 6, layers: [recurrent('lstm', 8), recurrent('gru', 11, false), dense(4, 'relu'), dense(2)] },
		count: 2,
		steps: 30
	},
	{
		name: 'an autoencoder',
		spec: {
			features: 5,
			layers: [
				recurrent('lstm', 12),
				recurrent('lstm', 4, false),
				dense(3, 'tanh'),
				{ kind: 'repeat-vector', steps: 14 },
				recurrent('lstm', 12),
				dense(5)
			]
		},
		count: 8,
		steps: 14
	},
	{ name: 'mae', spec: { features: 3, layers: [recurrent('lstm', 8), dense(3)] }, count: 4, steps: 6, loss: 'mae' },
	{
		name: 'huber',
		spec: { features: 3, layers: [recurrent('lstm', 8), dense(3, 'softplus')] },
		count: 4,
		steps: 6,
		loss: 'huber'
	},
	{
		name: 'a probability',
		spec: { features: 3, layers: [recurrent('gru', 8, false), dense(1, 'sigmoid')] },
		count: 6,
		steps: 6,
		loss: 'binary-crossentropy'
	}
];

function dataOf(plan: NetworkPlan, { count, steps, loss }: Case) {
	const outSteps = plan.sequenceOut ? outputSteps(plan, steps) : 1;
	const probability = loss === 'binary-crossentropy';
	const size = count * outSteps * plan.outputWidth;
	return {
		inputs: randomFloats(count * steps * plan.spec.features, 3, -1.5, 1.5),
		targets: probability ? randomFloats(size, 4, 0, 1).map(Math.round) : randomFloats(size, 4, -2, 2),
		perTarget: outSteps * plan.outputWidth
	};
}

export function describeFusedNetwork(name: string, module: () => LstmModule): void {
	describe(`fused network, ${name}`, () => {
		for (const one of cases) {
			const { spec, count, steps, loss = 'mse' } = one;
			const plan = planNetwork(spec);
			const weights = randomWeights(plan, 11);
			const { inputs, targets, perTarget } = dataOf(plan, one);

			test(`${one.name}: outputs, loss and every gradient equal float64`, () => {
				const network = new FusedNetwork(module(), plan);
				network.weights.set(weights);
				const reference = referenceNetwork(plan, weights, inputs, count, steps);
				expect(relativeError(network.predict(inputs, count, steps), reference.outputs)).toBeLessThan(tolerance);

				const expected = reference.gradient(targets, loss);
				const request = { inputs, targets, steps, from: 0, to: count, loss, scale: 1 / (count * perTarget) };
				expect(relativeError([network.lossOf(request)], [expected.loss])).toBeLessThan(tolerance);
				network.weights.clearGradients();
				expect(relativeError([network.addGradients(request)], [expected.loss])).toBeLessThan(tolerance);
				const found = splitWeights(plan, network.weights.getGradients());
				const wanted = splitWeights(plan, Float32Array.from(expected.gradients));
				plan.weights.forEach((weight, k) => {
					expect(relativeError(found[k]!, wanted[k]!), weight.name).toBeLessThan(tolerance);
				});
			});
		}

		test('random shapes: outputs and every gradient equal float64', () => {
			const layer = fc.record({
				kind: fc.constantFrom('lstm' as const, 'gru' as const),
				units: fc.integer({ min: 1, max: 21 })
			});
			const shape = fc.record({
				features: fc.integer({ min: 1, max: 12 }),
				layers: fc.array(layer, { minLength: 1, maxLength: 3 }),
				sequences: fc.boolean(),
				outputs: fc.integer({ min: 1, max: 10 }),
				count: fc.integer({ min: 1, max: 40 }),
				steps: fc.integer({ min: 1, max: 14 }),
				seed: fc.nat()
			});
			const check = ({ features, layers, sequences, outputs, count, steps, seed }: RandomNet) => {
				const last = layers.length - 1;
				const spec: NetworkSpec = {
					features,
					layers: [
						...layers.map(({ kind, units }, k) => recurrent(kind, units, sequences || k < last)),
						dense(outputs, 'tanh')
					]
				};
				const plan = planNetwork(spec);
				const { inputs, targets, perTarget } = dataOf(plan, { name: '', spec, count, steps });
				const weights = randomWeights(plan, seed);
				const network = new FusedNetwork(module(), plan);
				network.weights.set(weights);
				const reference = referenceNetwork(plan, weights, inputs, count, steps);
				expect(relativeError(network.predict(inputs, count, steps), reference.outputs)).toBeLessThan(tolerance);
				network.weights.clearGradients();
				network.addGradients({
					inputs,
					targets,
					steps,
					from: 0,
					to: count,
					loss: 'mse',
					scale: 1 / (count * perTarget)
				});
				const { gradients } = reference.gradient(targets, 'mse');
				expect(relativeError(network.weights.getGradients(), gradients)).toBeLessThan(tolerance);
			};
			fc.assert(fc.property(shape, check), { seed: 20261123, numRuns: 60 });
		});

		test('weights come back as they were set', () => {
			const plan = planNetwork({ features: 6, layers: [recurrent('lstm', 9), recurrent('gru', 5, false), dense(3)] });
			const weights = randomWeights(plan, 5);
			const network = new FusedNetwork(module(), plan);
			network.weights.set(weights);
			expect(network.weights.get()).toEqual(weights);
		});

		test('rows in any order and in parts add up to the gradient of the whole', () => {
			const plan = planNetwork({ features: 3, layers: [recurrent('lstm', 8), dense(2)] });
			const network = new FusedNetwork(module(), plan);
			network.weights.set(randomWeights(plan, 1));
			const one = { name: '', spec: plan.spec, count: 23, steps: 5 };
			const { inputs, targets } = dataOf(plan, one);
			const request = { inputs, targets, steps: 5, from: 0, to: 23, loss: 'mse' as const, scale: 1 };
			network.weights.clearGradients();
			const loss = network.addGradients(request);
			const whole = network.weights.getGradients();
			network.weights.clearGradients();
			const order = Array.from({ length: 23 }, (_, k) => 22 - k);
			const first = network.addGradients({ ...request, order, to: 7 });
			const second = network.addGradients({ ...request, order, from: 7 });
			expect(first + second).toBeCloseTo(loss, 3);
			expect(relativeError(network.weights.getGradients(), whole)).toBeLessThan(tolerance);
		});

		test('Adam with clipping and decay does what the reference does', () => {
			const plan = planNetwork({ features: 3, layers: [recurrent('gru', 7), recurrent('lstm', 5), dense(2)] });
			const network = new FusedNetwork(module(), plan);
			let expected: Float32Array[] = splitWeights(plan, randomWeights(plan, 1));
			network.weights.set(randomWeights(plan, 1));
			network.weights.setMoments(undefined);
			const one = { name: '', spec: plan.spec, count: 6, steps: 5 };
			const { inputs, targets } = dataOf(plan, one);
			let m: Float32Array[] = expected.map((part) => new Float32Array(part.length));
			let v: Float32Array[] = expected.map((part) => new Float32Array(part.length));
			for (let step = 1; step <= 4; step++) {
				network.weights.clearGradients();
				network.addGradients({ inputs, targets, steps: 5, from: 0, to: 6, loss: 'mse', scale: 0.1 });
				const gradients = splitWeights(plan, network.weights.getGradients());
				const attrs = {
					learningRate: 0.01,
					beta1: 0.9,
					beta2: 0.999,
					epsilon: 1e-7,
					weightDecay: 0.02,
					clipNorm: 0.5,
					step
				};
				const reference = adamStep(expected, gradients, m, v, {
					...attrs,
					count: expected.length,
					decays: plan.weights.map((weight) => weight.decays)
				});
				expect(relativeError([network.weights.applyAdam(attrs)], [reference.norm])).toBeLessThan(tolerance);
				({ m, v } = reference);
				expected = reference.weights;
			}
			const flat = Float32Array.from(expected.flatMap((part) => [...part]));
			expect(relativeError(network.weights.get(), flat)).toBeLessThan(tolerance);
			const moments = network.weights.getMoments();
			expect(
				relativeError(
					moments.m,
					m.flatMap((part) => [...part])
				)
			).toBeLessThan(tolerance);
		});

		test('a stream equals the windowed result, lane by lane, whatever the order of lanes', () => {
			const spec = { features: 4, layers: [recurrent('lstm', 12), recurrent('gru', 6), dense(3)] };
			const plan = planNetwork(spec);
			const network = new FusedNetwork(module(), plan);
			network.weights.set(randomWeights(plan, 8));
			const [lanes, steps] = [41, 10];
			const inputs = randomFloats(lanes * steps * 4, 2);
			const windowed = network.predict(inputs, lanes, steps);
			const stream = network.openStream(lanes);
			for (let step = 0; step < steps; step++) {
				const named = Array.from({ length: lanes }, (_, k) => (k * 7 + step) % lanes);
				const rows = new Float32Array(lanes * 4);
				named.forEach((lane, k) =>
					rows.set(inputs.subarray((lane * steps + step) * 4, (lane * steps + step + 1) * 4), k * 4)
				);
				const outputs = stream.step(rows, named);
				named.forEach((lane, k) => {
					const expected = windowed.subarray((lane * steps + step) * 3, (lane * steps + step + 1) * 3);
					expect(relativeError(outputs.subarray(k * 3, k * 3 + 3), expected)).toBeLessThan(tolerance);
				});
				// Work in between must not disturb the lanes' states.
				if (step === 4) network.predict(inputs, 3, steps);
			}
			stream.dispose();
		});

		test('the state of a lane can be saved, restored into another, and reset', () => {
			const plan = planNetwork({ features: 2, layers: [recurrent('lstm', 9), recurrent('gru', 3)] });
			const network = new FusedNetwork(module(), plan);
			network.weights.set(randomWeights(plan, 8));
			const stream = network.openStream(3);
			const fresh = stream.step(randomFloats(2, 1), [0]);
			stream.restoreState(2, stream.saveState(0));
			const next = stream.step(randomFloats(4, 2).fill(0.3), [0, 2]);
			expect(next.subarray(0, 3)).toEqual(next.subarray(3, 6));
			stream.reset(0);
			expect(stream.step(randomFloats(2, 1), [0])).toEqual(fresh);
		});

		test('a stream refuses lanes that it does not have, the same lane twice, and rows of the wrong width', () => {
			const plan = planNetwork({ features: 2, layers: [recurrent('lstm', 3)] });
			const stream = new FusedNetwork(module(), plan).openStream(2);
			expect(() => stream.step(new Float32Array(2), [2])).toThrow(/lane/);
			expect(() => stream.step(new Float32Array(4), [1, 1])).toThrow(/twice/);
			expect(() => stream.step(new Float32Array(3), [0, 1])).toThrow(/expected 4/);
		});
	});
}
