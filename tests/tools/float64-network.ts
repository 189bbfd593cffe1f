/**
 * Test tool: a whole network forward and its gradient in float64, layer by layer from the plain reference loops, to hold the
 * fused kernels against. In: a plan, weights, windows and targets. Out: outputs, loss, gradients in Keras order.
 */
import type { LayerSpec } from '../../src/lib/neural/engine';
import { gruBackward, gruForward } from '../../src/lib/neural/kernels/gru-reference';
import { lstmBackward, lstmForward, type Floats } from '../../src/lib/neural/kernels/lstm-reference';
import { sizeOf, type NetworkPlan } from '../../src/lib/neural/network-spec';

type Dense = Extract<LayerSpec, { kind: 'dense' }>;
export type ReferenceLoss = 'mse' | 'mae' | 'huber' | 'binary-crossentropy';

const make = (length: number) => new Float64Array(length);

interface Passed {
	readonly y: Floats;
	readonly steps: number;
	backward(dy: Floats): { dx: Floats; weights: Floats[] };
}

function activate(kind: Dense['activation'], z: number): [y: number, slope: number] {
	if (kind === 'relu') return z > 0 ? [z, 1] : [0, 0];
	if (kind === 'tanh') return [Math.tanh(z), 1 - Math.tanh(z) ** 2];
	const s = 1 / (1 + Math.exp(-z));
	if (kind === 'sigmoid') return [s, s * (1 - s)];
	if (kind === 'softplus') return [Math.log1p(Math.exp(z)), s];
	return [z, 1];
}

function passDense(spec: Dense, x: Floats, inputs: number, kernel: Floats, bias: Floats, steps: number): Passed {
	const { units } = spec;
	const rows = x.length / inputs;
	const y = make(rows * units);
	const slope = make(rows * units);
	for (let row = 0; row < rows; row++)
		for (let j = 0; j < units; j++) {
			let z = bias[j]!;
			for (let k = 0; k < inputs; k++) z += x[row * inputs + k]! * kernel[k * units + j]!;
			[y[row * units + j], slope[row * units + j]] = activate(spec.activation, z) as [number, number];
		}
	return {
		y,
		steps,
		backward(dy) {
			const dx = make(x.length);
			const dKernel = make(kernel.length);
			const dBias = make(units);
			for (let row = 0; row < rows; row++)
				for (let j = 0; j < units; j++) {
					const dz = dy[row * units + j]! * slope[row * units + j]!;
					dBias[j]! += dz;
					for (let k = 0; k < inputs; k++) {
						dKernel[k * units + j]! += dz * x[row * inputs + k]!;
						dx[row * inputs + k]! += dz * kernel[k * units + j]!;
					}
				}
			return { dx, weights: [dKernel, dBias] };
		}
	};
}

function passRecurrent(
	spec: Extract<LayerSpec, { kind: 'lstm' | 'gru' }>,
	x: Floats,
	features: number,
	weights: Floats[],
	batch: number,
	steps: number
): Passed {
	const { units, returnSequences } = spec;
	const sizes = { batch, steps, features, units };
	const [kernel, recurrentKernel, bias] = weights as [Floats, Floats, Floats];
	const zeros = make(batch * units);
	const inputs = { x, kernel, recurrentKernel, bias, h0: zeros, c0: zeros };
	const forward = { saveForGradient: true, goBackwards: false };
	const backward = { goBackwards: false, needInputGradient: true, lastOnly: !returnSequences };
	const lstm = spec.kind === 'lstm' ? lstmForward(inputs, sizes, forward, make) : undefined;
	const gru = lstm ? undefined : gruForward(inputs, sizes, forward, make);
	const hSeq = (lstm ?? gru)!.hSeq;
	let y = hSeq;
	if (!returnSequences) {
		y = make(batch * units);
		for (let row = 0; row < batch; row++)
			(y as Float64Array).set(hSeq.subarray(((row + 1) * steps - 1) * units, (row + 1) * steps * units), row * units);
	}
	return {
		y,
		steps: returnSequences ? steps : 1,
		backward(dy) {
			if (lstm) {
				const grads = lstmBackward({ ...inputs, ...lstm, dhSeq: dy }, sizes, backward, make);
				return { dx: grads.dx, weights: [grads.dKernel, grads.dRecurrentKernel, grads.dBias] };
			}
			const [dx, ...grads] = gruBackward({ ...inputs, ...gru!, dhSeq: dy }, sizes, backward, make);
			return { dx, weights: grads.slice(0, 3) };
		}
	};
}

