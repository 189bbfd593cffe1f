/**
 * Neural: forward and backward of each kind of layer, written out rather than taped: a sequence network is a chain, so its
 * gradient needs no graph, and a training step is a few dozen kernels instead of thousands.
 * In: the layer's input and weights as tensors. Out: its output and a function from the output's gradient to the others'.
 * Every function here is called inside `tidy`: what it leaves behind is given back by the caller's tidy.
 */
import {
	abs,
	add,
	cast,
	clipByValue,
	concat,
	exp,
	fused,
	greater,
	matMul,
	mul,
	relu,
	reshape,
	reverse,
	scalar,
	sigmoid,
	slice,
	softplus,
	square,
	sub,
	sum,
	tanh,
	tensor,
	tile,
	zeros,
	type Tensor,
	type Tensor2D,
	type Tensor3D
} from '@tensorflow/tfjs-core';
import { runFusedGru, runFusedGruGrad } from './kernels/gru-kernel';
import { runFusedLstm, runFusedLstmGrad } from './kernels/lstm-kernel';
import type { LayerPlan } from './network-spec';
import { normalFrom, randomFrom, seedOf } from './random';

export interface Pass {
	/** Keep what the gradient needs, drop out and sample. */
	readonly training: boolean;
	/** Names this step's randomness. */
	readonly seed: number;
	/** Number of the first row of this chunk in its batch: a row draws the same however the batch is divided. */
	readonly firstRow: number;
	/** 1 / rows in the batch: factor of the gradient of a loss term that a layer adds per row. */
	readonly rowScale: number;
}

export interface LayerGradients {
	/** Undefined when not asked for. */
	readonly dx: Tensor | undefined;
	/** One per weight of the layer, in order. */
	readonly weights: readonly Tensor[];
}

export interface LayerOutput {
	readonly y: Tensor;
	/** Added to the loss (KL divergence), summed over rows. */
	readonly loss?: Tensor;
	backward(dy: Tensor, needInputGradient: boolean): LayerGradients;
}

/** Runs one layer. `index` is its place in the network: part of what names its randomness. */
export function passLayer(
	layer: LayerPlan,
	index: number,
	x: Tensor,
	weights: readonly Tensor[],
	pass: Pass
): LayerOutput {
	const seed = seedOf(pass.seed, index);
	switch (layer.spec.kind) {
		case 'lstm':
		case 'gru':
			return passRecurrent(layer, x as Tensor3D, weights, pass, seed);
		case 'dense':
			return passDense(layer.spec.activation ?? 'linear', x, weights);
		case 'repeat-vector':
			return passRepeat(layer.spec.steps, x as Tensor2D);
		case 'dropout':
			return passDropout(layer.spec.rate, x, pass, seed);
		case 'gaussian-sampling':
			return passSampling(layer.spec.klWeight, x, weights, pass, seed);
	}
}

function passRecurrent(
	layer: LayerPlan,
	x: Tensor3D,
	weights: readonly Tensor[],
	pass: Pass,
	seed: number
): LayerOutput {
	const spec = layer.spec as Extract<LayerPlan['spec'], { kind: 'lstm' | 'gru' }>;
	const [rows, , features] = x.shape;
	const direction = (part: number, goBackwards: boolean) => {
		const dropped =
			spec.dropout && pass.training ? dropMask([rows, features], spec.dropout, pass, seedOf(seed, part, 1)) : undefined;
		const input = dropped ? mul(x, reshape(dropped, [rows, 1, features])) : x;
		const recurrentMask =
			spec.recurrentDropout && pass.training
				? dropMask([rows, spec.units], spec.recurrentDropout, pass, seedOf(seed, part, 2))
				: undefined;
		const own = weights.slice(part * 3, part * 3 + 3);
		const run = spec.kind === 'lstm' ? runLstm : runGru;
		const out = run(
			input as Tensor3D,
			own,
			spec.units,
			pass.training,
			goBackwards,
			recurrentMask as Tensor2D | undefined
		);
		return {
			hSeq: out.hSeq,
			backward: (dh: Tensor, needInput: boolean, lastOnly: boolean): LayerGradients => {
				const grads = out.backward(dh, needInput, lastOnly);
				if (!dropped || !grads.dx) return grads;
				return { ...grads, dx: mul(grads.dx, reshape(dropped, [rows, 1, features])) };
			}
		};
	};
	if (!spec.bidirectional) {
		const one = direction(0, spec.goBackwards ?? false);
		return {
			y: spec.returnSequences ? one.hSeq : lastStep(one.hSeq),
			backward: (dy, needInput) => one.backward(dy, needInput, !spec.returnSequences)
		};
	}
	const forward = direction(0, spec.goBackwards ?? false);
	const backward = direction(1, !spec.goBackwards);
	const ends = spec.returnSequences
		? [forward.hSeq, reverse(backward.hSeq, 1)]
		: [lastStep(forward.hSeq), lastStep(backward.hSeq)];
	return {
		y: concat(ends as Tensor3D[], -1),
		backward: (dy, needInput) => {
			const half = (part: number) => {
				const begin = dy.shape.map(() => 0);
				begin[begin.length - 1] = part * spec.units;
				return slice(dy, begin, [...dy.shape.slice(0, -1), spec.units]);
			};
			const a = forward.backward(half(0), needInput, !spec.returnSequences);
			const second = spec.returnSequences ? reverse(half(1) as Tensor3D, 1) : half(1);
			const b = backward.backward(second, needInput, !spec.returnSequences);
			return { dx: a.dx && b.dx ? add(a.dx, b.dx) : undefined, weights: [...a.weights, ...b.weights] };
		}
	};
}

