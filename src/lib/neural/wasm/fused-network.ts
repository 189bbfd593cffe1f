/**
 * Neural: a whole network of LSTM, GRU and dense layers inside one instance of the kernels: layers, loss, gradient and Adam share
 * one memory and packed weights, so that nothing is copied or converted between them.
 * In: a network plan, windows and targets as row-major float32. Out: outputs, losses, weights in Keras order. Everything is
 * synchronous; callers divide long work and check for cancellation between pieces.
 *
 * Rows are run in small groups (micro-batches) and, within a group, in short ranges of steps that go through all layers before
 * the next range: what one layer writes, the next reads from cache.
 */
import { MillwrightError } from '../../contracts/error';
import { outputSteps, splitWeights, type NetworkPlan } from '../network-spec';
import { denseBytes, recurrentBytes, writeDense, writeRecurrent } from './descriptors';
import { blockStride, KernelMemory, mostBlockStride, rowStride } from './memory';
import { instantiate, type LstmExports, type LstmModule } from './module';
import { layOutPanels, packWeights, unpackWeights, type PanelLayout } from './panels';
import { FusedStream } from './fused-stream';

export type FusedLoss = 'mse' | 'mae' | 'huber' | 'binary-crossentropy';

const lossKinds: Record<FusedLoss, number> = { mse: 0, mae: 1, huber: 2, 'binary-crossentropy': 3 };
const activations = { linear: 0, relu: 1, tanh: 2, sigmoid: 3, softplus: 4 } as const;

/** Rows of one group at most, scoring and training: found by measurement, see README. */
const scoringRows = 66;
const trainingRows = 18;
/** Rows times steps of one range at most. */
const rangeRows = 256;
const projectionRows = 96;

export interface GradientRequest {
	/** [count, steps, features] */
	readonly inputs: Float32Array;
	/** [count, outputs] or [count, steps, outputs] */
	readonly targets: Float32Array;
	readonly steps: number;
	/** Rows to take, in order; default: all from 0. */
	readonly order?: ArrayLike<number>;
	readonly from: number;
	readonly to: number;
	readonly loss: FusedLoss;
	/** Factor of every element's loss: 1 / elements in the whole batch makes the sum a mean. */
	readonly scale: number;
}

export interface AdamRequest {
	/** 1 at the first step. */
	readonly step: number;
	readonly learningRate: number;
	readonly beta1?: number;
	readonly beta2?: number;
	readonly epsilon?: number;
	readonly weightDecay?: number;
	/** 0 or undefined: no clipping. */
	readonly clipNorm?: number;
}

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

/** A layer and where its parts lie. Offsets in bytes; those of the workspace are set by `#layOut`. */
interface Stage {
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
interface Segment {
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

interface Workspace {
	rows: number;
	steps: number;
	training: boolean;
	generation: number;
	staging: number;
	target: number;
}

export class FusedNetwork {
	readonly memory: KernelMemory;
	readonly kernels: LstmExports;
	readonly #segments: Segment[] = [];
	/** Packed, all layers in a row, lasting: weights, and once trained gradients and the two moments. */
	readonly #weights: number;
	readonly #packedCount: number;
	#gradients = 0;
	#first = 0;
	#second = 0;
	#transposedStale = true;
	#rowWeightsStale = true;
	#scratch = 0;
	#projection = 0;
	#grads = 0;
	#workspace: Workspace | undefined;

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
		const layouts = new Map(
			plan.layers
				.filter(({ weights }) => weights.length > 0)
				.map((layer) => [
					layer,
					layOutPanels(layer.spec.kind as PanelLayout['kind'], layer.inputWidth, layer.outputWidth)
				])
		);
		this.#packedCount = [...layouts.values()].reduce((sum, { size }) => sum + size, 0);
		this.#weights = this.memory.keep(this.#packedCount * 4);
		let at = 0;
		let segment: Segment = newSegment(0);
		this.#segments.push(segment);
		let sequence = true;
		for (const layer of plan.layers) {
			if (layer.spec.kind === 'repeat-vector') {
				segment = newSegment(layer.spec.steps);
				this.#segments.push(segment);
				sequence = true;
				continue;
			}
			const panels = layouts.get(layer);
			if (!panels) continue;
			if (sequence && !layer.sequenceIn) {
				segment = newSegment(0);
				this.#segments.push(segment);
			}
			segment.stages.push(this.#makeStage(panels, at, activationOf(layer.spec)));
			at += panels.size;
			sequence = layer.sequenceIn;
		}
	}

