/**
 * Neural: what a network specification means. In: a NetworkSpec. Out: its weights in Keras order with their shapes and how
 * they start, the shape of what comes out, and what it costs. Rejects specifications that make no sense, naming the layer.
 */
import { MillwrightError } from '../contracts/error';
import type { LayerSpec, NetworkSpec } from './engine';
import { randomFrom, seedOf } from './random';

export interface WeightPlan {
	readonly name: string;
	readonly shape: readonly number[];
	/** glorot: uniform in +-sqrt(6 / (fanIn + fanOut)); forget: zeros, ones for the forget gate (Keras `unit_forget_bias`). */
	readonly start: 'glorot' | 'zeros' | 'forget';
	/** Weight decay applies: not to biases. */
	readonly decays: boolean;
}

export interface LayerPlan {
	readonly spec: LayerSpec;
	/** Unique name, e.g. "lstm_1". */
	readonly name: string;
	readonly inputWidth: number;
	readonly outputWidth: number;
	readonly sequenceIn: boolean;
	readonly sequenceOut: boolean;
	readonly weights: readonly WeightPlan[];
	/** Where this layer's weights start in the list of all. */
	readonly firstWeight: number;
}

export interface NetworkPlan {
	readonly spec: NetworkSpec;
	readonly layers: readonly LayerPlan[];
	readonly weights: readonly WeightPlan[];
	readonly weightCount: number;
	readonly outputWidth: number;
	readonly sequenceOut: boolean;
}

export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Throws `invalid-model` naming the layer, what was expected and what was found. */
export function planNetwork(spec: NetworkSpec): NetworkPlan {
	requireCount(spec.features, 'the network', 'features');
	if (!Array.isArray(spec.layers) || spec.layers.length === 0)
		throw new MillwrightError('invalid-model', 'A network needs at least one layer.', { found: spec.layers });
	const layers: LayerPlan[] = [];
	const counts = new Map<string, number>();
	let width = spec.features;
	let sequence = true;
	let firstWeight = 0;
	for (const layer of spec.layers) {
		const number = counts.get(layer.kind) ?? 0;
		counts.set(layer.kind, number + 1);
		const name = `${layer.kind.replaceAll('-', '_')}${number === 0 ? '' : `_${number}`}`;
		const plan = planLayer(layer, name, width, sequence, firstWeight);
		layers.push(plan);
		width = plan.outputWidth;
		sequence = plan.sequenceOut;
		firstWeight += plan.weights.length;
	}
	const weights = layers.flatMap((layer) => layer.weights);
	const weightCount = weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0);
	return { spec, layers, weights, weightCount, outputWidth: width, sequenceOut: sequence };
}

function planLayer(
	spec: LayerSpec,
	name: string,
	inputWidth: number,
	sequenceIn: boolean,
	firstWeight: number
): LayerPlan {
	const base = { spec, name, inputWidth, sequenceIn, firstWeight };
	const weight = (suffix: string, shape: number[], start: WeightPlan['start']): WeightPlan => ({
		name: `${name}/${suffix}`,
		shape,
		start,
		decays: start === 'glorot'
	});
	switch (spec.kind) {
		case 'lstm':
		case 'gru': {
			requireCount(spec.units, name, 'units');
			requireRate(spec.dropout, name, 'dropout');
			requireRate(spec.recurrentDropout, name, 'recurrentDropout');
			if (!sequenceIn) throw wrong(name, 'input [batch, steps, features]', 'input [batch, features]');
			const gates = spec.kind === 'lstm' ? 4 : 3;
			const one = (prefix: string) => [
				weight(`${prefix}kernel`, [inputWidth, gates * spec.units], 'glorot'),
				weight(`${prefix}recurrent_kernel`, [spec.units, gates * spec.units], 'glorot'),
				spec.kind === 'lstm'
					? weight(`${prefix}bias`, [4 * spec.units], 'forget')
					: weight(`${prefix}bias`, [2, 3 * spec.units], 'zeros')
			];
			return {
				...base,
				outputWidth: spec.units * (spec.bidirectional ? 2 : 1),
				sequenceOut: spec.returnSequences,
				weights: spec.bidirectional ? [...one('forward_'), ...one('backward_')] : one('')
			};
		}
		case 'dense':
			requireCount(spec.units, name, 'units');
			return {
				...base,
				outputWidth: spec.units,
				sequenceOut: sequenceIn,
				weights: [weight('kernel', [inputWidth, spec.units], 'glorot'), weight('bias', [spec.units], 'zeros')]
			};
		case 'gaussian-sampling':
			requireCount(spec.units, name, 'units');
			if (!(spec.klWeight >= 0)) throw wrong(name, 'klWeight of 0 or more', spec.klWeight);
			return {
				...base,
				outputWidth: spec.units,
				sequenceOut: sequenceIn,
				weights: [
					weight('mean_kernel', [inputWidth, spec.units], 'glorot'),
					weight('mean_bias', [spec.units], 'zeros'),
					weight('log_variance_kernel', [inputWidth, spec.units], 'glorot'),
					weight('log_variance_bias', [spec.units], 'zeros')
				]
			};
		case 'repeat-vector':
			requireCount(spec.steps, name, 'steps');
			if (sequenceIn) throw wrong(name, 'input [batch, features]', 'input [batch, steps, features]');
			return { ...base, outputWidth: inputWidth, sequenceOut: true, weights: [] };
		case 'dropout':
			requireRate(spec.rate, name, 'rate');
			return { ...base, outputWidth: inputWidth, sequenceOut: sequenceIn, weights: [] };
		default:
			throw wrong(name, 'a known kind of layer', (spec as { kind: unknown }).kind);
	}
}