function passRepeat(x: Floats, width: number, steps: number): Passed {
	const rows = x.length / width;
	const y = make(rows * steps * width);
	for (let row = 0; row < rows; row++)
		for (let step = 0; step < steps; step++)
			y.set(x.subarray(row * width, (row + 1) * width), (row * steps + step) * width);
	return {
		y,
		steps,
		backward(dy) {
			const dx = make(x.length);
			for (let row = 0; row < rows; row++)
				for (let step = 0; step < steps; step++)
					for (let k = 0; k < width; k++) dx[row * width + k]! += dy[(row * steps + step) * width + k]!;
			return { dx, weights: [] };
		}
	};
}

function lossOf(kind: ReferenceLoss, y: number, t: number): [value: number, slope: number] {
	const d = y - t;
	if (kind === 'mse') return [d * d, 2 * d];
	if (kind === 'mae') return [Math.abs(d), Math.sign(d)];
	if (kind === 'huber') return Math.abs(d) <= 1 ? [0.5 * d * d, d] : [Math.abs(d) - 0.5, Math.sign(d)];
	return [-(t * Math.log(y) + (1 - t) * Math.log(1 - y)), (y - t) / (y * (1 - y))];
}

/** Mean loss over all elements of the targets. Weights in Keras order, concatenated. */
export function referenceNetwork(plan: NetworkPlan, weights: Floats, inputs: Floats, count: number, steps: number) {
	let at = 0;
	const own = plan.weights.map(({ shape }) => Float64Array.from(weights.subarray(at, (at += sizeOf(shape)))));
	let x: Floats = Float64Array.from(inputs);
	let length = steps;
	const passed = plan.layers.map((layer) => {
		const mine = own.slice(layer.firstWeight, layer.firstWeight + layer.weights.length);
		const { spec, inputWidth } = layer;
		let pass: Passed;
		if (spec.kind === 'dense') pass = passDense(spec, x, inputWidth, mine[0]!, mine[1]!, length);
		else if (spec.kind === 'repeat-vector') pass = passRepeat(x, inputWidth, spec.steps);
		else if (spec.kind === 'lstm' || spec.kind === 'gru')
			pass = passRecurrent(spec, x, inputWidth, mine, count, length);
		else throw new Error(`The reference has no layer ${spec.kind}`);
		x = pass.y;
		length = pass.steps;
		return pass;
	});
	return {
		outputs: x,
		gradient(targets: ArrayLike<number>, loss: ReferenceLoss): { loss: number; gradients: Floats } {
			let total = 0;
			let dy: Floats = make(x.length);
			for (let k = 0; k < x.length; k++) {
				const [value, slope] = lossOf(loss, x[k]!, targets[k]!);
				total += value / x.length;
				dy[k] = slope / x.length;
			}
			const parts: Floats[][] = [];
			for (const pass of passed.toReversed()) {
				const back = pass.backward(dy);
				parts.unshift(back.weights);
				dy = back.dx;
			}
			const flat = parts.flat();
			const gradients = make(flat.reduce((sum, part) => sum + part.length, 0));
			let to = 0;
			for (const part of flat) {
				gradients.set(part, to);
				to += part.length;
			}
			return { loss: total, gradients };
		}
	};
}

/** Largest difference as a share of the largest expected value. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
	if (found.length !== expected.length) return Infinity;
	let worst = 0;
	let scale = 1e-12;
	for (let k = 0; k < expected.length; k++) {
		const difference = Math.abs(found[k]! - expected[k]!);
		if (!(difference <= worst)) worst = difference;
		scale = Math.max(scale, Math.abs(expected[k]!));
	}
	return worst / scale;
}