	#makeStage(panels: PanelLayout, at: number, activation: number): Stage {
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
			descriptor: this.memory.keep(recurrent ? recurrentBytes : denseBytes),
			bias: recurrent ? this.memory.keep(panels.panels * 32) : 0,
			inputTransposed: this.memory.keep(transposedBytes(inputPanels)),
			stateTransposed: recurrent ? this.memory.keep(transposedBytes(unitBlocks)) : 0,
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
		const common = { inputs, units, inputStride, outputStride, weights: this.#weights + at * 4 };
		if (recurrent)
			writeRecurrent(this.memory, descriptor, {
				...common,
				kind: kind === 'gru' ? 1 : 0,
				unitBlocks,
				biasRows: panels.biasRows,
				bias,
				inputWeightsTransposed: inputTransposed,
				recurrentWeightsTransposed: stateTransposed
			});
		else
			writeDense(this.memory, descriptor, {
				...common,
				panels: panels.panels,
				activation,
				weightsTransposed: inputTransposed
			});
		return stage;
	}

	get #stages(): Stage[] {
		return this.#segments.flatMap(({ stages }) => stages);
	}

	/** All weights in Keras order, concatenated. */
	getWeights(): Float32Array {
		return this.#unpack(this.#weights);
	}

	/** Throws `invalid-model` when the count does not fit or a weight is not finite. */
	setWeights(weights: Float32Array): void {
		splitWeights(this.plan, weights);
		this.#pack(weights, this.#weights);
		this.#weightsChanged();
	}

	/** Gradients gathered since `clearGradients`, Keras order. */
	getGradients(): Float32Array {
		this.#prepareTraining();
		return this.#unpack(this.#gradients);
	}

	/**
	 * Gradients as the kernels hold them, for exchange between equal networks: add another's to these, element by element.
	 * A view: valid until the next call of anything else.
	 */
	packedGradients(): Float32Array {
		this.#prepareTraining();
		return this.memory.view(this.#gradients, this.#packedCount);
	}

	/** Weights as the kernels hold them; call `packedWeightsChanged` after writing. A view, as `packedGradients`. */
	packedWeights(): Float32Array {
		return this.memory.view(this.#weights, this.#packedCount);
	}

	packedWeightsChanged(): void {
		this.#weightsChanged();
	}

	/** Moments of Adam in Keras order. */
	getMoments(): { m: Float32Array; v: Float32Array } {
		this.#prepareTraining();
		return { m: this.#unpack(this.#first), v: this.#unpack(this.#second) };
	}

	/** Undefined starts afresh. */
	setMoments(moments: { m: Float32Array; v: Float32Array } | undefined): void {
		this.#prepareTraining();
		const zeros = moments ? undefined : new Float32Array(this.plan.weightCount);
		this.#pack(moments?.m ?? zeros!, this.#first);
		this.#pack(moments?.v ?? zeros!, this.#second);
	}

	#pack(weights: Float32Array, to: number): void {
		let from = 0;
		for (const { panels, at } of this.#stages) {
			const count = panels.places.length;
			packWeights(panels, weights.subarray(from, from + count), this.memory.view(to + at * 4, panels.size));
			from += count;
		}
	}

	#unpack(packed: number): Float32Array {
		const weights = new Float32Array(this.plan.weightCount);
		let from = 0;
		for (const { panels, at } of this.#stages) {
			const count = panels.places.length;
			unpackWeights(panels, this.memory.view(packed + at * 4, panels.size), weights.subarray(from, from + count));
			from += count;
		}
		return weights;
	}

	#weightsChanged(): void {
		for (const { kind, panels, at, bias } of this.#stages)
			if (kind !== 'dense')
				this.kernels.foldBias(this.#weights + at * 4, panels.panels, panels.panelRows, panels.biasRows, bias);
		this.#transposedStale = true;
		this.#rowWeightsStale = true;
	}

	#packTransposed(): void {
		if (!this.#transposedStale) return;
		const { kernels } = this;
		this.#stages.forEach(({ panels, at, inputTransposed, stateTransposed, kind }, index) => {
			const weights = this.#weights + at * 4;
			const { panels: count, panelRows, biasRows, inputs, units } = panels;
			if (index > 0) kernels.packTransposed(weights, count, panelRows, biasRows, inputs, inputTransposed);
			if (kind !== 'dense')
				kernels.packTransposed(weights, count, panelRows, biasRows + inputs, units, stateTransposed);
		});
		this.#transposedStale = false;
	}

	/** Single rows want the recurrent weights in an order of their own. */
	#packRows(): void {
		if (!this.#rowWeightsStale) return;
		for (const stage of this.#stages) {
			if (stage.kind !== 'lstm') continue;
			const { panels, panelRows, biasRows, inputs, units } = stage.panels;
			if (!stage.rowWeights) {
				stage.rowWeights = this.memory.keep(panels * units * 32);
				writeRecurrent(this.memory, stage.descriptor, { rowWeights: stage.rowWeights });
			}
			const weights = this.#weights + stage.at * 4;
			this.kernels.packRow(weights, panels, panelRows, biasRows + inputs, units, stage.rowWeights);
		}
		this.#rowWeightsStale = false;
	}

