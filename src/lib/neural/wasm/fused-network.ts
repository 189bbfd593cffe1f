/**
 * Neural: a whole network of LSTM, GRU and dense layers inside one instance of the kernels: layers, loss, gradient and Adam share
 * one memory and packed weights, so that nothing is copied or converted between them.
 * In: a network plan, windows and targets as row-major float32. Out: outputs, losses, weights in Keras order. Everything is
 * synchronous; callers divide long work and check for cancellation between pieces.
 *
 * Rows are run in small groups (micro-batches) and, within a group, in short ranges of steps that go through all layers before
 * the next range: what one layer writes, the next reads from cache. Here windows are brought in group by group; the layers
 * (fused-layers.ts), their weights, a group's workspace and the passes have files of their own.
 */
import { MillwrightError } from '../../contracts/error';
import { outputSteps, type NetworkPlan } from '../network-spec';
import { placeLayers, supportsFused, type FusedLayers } from './fused-layers';
import { FusedPasses, lossKinds, type LossRequest } from './fused-passes';
import { FusedStream } from './fused-stream';
import { FusedWeights } from './fused-weights';
import { FusedWorkspace, type Workspace } from './fused-workspace';
import { KernelMemory, rowStride } from './memory';
import { instantiate, type LstmExports, type LstmModule } from './module';

/** Rows of one group at most, scoring and training: found by measurement, see README. */
const scoringRows = 66;
const trainingRows = 18;

export interface GradientRequest extends LossRequest {
	/** [count, steps, features] */
	readonly inputs: Float32Array;
	/** [count, outputs] or [count, steps, outputs] */
	readonly targets: Float32Array;
	readonly steps: number;
	/** Rows to take, in order; default: all from 0. */
	readonly order?: ArrayLike<number>;
	readonly from: number;
	readonly to: number;
}

export class FusedNetwork {
	readonly memory: KernelMemory;
	readonly kernels: LstmExports;
	readonly #layers: FusedLayers;
	/** Weights, the gradients that `addGradients` gathers, and the moments of Adam. */
	readonly weights: FusedWeights;
	readonly #workspace: FusedWorkspace;
	readonly #passes: FusedPasses;

	/** Throws `unsupported` for a network with other layers; see `supportsFused`. Weights start at zero. */
	constructor(
		module: LstmModule,
		readonly plan: NetworkPlan
	) {
		if (!supportsFused(plan))
			throw new MillwrightError('unsupported', 'This network has layers that the fused kernels do not run.', {
				layers: plan.layers.map(({ name }) => name)
			});
		this.kernels = instantiate(module);
		this.memory = new KernelMemory(this.kernels);
		this.#layers = placeLayers(this.memory, plan);
		this.weights = new FusedWeights(this.memory, plan, this.#layers);
		this.#workspace = new FusedWorkspace(this.memory, plan, this.#layers);
		this.#passes = new FusedPasses(this.memory, plan, this.#layers.segments);
	}

	#layOut(rows: number, steps: number, training: boolean): Workspace {
		if (rows === 1) this.weights.packRows();
		return this.#workspace.layOut(rows, steps, training);
	}

	/** inputs [count, steps, features] -> [count, outputs] or [count, steps, outputs]. */
	predict(inputs: Float32Array, count: number, steps: number): Float32Array {
		const { plan } = this;
		const perInput = steps * plan.spec.features;
		const outSteps = plan.sequenceOut ? outputSteps(plan, steps) : 1;
		const perOutput = outSteps * plan.outputWidth;
		const outputs = new Float32Array(count * perOutput);
		for (const { from, to } of groupsOf(0, count, scoringRows)) {
			const rows = to - from;
			const { staging } = this.#layOut(rows, steps, false);
			this.memory.view(staging, rows * perInput).set(inputs.subarray(from * perInput, to * perInput));
			this.#loadInput(staging, rows, steps);
			this.#workspace.clearStates(rows, false);
			this.#passes.forward(rows, false);
			const last = this.#layers.segments.at(-1)!;
			const { outputStride } = last.stages.at(-1)!;
			this.kernels.fromTimeMajor(last.result, rows, outSteps, plan.outputWidth, staging, outputStride, 0);
			outputs.set(this.memory.view(staging, rows * perOutput), from * perOutput);
		}
		return outputs;
	}