/** Initial weights, one array per weight, from the seed alone. */
export function initialWeights(plan: NetworkPlan, seed: number): Float32Array[] {
	return plan.weights.map((weight, index) => {
		const values = new Float32Array(sizeOf(weight.shape));
		if (weight.start === 'glorot') {
			const limit = Math.sqrt(6 / (weight.shape[0]! + weight.shape[1]!));
			const uniform = randomFrom(seedOf(seed, 1, index));
			for (let k = 0; k < values.length; k++) values[k] = (2 * uniform() - 1) * limit;
		} else if (weight.start === 'forget') values.fill(1, values.length / 4, values.length / 2);
		return values;
	});
}

/** Floating-point operations of one window forward; training costs about three times that. */
export function forwardFlops(plan: NetworkPlan, steps: number): number {
	let flops = 0;
	let length = steps;
	for (const layer of plan.layers) {
		if (layer.spec.kind === 'repeat-vector') length = layer.spec.steps;
		for (const weight of layer.weights) if (weight.shape.length > 1) flops += 2 * length * sizeOf(weight.shape);
		if (!layer.sequenceOut) length = 1;
	}
	return flops;
}

/** Steps that come out for `steps` that go in; 1 when the network returns one row. */
export function outputSteps(plan: NetworkPlan, steps: number): number {
	let length = steps;
	for (const layer of plan.layers) {
		if (layer.spec.kind === 'repeat-vector') length = layer.spec.steps;
		else if (!layer.sequenceOut) length = 1;
	}
	return length;
}

/** Splits all weights into one view per weight. Throws `invalid-model` when the length is not that of the network. */
export function splitWeights(plan: NetworkPlan, flat: Float32Array): Float32Array[] {
	if (flat.length !== plan.weightCount)
		throw new MillwrightError(
			'invalid-model',
			`These weights belong to another network: expected ${plan.weightCount} numbers, found ${flat.length}.`,
			{
				expected: plan.weightCount,
				found: flat.length,
				weights: plan.weights.map(({ name, shape }) => ({ name, shape }))
			}
		);
	let at = 0;
	return plan.weights.map((weight) => {
		const values = flat.subarray(at, (at += sizeOf(weight.shape)));
		const bad = values.findIndex((value) => !Number.isFinite(value));
		if (bad >= 0)
			throw new MillwrightError(
				'invalid-model',
				`Weight ${weight.name} [${weight.shape.join(', ')}] is not finite at element ${bad}: found ${values[bad]}.`,
				{ layer: weight.name, element: bad, expected: 'a finite number', found: String(values[bad]) }
			);
		return values;
	});
}

/** All numbers, one weight after the other. */
export function joinWeights(parts: readonly Float32Array[]): Float32Array {
	const flat = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		flat.set(part, at);
		at += part.length;
	}
	return flat;
}

function wrong(layer: string, expected: string, found: unknown): MillwrightError {
	return new MillwrightError('invalid-model', `Layer ${layer}: expected ${expected}, found ${String(found)}.`, {
		layer,
		expected,
		found
	});
}

function requireCount(value: number, layer: string, what: string): void {
	if (!Number.isInteger(value) || value < 1) throw wrong(layer, `${what} of 1 or more`, value);
}

function requireRate(value: number | undefined, layer: string, what: string): void {
	if (value !== undefined && !(value >= 0 && value < 1)) throw wrong(layer, `${what} of 0 up to 1`, value);
}
