/**
 * Neural: a network forward, and its loss and gradient. In: a plan, weights as tensors and one chunk of rows. Out: tensors.
 * Call inside `tidy`.
 */
import { add, type Tensor } from '@tensorflow/tfjs-core';
import { passLayer, type LayerOutput, type Pass } from './layer-passes';
import type { LossName } from './executor';
import { lossOf } from './losses';
import type { NetworkPlan } from './network-spec';

const scoring: Pass = { training: false, seed: 0, firstRow: 0, rowScale: 0 };

/** x [rows, steps, features] -> [rows, outputs] or [rows, steps, outputs]. */
export function forwardOf(plan: NetworkPlan, weights: readonly Tensor[], x: Tensor): Tensor {
	return runLayers(plan, weights, x, scoring).y;
}

function runLayers(
	plan: NetworkPlan,
	weights: readonly Tensor[],
	x: Tensor,
	pass: Pass
): { y: Tensor; outputs: LayerOutput[] } {
	const outputs: LayerOutput[] = [];
	let y = x;
	plan.layers.forEach((layer, index) => {
		const own = weights.slice(layer.firstWeight, layer.firstWeight + layer.weights.length);
		const output = passLayer(layer, index, y, own, pass);
		outputs.push(output);
		y = output.y;
	});
	return { y, outputs };
}

/** How a chunk counts in its batch. */
export interface ChunkScale {
	readonly loss: LossName;
	/** 1 / elements of one row's target. */
	readonly lossScale: number;
	/** 1 / rows in the batch. */
	readonly rowScale: number;
}

/** Loss of a chunk, summed over its rows, without training (no dropout, no sampling). */
export function lossOfChunk(
	plan: NetworkPlan,
	weights: readonly Tensor[],
	x: Tensor,
	target: Tensor,
	scale: ChunkScale
): Tensor {
	const { y, outputs } = runLayers(plan, weights, x, scoring);
	return addLosses(lossOf(scale.loss, y, target, scale.lossScale, 0).loss, outputs);
}

/** Loss summed over rows, and the gradient of the batch's mean loss by every weight, in the order of the weights. */
export function gradientOfChunk(
	plan: NetworkPlan,
	weights: readonly Tensor[],
	x: Tensor,
	target: Tensor,
	scale: ChunkScale,
	place: { readonly seed: number; readonly firstRow: number }
): { loss: Tensor; gradients: Tensor[] } {
	const pass: Pass = { training: true, seed: place.seed, firstRow: place.firstRow, rowScale: scale.rowScale };
	const { y, outputs } = runLayers(plan, weights, x, pass);
	const parts = lossOf(scale.loss, y, target, scale.lossScale, scale.lossScale * scale.rowScale);
	const gradients: Tensor[] = new Array<Tensor>(plan.weights.length);
	let dy: Tensor | undefined = parts.gradient();
	const firstTrained = plan.layers.findIndex((layer) => layer.weights.length > 0);
	for (let index = plan.layers.length - 1; index >= Math.max(0, firstTrained); index--) {
		const layer = plan.layers[index]!;
		const back: ReturnType<LayerOutput['backward']> = outputs[index]!.backward(dy!, index > firstTrained);
		back.weights.forEach((gradient, k) => (gradients[layer.firstWeight + k] = gradient));
		dy = back.dx;
	}
	return { loss: addLosses(parts.loss, outputs), gradients };
}

function addLosses(loss: Tensor, outputs: readonly LayerOutput[]): Tensor {
	return outputs.reduce((total, output) => (output.loss ? add(total, output.loss) : total), loss);
}