	#loadInput(staging: number, rows: number, steps: number): void {
		const { features } = this.plan.spec;
		this.kernels.toTimeMajor(staging, rows, steps, features, this.#layers.segments[0]!.input, rowStride(features), 0);
	}

	/** Adds the gradient of some rows to what has been gathered; returns their scaled loss. */
	addGradients(request: GradientRequest): number {
		this.weights.prepareTraining();
		this.weights.packTransposed();
		let total = 0;
		for (const { from, to } of groupsOf(request.from, request.to, trainingRows)) {
			const { target } = this.#runGroup(request, from, to, true);
			total += this.#passes.backward(to - from, target, request);
		}
		return total * request.scale;
	}

	/** Loss of some rows without training, scaled. */
	lossOf(request: GradientRequest): number {
		const { outputWidth } = this.plan;
		const last = this.#layers.segments.at(-1)!;
		const stride = last.stages.at(-1)!.outputStride;
		let total = 0;
		for (const { from, to } of groupsOf(request.from, request.to, scoringRows)) {
			const { target, outSteps } = this.#runGroup(request, from, to, false);
			const lines = (to - from) * outSteps;
			total += this.kernels.loss(lossKinds[request.loss], last.result, target, lines, outputWidth, stride, 1, 0);
		}
		return total * request.scale;
	}

	/** Brings one group of windows and targets in and runs it forward. */
	#runGroup(
		request: GradientRequest,
		from: number,
		to: number,
		training: boolean
	): { target: number; outSteps: number } {
		const { plan, memory } = this;
		const { inputs, targets, steps, order } = request;
		const rows = to - from;
		const { staging, target } = this.#layOut(rows, steps, training);
		const copy = (values: Float32Array, width: number) => {
			const place = memory.view(staging, rows * width);
			for (let row = 0; row < rows; row++) {
				const source = order ? order[from + row]! : from + row;
				place.set(values.subarray(source * width, (source + 1) * width), row * width);
			}
		};
		const outSteps = plan.sequenceOut ? outputSteps(plan, steps) : 1;
		copy(inputs, steps * plan.spec.features);
		this.#loadInput(staging, rows, steps);
		copy(targets, outSteps * plan.outputWidth);
		this.kernels.toTimeMajor(staging, rows, outSteps, plan.outputWidth, target, rowStride(plan.outputWidth), 0);
		this.#workspace.clearStates(rows, training);
		this.#passes.forward(rows, training);
		return { target, outSteps };
	}

	/**
	 * Live scoring of `lanes` sequences that keep their state; each step gives what the network would give for the sequence so
	 * far. Throws `unsupported` for a network that repeats a vector.
	 */
	openStream(lanes: number): FusedStream {
		if (this.#layers.segments.some(({ repeat }) => repeat > 0))
			throw new MillwrightError('unsupported', 'A network that repeats a vector cannot score a stream step by step.', {
				layers: this.plan.layers.map(({ name }) => name)
			});
		const { plan, memory } = this;
		const recurrent = this.#layers.stages.filter(({ kind }) => kind !== 'dense');
		const last = this.#layers.segments.at(-1)!;
		return new FusedStream(
			{
				memory,
				features: plan.spec.features,
				outputs: plan.outputWidth,
				maximumRows: scoringRows,
				stages: recurrent.map(({ kind, panels, outputStride }) => ({
					kind,
					units: panels.units,
					stride: outputStride
				})),
				run: (rows, load, store) => {
					const { staging } = this.#layOut(rows, 1, false);
					const places = recurrent.map(({ output, cell, outputStride }) => ({
						before: output,
						after: output + rows * outputStride,
						cell
					}));
					load(staging, places);
					this.#loadInput(staging, rows, 1);
					this.#passes.forward(rows, false);
					const { outputStride } = last.stages.at(-1)!;
					this.kernels.fromTimeMajor(last.result, rows, 1, plan.outputWidth, staging, outputStride, 0);
					store(staging, places);
				}
			},
			lanes
		);
	}
}

/** Divides rows into groups of at most `most`, as even as they come. */
export function groupsOf(from: number, to: number, most: number): { from: number; to: number }[] {
	const groups: { from: number; to: number }[] = [];
	const count = Math.ceil((to - from) / most);
	for (let k = 0; k < count; k++) {
		const start = from + Math.floor(((to - from) * k) / count);
		groups.push({ from: start, to: from + Math.floor(((to - from) * (k + 1)) / count) });
	}
	return groups;
}
