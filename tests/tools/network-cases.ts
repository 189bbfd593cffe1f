/**
 * Test tool: whole networks over shapes that exercise tails, views and both kinds of cell, and how far an executor's outputs,
 * losses and gradients are from float64. Used by the browser tests and, on a real graphics adapter, by `npm run bench:engine`.
 */
import type { NetworkSpec } from '../../src/lib/neural/engine';
import type { Executor, LossName } from '../../src/lib/neural/executor';
import { outputSteps, planNetwork, splitWeights } from '../../src/lib/neural/network-spec';
import { randomFrom } from '../../src/lib/neural/random';
import { referenceNetwork, relativeError } from './float64-network';

export interface NetworkCase {
	readonly name: string;
	readonly spec: NetworkSpec;
	readonly rows: number;
	readonly steps: number;
	readonly loss?: LossName;
}

const recurrent =
	(kind: 'lstm' | 'gru') =>
	(units: number, returnSequences = true, more: object = {}) =>
		({ kind, units, returnSequences, ...more }) as const;
export const lstm = recurrent('lstm');
export const gru = recurrent('gru');
export const dense = (units: number, activation: 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'softplus' = 'linear') =>
	({ kind: 'dense', units, activation }) as const;

export function randomFloats(length: number, seed: number, size = 1): Float32Array {
	const next = randomFrom(seed);
	return Float32Array.from({ length }, () => size * (2 * next() - 1));
}

/** Two widths, padded to 16 and 12. Compiling a scan takes an emulated adapter most of a second, so the others keep to 16. */
const odd: NetworkSpec = { features: 7, layers: [lstm(13), lstm(9), dense(3, 'tanh')] };
const oddGru: NetworkSpec = { features: 7, layers: [gru(13), gru(9), dense(3, 'tanh')] };
/** Odd sizes that are padded to one width: a scan for each number of rows that share a workgroup. */
export const oneWidth: NetworkSpec = { features: 7, layers: [lstm(13), lstm(15), dense(3, 'tanh')] };

export const networkCases: readonly NetworkCase[] = [
	{ name: 'odd sizes', spec: odd, rows: 3, steps: 11 },
	{ name: 'one row', spec: oneWidth, rows: 1, steps: 6 },
	{ name: 'one row, one step', spec: oneWidth, rows: 1, steps: 1, loss: 'mae' },
	{ name: 'more rows than a tile', spec: oneWidth, rows: 70, steps: 3 },
	{
		name: 'a last step only',
		spec: { features: 25, layers: [lstm(16), lstm(13, false), dense(25)] },
		rows: 5,
		steps: 8
	},
	{ name: 'an LSTM at the end', spec: { features: 4, layers: [lstm(14), lstm(13, false)] }, rows: 6, steps: 5 },
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
			layers: [lstm(13), lstm(16, false), dense(3, 'relu'), { kind: 'repeat-vector', steps: 6 }, lstm(15), dense(5)]
		},
		rows: 6,
		steps: 7,
		loss: 'huber'
	},
	{
		name: 'a probability',
		spec: { features: 3, layers: [lstm(14, false), dense(6, 'softplus'), dense(1, 'sigmoid')] },
		rows: 6,
		steps: 6,
		loss: 'binary-crossentropy'
	},
	{ name: 'GRU, odd sizes', spec: oddGru, rows: 3, steps: 11 },
	{
		name: 'GRU, one row, one step',
		spec: { features: 7, layers: [gru(13), gru(15), dense(3, 'tanh')] },
		rows: 1,
		steps: 1
	},
	{
		name: 'GRU, a last step only, both kinds',
		spec: { features: 5, layers: [gru(16), lstm(14), gru(13, false), dense(4)] },
		rows: 5,
		steps: 8
	},
	{
		name: 'GRU, an autoencoder',
		spec: {
			features: 5,
			layers: [gru(13), gru(16, false), { kind: 'repeat-vector', steps: 6 }, gru(15), dense(5)]
		},
		rows: 6,
		steps: 7
	}
];

/** Where a device has many invocations, they share units and rows: shapes at which that division changes. */
export const dividedCases: readonly NetworkCase[] = [
	{ name: 'an odd size', spec: { features: 7, layers: [lstm(13), dense(3, 'tanh')] }, rows: 3, steps: 6 },
	{
		name: 'two rows share a workgroup',
		spec: { features: 7, layers: [lstm(9), dense(3, 'tanh')] },
		rows: 513,
		steps: 2
	},
	{
		name: 'two rows of a wide layer',
		spec: { features: 3, layers: [lstm(68), gru(68), dense(2)] },
		rows: 257,
		steps: 2
	},
	{ name: 'four rows of a wide layer', spec: { features: 3, layers: [lstm(68), dense(2)] }, rows: 1025, steps: 2 },
	{ name: 'four invocations share a unit', spec: { features: 3, layers: [lstm(128)] }, rows: 3, steps: 3 },
	{ name: 'parts of uneven length', spec: { features: 3, layers: [lstm(52), gru(36), dense(2)] }, rows: 2, steps: 4 },
	{
		name: 'more units than invocations',
		spec: { features: 3, layers: [lstm(300, false), dense(2)] },
		rows: 2,
		steps: 3
	},
	{ name: 'a wide GRU', spec: { features: 3, layers: [gru(300, false), dense(2)] }, rows: 2, steps: 3 }
];

/** The reference runs forward in time: a layer that goes backwards sees the windows turned round. */
function turned(inputs: Float32Array, rows: number, steps: number): Float32Array {
	const width = inputs.length / rows / steps;
	return Float32Array.from(inputs, (_, k) => {
		const [row, step, column] = [Math.floor(k / width / steps), Math.floor(k / width) % steps, k % width];
		return inputs[(row * steps + steps - 1 - step) * width + column]!;
	});
}

/** Relative errors against float64: of the outputs, the loss (evaluated, trained) and the gradient of every weight by name. */
export async function errorsOf(executor: Executor, { spec, rows, steps, loss = 'mse' }: Omit<NetworkCase, 'name'>) {
	const plan = planNetwork(spec);
	const weights = randomFloats(plan.weightCount, 5, 0.3);
	const inputs = randomFloats(rows * steps * spec.features, 3, 1.5);
	const count = rows * (plan.sequenceOut ? outputSteps(plan, steps) : 1) * plan.outputWidth;
	const targets = randomFloats(count, 4, 2).map((t) => (loss === 'binary-crossentropy' ? Number(t > 0) : t));
	const first = spec.layers[0]!;
	const backwards = 'goBackwards' in first && first.goBackwards;
	const reference = referenceNetwork(plan, weights, backwards ? turned(inputs, rows, steps) : inputs, rows, steps);
	const expected = reference.gradient(targets, loss);
	const lossError = (found: number) => Math.abs(found / rows - expected.loss) / expected.loss;

	executor.setWeights(weights);
	const errors: Record<string, number> = {};
	errors.weights = relativeError(await executor.readWeights(), weights);
	errors.output = relativeError(await executor.score(inputs, rows, steps), reference.outputs);
	const chunk = { inputs, targets, rows, steps };
	errors['loss evaluated'] = lossError(await executor.evaluate(chunk, loss));
	executor.startTraining();
	executor.accumulate(chunk, { loss, batchRows: rows, firstRow: 0, seed: 1 });
	errors['loss trained'] = lossError(await executor.takeLoss());
	const found = splitWeights(plan, await executor.readGradient());
	const wanted = splitWeights(plan, Float32Array.from(expected.gradients));
	plan.weights.forEach(({ name }, k) => (errors[name] = relativeError(found[k]!, wanted[k]!)));
	return errors;
}