interface RecurrentRun {
	hSeq: Tensor3D;
	backward(dh: Tensor, needInputGradient: boolean, lastOnly: boolean): LayerGradients;
}

function runLstm(
	x: Tensor3D,
	weights: readonly Tensor[],
	units: number,
	save: boolean,
	goBackwards: boolean,
	recurrentMask: Tensor2D | undefined
): RecurrentRun {
	const start = zeros([x.shape[0], units]);
	const inputs = {
		x,
		kernel: weights[0]!,
		recurrentKernel: weights[1]!,
		bias: weights[2]!,
		h0: start,
		c0: start,
		...(recurrentMask ? { recurrentMask } : {})
	};
	const { hSeq, gates, cSeq } = runFusedLstm(inputs, { saveForGradient: save, goBackwards });
	return {
		hSeq,
		backward: (dh, needInputGradient, lastOnly) => {
			const grads = runFusedLstmGrad(
				{ ...inputs, dhSeq: dh, hSeq, gates, cSeq },
				{ goBackwards, needInputGradient, lastOnly }
			);
			return {
				dx: needInputGradient ? grads.dx : undefined,
				weights: [grads.dKernel, grads.dRecurrentKernel, grads.dBias]
			};
		}
	};
}

function runGru(
	x: Tensor3D,
	weights: readonly Tensor[],
	units: number,
	save: boolean,
	goBackwards: boolean,
	recurrentMask: Tensor2D | undefined
): RecurrentRun {
	const inputs = {
		x,
		kernel: weights[0]!,
		recurrentKernel: weights[1]!,
		bias: weights[2]!,
		h0: zeros([x.shape[0], units]),
		...(recurrentMask ? { recurrentMask } : {})
	};
	const { hSeq, gates } = runFusedGru(inputs, { saveForGradient: save, goBackwards });
	return {
		hSeq,
		backward: (dh, needInputGradient, lastOnly) => {
			const grads = runFusedGruGrad(
				{ ...inputs, dhSeq: dh, hSeq, gates },
				{ goBackwards, needInputGradient, lastOnly }
			);
			return {
				dx: needInputGradient ? grads.dx : undefined,
				weights: [grads.dKernel, grads.dRecurrentKernel, grads.dBias]
			};
		}
	};
}

/** [B,T,U] -> [B,U], the last step processed. */
function lastStep(hSeq: Tensor3D): Tensor2D {
	const [rows, steps, units] = hSeq.shape;
	return reshape(slice(hSeq, [0, steps - 1, 0], [rows, 1, units]), [rows, units]);
}

/** y = activation(x . kernel + bias), on every step alike when x is [B,T,F] (time-distributed). */
function passDense(activation: string, x: Tensor, weights: readonly Tensor[]): LayerOutput {
	const [kernel, bias] = weights as [Tensor2D, Tensor];
	const flat = reshape(x, [-1, kernel.shape[0]]) as Tensor2D;
	const z = fused.matMul({ a: flat, b: kernel, bias });
	const y = activate(activation, z);
	const outShape = [...x.shape.slice(0, -1), kernel.shape[1]];
	return {
		y: reshape(y, outShape),
		backward: (dy, needInput) => {
			const dz = activationGradient(activation, z, y, reshape(dy, z.shape)) as Tensor2D;
			return {
				dx: needInput ? reshape(matMul(dz, kernel, false, true), x.shape) : undefined,
				weights: [matMul(flat, dz, true, false), sum(dz, 0)]
			};
		}
	};
}

export function activate(activation: string, z: Tensor): Tensor {
	if (activation === 'relu') return relu(z);
	if (activation === 'tanh') return tanh(z);
	if (activation === 'sigmoid') return sigmoid(z);
	if (activation === 'softplus') return softplus(z);
	return z;
}