	#prepareTraining(): void {
		if (this.#gradients) return;
		const bytes = this.#packedCount * 4;
		this.#gradients = this.memory.keep(bytes);
		this.#first = this.memory.keep(bytes);
		this.#second = this.memory.keep(bytes);
		for (const { kind, descriptor, at } of this.#stages) {
			const gradients = this.#gradients + at * 4;
			if (kind === 'dense') writeDense(this.memory, descriptor, { gradients });
			else writeRecurrent(this.memory, descriptor, { gradients });
		}
	}

	/** Lays out the workspace for groups of `rows` windows of `steps` steps, unless it already is. */
	#layOut(rows: number, steps: number, training: boolean): Workspace {
		if (rows === 1) this.#packRows();
		const known = this.#workspace;
		if (
			known &&
			known.generation === this.memory.generation &&
			known.rows === rows &&
			known.steps === steps &&
			known.training === training
		)
			return known;
		const { memory, plan } = this;
		memory.clearWorkspace();
		let widest = 0;
		let joinedBytes = 0;
		let mostGrads = 0;
		let length = steps;
		let projection = 0;
		let below: Segment | undefined;
		for (const segment of this.#segments) {
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
			const whole = plan.sequenceOut && segment === this.#segments.at(-1);
			segment.result = whole ? input : input + (length - 1) * rows * segment.stages.at(-1)!.outputStride;
			below = segment;
		}
		const outSteps = plan.sequenceOut ? outputSteps(plan, steps) : 1;
		this.#scratch = memory.take(4 * Math.max(rows, Math.ceil(widest / 8)) * 32);
		const joined = memory.take(joinedBytes);
		const projectionSteps = Math.max(1, Math.floor(projectionRows / rows));
		this.#projection = rows < 4 ? memory.take(projectionSteps * rows * projection) : 0;
		this.#grads = training ? memory.take(mostGrads) : 0;
		const staged = Math.max(steps * plan.spec.features, outSteps * plan.outputWidth);
		const workspace: Workspace = {
			rows,
			steps,
			training,
			generation: memory.generation,
			staging: memory.take(rows * staged * 4),
			target: memory.take(outSteps * rows * rowStride(plan.outputWidth))
		};
		for (const segment of this.#segments)
			for (const stage of segment.stages)
				if (stage.kind !== 'dense')
					writeRecurrent(memory, stage.descriptor, {
						cell: stage.cell,
						record: stage.record,
						scratch: this.#scratch,
						joined,
						joinedStride: rowStride(stage.panels.inputs + stage.panels.units),
						projection: this.#projection,
						projectionSteps,
						grads: this.#grads,
						stateGradient: stage.stateGradient,
						cellGradient: stage.cellGradient
					});
				else writeDense(memory, stage.descriptor, { grads: this.#grads });
		this.#workspace = workspace;
		return workspace;
	}

	/** Zeroes what sequences start from. */
	#clearStates(rows: number, training: boolean): void {
		for (const stage of this.#stages) {
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
			this.#clearStates(rows, false);
			this.#forward(rows, false);
			const last = this.#segments.at(-1)!;
			const { outputStride } = last.stages.at(-1)!;
			this.kernels.fromTimeMajor(last.result, rows, outSteps, plan.outputWidth, staging, outputStride, 0);
			outputs.set(this.memory.view(staging, rows * perOutput), from * perOutput);
		}
		return outputs;
	}

	#loadInput(staging: number, rows: number, steps: number): void {
		const { features } = this.plan.spec;
		this.kernels.toTimeMajor(staging, rows, steps, features, this.#segments[0]!.input, rowStride(features), 0);
	}

	#forward(rows: number, save: boolean): void {
		let below: Segment | undefined;
		for (const segment of this.#segments) {
			if (below && segment.repeat) this.#repeat(below, segment, rows);
			const step = stepsOfRange(rows);
			for (let from = 0; from < segment.steps; from += step)
				this.#forwardRange(segment, from, Math.min(segment.steps, from + step), rows, save);
			below = segment;
		}
	}

