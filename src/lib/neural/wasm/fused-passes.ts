/**
 * Neural: the two passes of a fused network over a group of windows that lies in the workspace. Forward: the input's steps in, every
 * layer's values out. Backward: targets in, the loss and the gradients of all weights out. Both go through the layers in short ranges of
 * steps: what one layer writes, the next reads from cache.
 */
import type { NetworkPlan } from '../network-spec';
import { writeDense, writeRecurrent } from './descriptors';
import type { Segment } from './fused-layers';
import { stepsOfRange } from './fused-workspace';
import { blockStride, type KernelMemory } from './memory';

export type FusedLoss = 'mse' | 'mae' | 'huber' | 'binary-crossentropy';

export const lossKinds: Record<FusedLoss, number> = { mse: 0, mae: 1, huber: 2, 'binary-crossentropy': 3 };

export interface LossRequest {
	readonly loss: FusedLoss;
	/** Factor of every element's loss: 1 / elements in the whole batch makes the sum a mean. */
	readonly scale: number;
}

export class FusedPasses {
	constructor(
		private readonly memory: KernelMemory,
		private readonly plan: NetworkPlan,
		private readonly segments: readonly Segment[]
	) {}

	/** `save`: what gradients need is kept. */
	forward(rows: number, save: boolean): void {
		let below: Segment | undefined;
		for (const segment of this.segments) {
			if (below && segment.repeat) this.#repeat(below, segment, rows);
			const step = stepsOfRange(rows);
			for (let from = 0; from < segment.steps; from += step)
				this.#forwardRange(segment, from, Math.min(segment.steps, from + step), rows, save);
			below = segment;
		}
	}

	#forwardRange(segment: Segment, from: number, to: number, rows: number, save: boolean): void {
		for (const stage of segment.stages) {
			if (stage.kind === 'dense') this.memory.kernels.denseForward(stage.descriptor, from * rows, to * rows);
			else this.memory.kernels.recurrentForward(stage.descriptor, from, to, save ? 1 : 0);
		}
	}

	#repeat(below: Segment, segment: Segment, rows: number): void {
		const floats = (rows * segment.stages[0]!.inputStride) >> 2;
		for (let step = 0; step < segment.steps; step++)
			this.memory.floats.copyWithin(
				(segment.input >> 2) + step * floats,
				below.result >> 2,
				(below.result >> 2) + floats
			);
	}

	/** Adds the gradients of the group that went forward last; returns its loss, not scaled. */
	backward(rows: number, target: number, request: LossRequest): number {
		let total = 0;
		const kind = lossKinds[request.loss];
		const width = this.plan.outputWidth;
		for (let index = this.segments.length - 1; index >= 0; index--) {
			const segment = this.segments[index]!;
			const above = this.segments[index + 1];
			const last = segment.stages.at(-1)!;
			const recurrentEnd = last.kind !== 'dense';
			const endsInVector = above !== undefined || (recurrentEnd && !this.plan.sequenceOut);
			if (above) this.#gradientFromAbove(segment, above, rows);
			else if (endsInVector) {
				const place = recurrentEnd ? last.stateGradient : segment.gradients.at(-1)!;
				total += this.memory.kernels.loss(
					kind,
					segment.result,
					target,
					rows,
					width,
					last.outputStride,
					request.scale,
					place
				);
			}
			const step = stepsOfRange(rows);
			const ranges = Math.ceil(segment.steps / step);
			for (let range = ranges - 1; range >= 0; range--) {
				const from = range * step;
				const to = Math.min(segment.steps, from + step);
				if (!endsInVector) {
					const offset = from * rows * last.outputStride;
					total += this.memory.kernels.loss(
						kind,
						segment.result + offset,
						target + offset,
						(to - from) * rows,
						width,
						last.outputStride,
						request.scale,
						segment.gradients.at(-1)!
					);
				}
				this.#backwardRange(segment, index === 0, from, to, rows, endsInVector && recurrentEnd);
			}
		}
		return total;
	}

	/** Brings the gradient of a vector (last step of the layer below) from the segment above. */
	#gradientFromAbove(segment: Segment, above: Segment, rows: number): void {
		const last = segment.stages.at(-1)!;
		const to = last.kind === 'dense' ? segment.gradients.at(-1)! : last.stateGradient;
		this.memory.kernels.sumSteps(above.gradients[0]!, above.steps, rows * last.outputStride, to);
	}

	#backwardRange(segment: Segment, first: boolean, from: number, to: number, rows: number, vector: boolean): void {
		const gradBlockStride = blockStride((to - from) * rows);
		for (let index = segment.stages.length - 1; index >= 0; index--) {
			const stage = segment.stages[index]!;
			const isTop = index === segment.stages.length - 1;
			const outputGradient = isTop && vector ? 0 : segment.gradients[index + 1]!;
			let inputGradient = segment.gradients[index]!;
			if (index === 0) inputGradient = first ? 0 : inputGradient + from * rows * stage.inputStride;
			const fields = { gradBlockStride, outputGradient, inputGradient };
			if (stage.kind === 'dense') {
				writeDense(this.memory, stage.descriptor, fields);
				this.memory.kernels.denseBackward(stage.descriptor, from * rows, to * rows);
			} else {
				writeRecurrent(this.memory, stage.descriptor, fields);
				this.memory.kernels.recurrentBackward(stage.descriptor, from, to);
			}
		}
	}
}
