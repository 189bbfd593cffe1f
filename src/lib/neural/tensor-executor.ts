/**
 * Neural: an executor on TensorFlow.js tensors and our registered kernels, on whichever backend is current.
 * In: flat rows. Out: flat rows. Owns its weight, gradient and moment tensors; everything else ends with the call.
 */
import { add, concat, dispose, keep, reshape, tensor, tidy, zeros, type Tensor } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../contracts/error';
import type { NetworkStream } from './engine';
import type { AdamSetting, Chunk, ChunkPlace, Executor, LossName, Moments } from './executor';
import { rowSizes } from './fit-data';
import { forwardOf, gradientOfChunk, lossOfChunk } from './gradient';
import { runFusedAdam } from './kernels/adam-kernel';
import { sizeOf, type NetworkPlan } from './network-spec';
import { openStream } from './stream';

export class TensorExecutor implements Executor {
	private weights: Tensor[] = [];
	private moments: { m: Tensor[]; v: Tensor[] } | undefined;
	private gradients: Tensor[] | undefined;
	private lossSum: Tensor | undefined;

	/** `activate` makes this executor's backend current. `readsAtOnce`: the backend's memory can be read without waiting. */
	constructor(
		readonly plan: NetworkPlan,
		private readonly activate: () => void,
		private readonly readsAtOnce: boolean
	) {}

	setWeights(flat: Float32Array): void {
		this.activate();
		const before = this.weights;
		this.weights = this.tensorsOf(flat);
		dispose(before);
	}

	readWeights(): Promise<Float32Array> {
		return this.read(this.weights);
	}

	async score(inputs: Float32Array, rows: number, steps: number): Promise<Float32Array> {
		return this.take(this.forward(inputs, rows, steps));
	}

	scoreNow(inputs: Float32Array, rows: number, steps: number): Float32Array {
		const y = this.forward(inputs, rows, steps);
		const output = y.dataSync() as Float32Array;
		y.dispose();
		return output;
	}

	private forward(inputs: Float32Array, rows: number, steps: number): Tensor {
		this.activate();
		return tidy(() =>
			forwardOf(this.plan, this.weights, tensor(inputs, [rows, steps, this.plan.spec.features], 'float32'))
		);
	}

	async evaluate(chunk: Chunk, loss: LossName): Promise<number> {
		this.activate();
		const sum = tidy(() => {
			const { x, target } = this.tensorsOfChunk(chunk);
			return lossOfChunk(this.plan, this.weights, x, target, this.scaleOf(chunk, loss, chunk.rows));
		});
		return (await this.take(sum))[0]!;
	}

	startTraining(moments?: Moments): void {
		this.activate();
		this.endTraining();
		const empty = () => this.plan.weights.map((weight) => keep(zeros(weight.shape as number[])));
		this.moments = moments
			? { m: this.tensorsOf(moments.m), v: this.tensorsOf(moments.v) }
			: { m: empty(), v: empty() };
	}

	accumulate(chunk: Chunk, place: ChunkPlace): void {
		this.activate();
		const before = [...(this.lossSum ? [this.lossSum] : []), ...(this.gradients ?? [])];
		const [lossSum, ...gradients] = tidy(() => {
			const { x, target } = this.tensorsOfChunk(chunk);
			const scale = this.scaleOf(chunk, place.loss, place.batchRows);
			const part = gradientOfChunk(this.plan, this.weights, x, target, scale, place);
			const sums = [this.lossSum ? add(this.lossSum, part.loss) : part.loss];
			part.gradients.forEach((gradient, k) => sums.push(this.gradients ? add(this.gradients[k]!, gradient) : gradient));
			return sums;
		}) as [Tensor, ...Tensor[]];
		dispose(before);
		this.lossSum = keep(lossSum);
		this.gradients = gradients.map((gradient) => keep(gradient));
	}

	async takeLoss(): Promise<number> {
		const sum = this.lossSum;
		if (!sum) return 0;
		this.lossSum = undefined;
		return (await this.take(sum))[0]!;
	}

	async readGradient(): Promise<Float32Array> {
		return this.gradients ? this.read(this.gradients) : new Float32Array(this.plan.weightCount);
	}

	takeGradient(): Promise<Float32Array> {
		return this.readGradient();
	}

	setGradient(flat: Float32Array): void {
		this.activate();
		if (this.gradients) dispose(this.gradients);
		this.gradients = this.tensorsOf(flat);
	}

	step(setting: AdamSetting): void {
		this.activate();
		const { moments, gradients } = this;
		if (!moments || !gradients) throw new MillwrightError('internal', 'An optimiser step needs a gradient.');
		const next = runFusedAdam({ weights: this.weights, ...moments }, gradients, {
			...setting,
			count: this.plan.weights.length,
			decays: this.plan.weights.map((weight) => weight.decays)
		});
		dispose([...this.weights, ...moments.m, ...moments.v, ...gradients, next.norm]);
		this.weights = next.weights;
		this.moments = { m: next.m, v: next.v };
		this.gradients = undefined;
	}

	async readMoments(): Promise<Moments> {
		if (!this.moments) throw new MillwrightError('internal', 'Moments exist only while training.');
		return { m: await this.read(this.moments.m), v: await this.read(this.moments.v) };
	}

	endTraining(): void {
		dispose([...(this.moments?.m ?? []), ...(this.moments?.v ?? []), ...(this.gradients ?? [])]);
		this.lossSum?.dispose();
		this.moments = undefined;
		this.gradients = undefined;
		this.lossSum = undefined;
	}

	openStream(lanes: number): NetworkStream {
		return openStream(this.plan, lanes, () => this.weights, this.activate);
	}

	dispose(): void {
		this.endTraining();
		dispose(this.weights);
		this.weights = [];
	}

	private tensorsOfChunk(chunk: Chunk): { x: Tensor; target: Tensor } {
		const { targetShape } = rowSizes(this.plan, chunk.steps);
		return {
			x: tensor(chunk.inputs, [chunk.rows, chunk.steps, this.plan.spec.features], 'float32'),
			target: tensor(chunk.targets, [chunk.rows, ...targetShape], 'float32')
		};
	}

	private scaleOf(chunk: Chunk, loss: LossName, batchRows: number) {
		return { loss, lossScale: 1 / rowSizes(this.plan, chunk.steps).target, rowScale: 1 / batchRows };
	}

	/** Kept tensors, one per weight; the numbers are copied. */
	private tensorsOf(flat: Float32Array): Tensor[] {
		let at = 0;
		return this.plan.weights.map(({ shape }) =>
			keep(tensor(flat.slice(at, (at += sizeOf(shape))), shape as number[], 'float32'))
		);
	}

	private async take(result: Tensor): Promise<Float32Array> {
		try {
			return (await result.data()) as Float32Array;
		} finally {
			result.dispose();
		}
	}

	/** All numbers of the tensors, one after the other. */
	private async read(tensors: readonly Tensor[]): Promise<Float32Array> {
		this.activate();
		if (!this.readsAtOnce) return this.take(tidy(() => concat(tensors.map((part) => reshape(part, [-1])))));
		const all = new Float32Array(tensors.reduce((sum, part) => sum + part.size, 0));
		let at = 0;
		for (const part of tensors) {
			all.set(part.dataSync() as Float32Array, at);
			at += part.size;
		}
		return all;
	}
}