	#forwardRange(segment: Segment, from: number, to: number, rows: number, save: boolean): void {
		for (const stage of segment.stages) {
			if (stage.kind === 'dense') this.kernels.denseForward(stage.descriptor, from * rows, to * rows);
			else this.kernels.recurrentForward(stage.descriptor, from, to, save ? 1 : 0);
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

	/** Sets the gathered gradients to zero. */
	clearGradients(): void {
		this.#prepareTraining();
		this.memory.zero(this.#gradients, this.#packedCount * 4);
	}

	/** Adds the gradient of some rows to what has been gathered; returns their scaled loss. */
	addGradients(request: GradientRequest): number {
		this.#prepareTraining();
		this.#packTransposed();
		let total = 0;
		for (const { from, to } of groupsOf(request.from, request.to, trainingRows)) {
			const { target } = this.#runGroup(request, from, to, true);
			total += this.#backward(to - from, target, request);
		}
		return total * request.scale;
	}

	/** Loss of some rows without training, scaled. */
	lossOf(request: GradientRequest): number {
		const { outputWidth } = this.plan;
		const last = this.#segments.at(-1)!;
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
		this.#clearStates(rows, training);
		this.#forward(rows, training);
		return { target, outSteps };
	}

	#backward(rows: number, target: number, request: GradientRequest): number {
		let total = 0;
		const kind = lossKinds[request.loss];
		const width = this.plan.outputWidth;
		for (let index = this.#segments.length - 1; index >= 0; index--) {
			const segment = this.#segments[index]!;
			const above = this.#segments[index + 1];
			const last = segment.stages.at(-1)!;
			const recurrentEnd = last.kind !== 'dense';
			const endsInVector = above !== undefined || (recurrentEnd && !this.plan.sequenceOut);
			if (above) this.#gradientFromAbove(segment, above, rows);
			else if (endsInVector) {
				const place = recurrentEnd ? last.stateGradient : segment.gradients.at(-1)!;
				total += this.kernels.loss(kind, segment.result, target, rows, width, last.outputStride, request.scale, place);
			}
			const step = stepsOfRange(rows);
			const ranges = Math.ceil(segment.steps / step);
			for (let range = ranges - 1; range >= 0; range--) {
				const from = range * step;
				const to = Math.min(segment.steps, from + step);
				if (!endsInVector) {
					const offset = from * rows * last.outputStride;
					total += this.kernels.loss(
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
		this.kernels.sumSteps(above.gradients[0]!, above.steps, rows * last.outputStride, to);
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
				this.kernels.denseBackward(stage.descriptor, from * rows, to * rows);
			} else {
				writeRecurrent(this.memory, stage.descriptor, fields);
				this.kernels.recurrentBackward(stage.descriptor, from, to);
			}
		}
	}

	/** One step of Adam or AdamW with the gathered gradients; returns their norm before clipping. */
	applyAdam(request: AdamRequest): number {
		this.#prepareTraining();
		const { step, learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0, clipNorm = 0 } = request;
		const norm = Math.sqrt(this.kernels.sumSquares(this.#gradients, this.#packedCount));
		const scale = clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1;
		const root = Math.sqrt(1 - beta2 ** step);
		for (const { panels, at } of this.#stages) {
			const offset = at * 4;
			this.kernels.adam(
				this.#weights + offset,
				this.#gradients + offset,
				this.#first + offset,
				this.#second + offset,
				panels.panels,
				panels.panelRows,
				panels.biasRows,
				(learningRate * root) / (1 - beta1 ** step),
				1 - learningRate * weightDecay,
				beta1,
				beta2,
				1 - beta1,
				1 - beta2,
				epsilon * root,
				scale
			);
		}
		this.#weightsChanged();
		return norm;
	}

	/**
	 * Live scoring of `lanes` sequences that keep their state; each step gives what the network would give for the sequence so
	 * far. Throws `unsupported` for a network that repeats a vector.
	 */
	openStream(lanes: number): FusedStream {
		if (this.#segments.some(({ repeat }) => repeat > 0))
			throw new MillwrightError('unsupported', 'A network that repeats a vector cannot score a stream step by step.', {
				layers: this.plan.layers.map(({ name }) => name)
			});
		const { plan, memory } = this;
		const recurrent = this.#stages.filter(({ kind }) => kind !== 'dense');
		const last = this.#segments.at(-1)!;
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
					this.#forward(rows, false);
					const { outputStride } = last.stages.at(-1)!;
					this.kernels.fromTimeMajor(last.result, rows, 1, plan.outputWidth, staging, outputStride, 0);
					store(staging, places);
				}
			},
			lanes
		);
	}
}

function newSegment(repeat: number): Segment {
	return { stages: [], repeat, steps: 0, input: 0, result: 0, gradients: [] };
}

function activationOf(spec: NetworkPlan['layers'][number]['spec']): number {
	return spec.kind === 'dense' ? activations[spec.activation ?? 'linear'] : 0;
}

const stepsOfRange = (rows: number) => Math.max(1, Math.floor(rangeRows / rows));

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
