/**
 * Neural: the layers of a network as the fused kernels run them. In: a network plan and the kernels' memory. Out: segments of layers
 * that work on the same number of steps, each layer with the places that last as long as the network: its descriptor, its weights,
 * their folded and transposed copies. Only here is a plan taken apart; what runs the layers goes by the segments.
 */
import type { NetworkPlan } from '../network-spec';
import { denseBytes, recurrentBytes, writeDense, writeRecurrent } from './descriptors';
import { rowStride, type KernelMemory } from './memory';
import { layOutPanels, type PanelLayout } from './panels';

const activations = { linear: 0, relu: 1, tanh: 2, sigmoid: 3, softplus: 4 } as const;

/** Whether `FusedNetwork` can run a network; others go layer by layer. */
export function supportsFused(plan: NetworkPlan): boolean {
	const last = plan.layers.at(-1)?.spec.kind;
	if (last !== 'lstm' && last !== 'gru' && last !== 'dense') return false;
	return plan.layers.every(({ spec }) => {
		if (spec.kind === 'dense' || spec.kind === 'repeat-vector') return true;
		if (spec.kind === 'dropout') return spec.rate === 0;
		if (spec.kind !== 'lstm' && spec.kind !== 'gru') return false;
		return !spec.bidirectional && !spec.goBackwards && !spec.dropout && !spec.recurrentDropout;
	});
}

/** A layer and where its parts lie. Offsets in bytes; those of the workspace are set by `FusedWorkspace.layOut`. */
export interface Stage {
	readonly kind: 'lstm' | 'gru' | 'dense';
	readonly panels: PanelLayout;
	readonly descriptor: number;
	/** First float of this layer in the packed arrays. */
	readonly at: number;
	readonly bias: number;
	readonly inputTransposed: number;
	readonly stateTransposed: number;
	/** The recurrent weights once more for single rows, made when first needed. */
	rowWeights: number;
	readonly activation: number;
	readonly inputStride: number;
	readonly outputStride: number;
	output: number;
	cell: number;
	record: number;
	stateGradient: number;
	cellGradient: number;
}

/** Layers that work on the same number of steps, with what stands before them. */
export interface Segment {
	readonly stages: Stage[];
	/** Steps to repeat the vector from the segment before; 0: its last step is used as it is. */
	readonly repeat: number;
	steps: number;
	/** First row of the segment's input, and of what its last layer gives. */
	input: number;
	result: number;
	/** Gradients at the layers' boundaries, one range of steps each; the first is complete where a segment precedes. */
	gradients: number[];
}

/** A network in the kernels' memory. */
export interface FusedLayers {
	readonly segments: readonly Segment[];
	/** All layers in a row, input first. */
	readonly stages: readonly Stage[];
	/** Packed weights of all layers in a row: where they begin, and how many floats they are. */
	readonly weights: number;
	readonly packedCount: number;
}

/** Places a network that `supportsFused`; its weights start at zero. */
export function placeLayers(memory: KernelMemory, plan: NetworkPlan): FusedLayers {
	const segments: Segment[] = [];
	const layouts = new Map(
		plan.layers
			.filter(({ weights }) => weights.length > 0)
			.map((layer) => [
				layer,
				layOutPanels(layer.spec.kind as PanelLayout['kind'], layer.inputWidth, layer.outputWidth)
			])
	);
	const packedCount = [...layouts.values()].reduce((sum, { size }) => sum + size, 0);
	const weights = memory.keep(packedCount * 4);
	let at = 0;
	let segment: Segment = newSegment(0);
	segments.push(segment);
	let sequence = true;
	for (const layer of plan.layers) {
		if (layer.spec.kind === 'repeat-vector') {
			segment = newSegment(layer.spec.steps);
			segments.push(segment);
			sequence = true;
			continue;
		}
		const panels = layouts.get(layer);
		if (!panels) continue;
		if (sequence && !layer.sequenceIn) {
			segment = newSegment(0);
			segments.push(segment);
		}
		segment.stages.push(makeStage(memory, weights, panels, at, activationOf(layer.spec)));
		at += panels.size;
		sequence = layer.sequenceIn;
	}
	return { segments, stages: segments.flatMap(({ stages }) => stages), weights, packedCount };
}

/** `weights`: where the packed weights of all layers begin. */
function makeStage(memory: KernelMemory, weights: number, panels: PanelLayout, at: number, activation: number): Stage {
	const { kind, inputs, units } = panels;
	const inputPanels = Math.ceil(inputs / 8);
	const unitBlocks = Math.ceil(units / 8);
	const transposedBytes = (count: number) => count * panels.panels * 256;
	const recurrent = kind !== 'dense';
	const stage: Stage = {
		kind,
		panels,
		at,
		activation,
		descriptor: memory.keep(recurrent ? recurrentBytes : denseBytes),
		bias: recurrent ? memory.keep(panels.panels * 32) : 0,
		inputTransposed: memory.keep(transposedBytes(inputPanels)),
		stateTransposed: recurrent ? memory.keep(transposedBytes(unitBlocks)) : 0,
		rowWeights: 0,
		inputStride: rowStride(inputs),
		outputStride: rowStride(units),
		output: 0,
		cell: 0,
		record: 0,
		stateGradient: 0,
		cellGradient: 0
	};
	const { descriptor, inputStride, outputStride, inputTransposed, stateTransposed, bias } = stage;
	const common = { inputs, units, inputStride, outputStride, weights: weights + at * 4 };
	if (recurrent)
		writeRecurrent(memory, descriptor, {
			...common,
			kind: kind === 'gru' ? 1 : 0,
			unitBlocks,
			biasRows: panels.biasRows,
			bias,
			inputWeightsTransposed: inputTransposed,
			recurrentWeightsTransposed: stateTransposed
		});
	else
		writeDense(memory, descriptor, {
			...common,
			panels: panels.panels,
			activation,
			weightsTransposed: inputTransposed
		});
	return stage;
}

function newSegment(repeat: number): Segment {
	return { stages: [], repeat, steps: 0, input: 0, result: 0, gradients: [] };
}

function activationOf(spec: NetworkPlan['layers'][number]['spec']): number {
	return spec.kind === 'dense' ? activations[spec.activation ?? 'linear'] : 0;
}
