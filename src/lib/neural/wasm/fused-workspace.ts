/**
 * Neural: where a fused network keeps what one group of windows needs while it runs. In: rows, steps, whether gradients are wanted. Out:
 * places of inputs, targets and every layer's values, written into the layers and their descriptors. Laid out anew only when the form
 * of a group changes: groups of one training or scoring have one or two.
 */
import { outputSteps, type NetworkPlan } from '../network-spec';
import { writeDense, writeRecurrent } from './descriptors';
import type { FusedLayers, Segment } from './fused-layers';
import { mostBlockStride, rowStride, type KernelMemory } from './memory';

/** Rows times steps of one range at most: found by measurement, see README. */
const rangeRows = 256;
const projectionRows = 96;

/** Steps that go through all layers of a segment before the next ones. */
export const stepsOfRange = (rows: number) => Math.max(1, Math.floor(rangeRows / rows));

/** Where a group's windows come in, outputs go out, and its targets lie. */
export interface Workspace {
	rows: number;
	steps: number;
	training: boolean;
	generation: number;
	staging: number;
	target: number;
}

export class FusedWorkspace {
	#known: Workspace | undefined;

	constructor(
		private readonly memory: KernelMemory,
		private readonly plan: NetworkPlan,
		private readonly layers: FusedLayers
	) {}

	/** Lays out the workspace for groups of `rows` windows of `steps` steps, unless it already is. */
	layOut(rows: number, steps: number, training: boolean): Workspace {
		const known = this.#known;
		if (
			known &&
			known.generation === this.memory.generation &&
			known.rows === rows &&
			known.steps === steps &&
			known.training === training
		)
			return known;
		const { memory, plan } = this;
		const { segments } = this.layers;
		memory.clearWorkspace();
		let widest = 0;
		let joinedBytes = 0;
		let mostGrads = 0;
		let length = steps;
		let projection = 0;
		let below: Segment | undefined;
		for (const segment of segments) {
			if (below) length = segment.repeat || 1;
			segment.steps = length;
			const range = Math.min(length, stepsOfRange(rows)) * rows;
			const { inputStride } = segment.stages[0]!;
			segment.input = below && !segment.repeat ? below.result : memory.take(length * rows * inputStride);
			let input = segment.input;
			segment.gradients = [];
			if (training && below) segment.gradients.push(memory.take(length * rows * inputStride));
			else segment.gradients.push(0);
			segment.stages.forEach((stage) => {
				const { kind, outputStride, panels } = stage;
				const recurrent = kind !== 'dense';
				stage.output = memory.take((length + (recurrent ? 1 : 0)) * rows * outputStride);
				if (training) {
					segment.gradients.push(memory.take(range * outputStride));
					mostGrads = Math.max(mostGrads, panels.panels * mostBlockStride(range));
				}
				if (recurrent) {
					const blocks = panels.panels / 4;
					stage.cell = memory.take(blocks * rows * 32);
					if (training) {
						stage.record = memory.take((length + 1) * blocks * rows * 192);
						stage.stateGradient = memory.take(rows * outputStride);
						stage.cellGradient = memory.take(blocks * rows * 32);
					}
					projection = Math.max(projection, panels.panels * 32);
					writeRecurrent(memory, stage.descriptor, { input, output: stage.output, rows, steps: length });
					input = stage.output + rows * outputStride;
				} else {
					writeDense(memory, stage.descriptor, { input, output: stage.output });
					input = stage.output;
				}
				widest = Math.max(widest, panels.units);
				if (recurrent) joinedBytes = Math.max(joinedBytes, rows * rowStride(panels.inputs + panels.units));
			});
			// All steps where the network ends in a sequence, otherwise the last step only.
			const whole = plan.sequenceOut && segment === segments.at(-1);
			segment.result = whole ? input : input + (length - 1) * rows * segment.stages.at(-1)!.outputStride;
			below = segment;
		}
		const outSteps = plan.sequenceOut ? outputSteps(plan, steps) : 1;
		const scratch = memory.take(4 * Math.max(rows, Math.ceil(widest / 8)) * 32);
		const joined = memory.take(joinedBytes);
		const projectionSteps = Math.max(1, Math.floor(projectionRows / rows));
		const projected = rows < 4 ? memory.take(projectionSteps * rows * projection) : 0;
		const grads = training ? memory.take(mostGrads) : 0;
		const staged = Math.max(steps * plan.spec.features, outSteps * plan.outputWidth);
		const workspace: Workspace = {
			rows,
			steps,
			training,
			generation: memory.generation,
			staging: memory.take(rows * staged * 4),
			target: memory.take(outSteps * rows * rowStride(plan.outputWidth))
		};
		for (const segment of segments)
			for (const stage of segment.stages)
				if (stage.kind !== 'dense')
					writeRecurrent(memory, stage.descriptor, {
						cell: stage.cell,
						record: stage.record,
						scratch,
						joined,
						joinedStride: rowStride(stage.panels.inputs + stage.panels.units),
						projection: projected,
						projectionSteps,
						grads,
						stateGradient: stage.stateGradient,
						cellGradient: stage.cellGradient
					});
				else writeDense(memory, stage.descriptor, { grads });
		this.#known = workspace;
		return workspace;
	}

	/** Zeroes what sequences start from. */
	clearStates(rows: number, training: boolean): void {
		for (const stage of this.layers.stages) {
			if (stage.kind === 'dense') continue;
			const blocks = stage.panels.panels / 4;
			this.memory.zero(stage.output, rows * stage.outputStride);
			this.memory.zero(stage.cell, blocks * rows * 32);
			if (!training) continue;
			this.memory.zero(stage.record, blocks * rows * 192);
			this.memory.zero(stage.stateGradient, rows * stage.outputStride);
			this.memory.zero(stage.cellGradient, blocks * rows * 32);
		}
	}
}
