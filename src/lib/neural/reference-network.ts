/**
 * Neural: a whole network forward and backward in float64, layer by layer from the plain reference loops, without a backend: what
 * explanations are computed with, and what the fused kernels are held against. In: a plan, weights, windows. Out: outputs, gradients.
 */
import { MillwrightError } from '../contracts/error';
import type { LayerSpec } from './engine';
import { gruBackward, gruForward } from './kernels/gru-reference';
import { lstmBackward, lstmForward, type Floats } from './kernels/lstm-reference';
import { sizeOf, type NetworkPlan } from './network-spec';

type Dense = Extract<LayerSpec, { kind: 'dense' }>;

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

/**
 * Runs [count, steps, features] through the network; weights in Keras order, concatenated. No dropout, no sampling.
 * Throws `unsupported` for a layer that the reference does not have.
 */
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
		else throw new MillwrightError('unsupported', `The reference has no layer ${spec.kind}`);
		x = pass.y;
		length = pass.steps;
		return pass;
	});
	return {
		outputs: x,
		/** From the gradient by the outputs to the gradients by the inputs and by every weight, in their order. */
		backward(outputGradient: Floats): { readonly inputs: Floats; readonly weights: readonly Floats[] } {
			let dy = outputGradient;
			const parts: Floats[][] = [];
			for (const pass of passed.toReversed()) {
				const back = pass.backward(dy);
				parts.unshift(back.weights);
				dy = back.dx;
			}
			return { inputs: dy, weights: parts.flat() };
		}
	};
}