function activationGradient(activation: string, z: Tensor, y: Tensor, dy: Tensor): Tensor {
	if (activation === 'relu') return mul(dy, cast(greater(z, 0), 'float32'));
	if (activation === 'tanh') return mul(dy, sub(1, square(y)));
	if (activation === 'sigmoid') return mul(dy, mul(y, sub(1, y)));
	if (activation === 'softplus') return mul(dy, sigmoid(z));
	return dy;
}

function passRepeat(steps: number, x: Tensor2D): LayerOutput {
	const [rows, width] = x.shape;
	return {
		y: tile(reshape(x, [rows, 1, width]), [1, steps, 1]),
		backward: (dy) => ({ dx: sum(dy, 1), weights: [] })
	};
}

function passDropout(rate: number, x: Tensor, pass: Pass, seed: number): LayerOutput {
	if (!pass.training || rate === 0) return { y: x, backward: (dy) => ({ dx: dy, weights: [] }) };
	const mask = dropMask(x.shape, rate, pass, seed);
	return { y: mul(x, mask), backward: (dy) => ({ dx: mul(dy, mask), weights: [] }) };
}

/** 0 with probability `rate`, else 1 / (1 - rate); each row from its own number in the batch. */
function dropMask(shape: readonly number[], rate: number, pass: Pass, seed: number): Tensor {
	return rowWise(shape, pass, seed, (rowSeed) => {
		const uniform = randomFrom(rowSeed);
		return () => (uniform() < rate ? 0 : 1 / (1 - rate));
	});
}

function rowWise(shape: readonly number[], pass: Pass, seed: number, draw: (rowSeed: number) => () => number): Tensor {
	const rows = shape[0]!;
	const width = shape.slice(1).reduce((product, size) => product * size, 1);
	const values = new Float32Array(rows * width);
	for (let row = 0; row < rows; row++) {
		const next = draw(seedOf(seed, pass.firstRow + row));
		for (let k = 0; k < width; k++) values[row * width + k] = next();
	}
	return tensor(values, shape as number[]);
}

/**
 * Latent of a variational autoencoder (Kingma & Welling 2014): mean and log variance from two dense layers, a sample
 * mean + exp(logVariance / 2) * noise in training, the mean otherwise. Adds klWeight * KL(N(mean, variance) || N(0, 1)),
 * summed over units.
 */
function passSampling(klWeight: number, x: Tensor, weights: readonly Tensor[], pass: Pass, seed: number): LayerOutput {
	const [meanKernel, meanBias, spreadKernel, spreadBias] = weights as [Tensor2D, Tensor, Tensor2D, Tensor];
	const flat = reshape(x, [-1, meanKernel.shape[0]]) as Tensor2D;
	const mean = add(matMul(flat, meanKernel), meanBias);
	// Bounded: exp of an unbounded log variance overflows in the first steps of a bad start.
	const rawLogVariance = add(matMul(flat, spreadKernel), spreadBias);
	const logVariance = clipByValue(rawLogVariance, -20, 20);
	const variance = exp(logVariance);
	const outShape = [...x.shape.slice(0, -1), meanKernel.shape[1]];
	const factor = klWeight * pass.rowScale;
	const loss = mul(sum(sub(add(square(mean), variance), add(logVariance, 1))), scalar(0.5 * klWeight));
	const noise = pass.training ? reshape(rowWise(outShape, pass, seed, normalFrom), mean.shape as number[]) : undefined;
	const deviation = noise ? exp(mul(logVariance, 0.5)) : undefined;
	const y = noise ? add(mean, mul(deviation!, noise)) : mean;
	return {
		y: reshape(y, outShape),
		loss,
		backward: (dyShaped, needInput) => {
			const dy = reshape(dyShaped, mean.shape);
			const dMean = add(dy, mul(mean, factor)) as Tensor2D;
			const fromKl = mul(sub(variance, 1), 0.5 * factor);
			const fromSample = noise ? mul(dy, mul(mul(deviation!, noise), 0.5)) : undefined;
			const inside = cast(greater(20, abs(rawLogVariance)), 'float32');
			const dSpread = mul(fromSample ? add(fromKl, fromSample) : fromKl, inside) as Tensor2D;
			const dx = needInput
				? reshape(add(matMul(dMean, meanKernel, false, true), matMul(dSpread, spreadKernel, false, true)), x.shape)
				: undefined;
			return {
				dx,
				weights: [matMul(flat, dMean, true, false), sum(dMean, 0), matMul(flat, dSpread, true, false), sum(dSpread, 0)]
			};
		}
	};
}
