/**
 * Dense layer on rows: out = activation(in . W + b), and its backward pass. Weights in panels of 8 columns, [panel][1 + inputs][8],
 * the first row of a panel being the bias.
 */
import { addColumnSums, backwardRows, forwardRows, weightGradientRows } from './rows';
import { sigmoid, tanh } from './simd';

/** Fields are 32-bit; pointers and strides in bytes. */
@unmanaged
export class Dense {
	inputs: i32 = 0;
	panels: i32 = 0;
	units: i32 = 0;
	/** 0 linear, 1 relu, 2 tanh, 3 sigmoid, 4 softplus. */
	activation: i32 = 0;
	inputStride: usize = 0;
	outputStride: usize = 0;
	weights: usize = 0;
	/** [ceil(inputs / 8)][panels * 8][8] */
	weightsTransposed: usize = 0;
	gradients: usize = 0;
	/** [rows][inputStride] */
	input: usize = 0;
	/** [rows][outputStride] */
	output: usize = 0;
	/** [panels][rows][8] */
	grads: usize = 0;
	gradBlockStride: usize = 0;
	/** [rows][outputStride] */
	outputGradient: usize = 0;
	/** [rows][inputStride], or null when not wanted. */
	inputGradient: usize = 0;
}

/** Rows [from, to) of the layer's input. */
export function denseForward(at: usize, from: i32, to: i32): void {
	const layer = changetype<Dense>(at);
	const panelBytes = <usize>(1 + layer.inputs) * 32;
	const input = layer.input + <usize>from * layer.inputStride;
	const output = layer.output + <usize>from * layer.outputStride;
	for (let panel = 0; panel < layer.panels; panel++) {
		const weights = layer.weights + <usize>panel * panelBytes;
		forwardRows(
			to - from, input, layer.inputStride, layer.inputs, 0, 0, 0, weights + 32, weights, 0,
			output + <usize>panel * 32, layer.outputStride
		);
	}
	if (layer.activation) activate(layer, output, to - from);
}

function activate(layer: Dense, output: usize, rows: i32): void {
	const zero = f32x4.splat(0);
	for (let row = 0; row < rows; row++) {
		for (let column: usize = 0; column < <usize>layer.panels * 32; column += 16) {
			const at = output + column;
			const x = v128.load(at);
			if (layer.activation == 1) v128.store(at, f32x4.max(x, zero));
			else if (layer.activation == 2) v128.store(at, tanh(x));
			else if (layer.activation == 3) v128.store(at, sigmoid(x));
			else for (let lane: usize = 0; lane < 16; lane += 4) store<f32>(at + lane, softplus(load<f32>(at + lane)));
		}
		output += layer.outputStride;
	}
}

function softplus(x: f32): f32 {
	return max<f32>(x, 0) + <f32>Math.log1p(Math.exp(-abs<f64>(x)));
}

/** Rows [from, to): adds weight gradients; writes the input gradient (indexed from 0) where wanted. */
export function denseBackward(at: usize, from: i32, to: i32): void {
	const layer = changetype<Dense>(at);
	const rows = to - from;
	const one = f32x4.splat(1);
	const zero = f32x4.splat(0);
	for (let panel = 0; panel < layer.panels; panel++) {
		let gradient = layer.outputGradient + <usize>panel * 32;
		let output = layer.output + <usize>from * layer.outputStride + <usize>panel * 32;
		let out = layer.grads + <usize>panel * layer.gradBlockStride;
		for (let row = 0; row < rows; row++) {
			for (let half: usize = 0; half < 32; half += 16) {
				let d = v128.load(gradient + half);
				const y = v128.load(output + half);
				if (layer.activation == 1) d = v128.bitselect(d, zero, f32x4.gt(y, zero));
				else if (layer.activation == 2) d = f32x4.mul(d, f32x4.sub(one, f32x4.mul(y, y)));
				else if (layer.activation == 3) d = f32x4.mul(d, f32x4.mul(y, f32x4.sub(one, y)));
				v128.store(out + half, d);
				if (layer.activation == 4) {
					// softplus' = 1 - exp(-softplus)
					for (let lane: usize = half; lane < half + 16; lane += 4) {
						store<f32>(out + lane, load<f32>(out + lane) * <f32>-Math.expm1(-(<f64>load<f32>(output + lane))));
					}
				}
			}
			gradient += layer.outputStride;
			output += layer.outputStride;
			out += 32;
		}
	}
	const input = layer.input + <usize>from * layer.inputStride;
	const panelBytes = <usize>(1 + layer.inputs) * 32;
	for (let panel = 0; panel < layer.panels; panel++) {
		const grads = layer.grads + <usize>panel * layer.gradBlockStride;
		const out = layer.gradients + <usize>panel * panelBytes;
		addColumnSums(rows, grads, out);
		weightGradientRows(layer.inputs, rows, input, layer.inputStride, grads, out + 32);
	}
	if (!layer.inputGradient) return;
	memory.fill(layer.inputGradient, 0, <usize>rows * layer.inputStride);
	for (let panel = 0; panel < (layer.inputs + 7) >> 3; panel++) {
		backwardRows(
			rows, layer.grads, layer.gradBlockStride, layer.panels,
			layer.weightsTransposed + <usize>panel * <usize>layer.panels * 256,
			layer.inputGradient + <usize>panel * 32, layer.inputStride
		);
	}
}
