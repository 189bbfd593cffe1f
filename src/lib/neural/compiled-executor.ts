/**
 * Neural: an executor on the compiled kernels that hold a whole network in one memory (wasm/fused-network.ts): forward, loss,
 * gradient and Adam without a tensor in between. In: flat rows. Out: flat rows.
 */
import { MillwrightError } from '../contracts/error';
import type { NetworkStream } from './engine';
import type { AdamSetting, Chunk, ChunkPlace, Executor, LossName, Moments } from './executor';
import { rowSizes } from './fit-data';
import type { NetworkPlan } from './network-spec';
import { supportsFused } from './wasm/fused-layers';
import { FusedNetwork } from './wasm/fused-network';
import type { LstmModule } from './wasm/module';

export { supportsFused };

export class CompiledExecutor implements Executor {
	private readonly network: FusedNetwork;
	private lossSum = 0;
	private gathering = false;
	private training = false;

	/** `check` throws when the engine may no longer be used. Throws `unsupported` unless `supportsFused(plan)`. */
	constructor(
		module: LstmModule,
		readonly plan: NetworkPlan,
		private readonly check: () => void = () => {}
	) {
		this.network = new FusedNetwork(module, plan);
	}

	setWeights(flat: Float32Array): void {
		this.network.weights.set(flat);
	}

	async readWeights(): Promise<Float32Array> {
		return this.network.weights.get();
	}

	async score(inputs: Float32Array, rows: number, steps: number): Promise<Float32Array> {
		return this.scoreNow(inputs, rows, steps);
	}

	scoreNow(inputs: Float32Array, rows: number, steps: number): Float32Array {
		return this.network.predict(inputs, rows, steps);
	}

	async evaluate(chunk: Chunk, loss: LossName): Promise<number> {
		return this.network.lossOf(this.request(chunk, loss, 1));
	}

	startTraining(moments?: Moments): void {
		this.network.weights.setMoments(moments && { m: moments.m, v: moments.v });
		this.lossSum = 0;
		this.gathering = false;
		this.training = true;
	}

	accumulate(chunk: Chunk, place: ChunkPlace): void {
		this.check();
		this.beginGradient();
		this.lossSum += this.network.addGradients(this.request(chunk, place.loss, place.batchRows)) * place.batchRows;
	}

	async takeLoss(): Promise<number> {
		const sum = this.lossSum;
		this.lossSum = 0;
		return sum;
	}

	async readGradient(): Promise<Float32Array> {
		this.beginGradient();
		return this.network.weights.getGradients();
	}

	async takeGradient(): Promise<Float32Array> {
		this.beginGradient();
		return this.network.weights.packedGradients().slice();
	}

	gradientInPlace(): Float32Array {
		this.beginGradient();
		return this.network.weights.packedGradients();
	}

	setGradient(flat: Float32Array): void {
		this.network.weights.packedGradients().set(flat);
		this.gathering = true;
	}

	step(setting: AdamSetting): void {
		if (!this.training || !this.gathering) throw new MillwrightError('internal', 'An optimiser step needs a gradient.');
		this.network.weights.applyAdam(setting);
		this.gathering = false;
	}

	async readMoments(): Promise<Moments> {
		return this.network.weights.getMoments();
	}

	endTraining(): void {
		this.training = false;
		this.gathering = false;
		this.lossSum = 0;
	}

	openStream(lanes: number): NetworkStream {
		return this.network.openStream(lanes);
	}

	/** The kernels' memory goes with the last reference to it. */
	dispose(): void {
		this.endTraining();
	}

	private beginGradient(): void {
		if (!this.gathering) this.network.weights.clearGradients();
		this.gathering = true;
	}

	private request(chunk: Chunk, loss: LossName, batchRows: number) {
		const { inputs, targets, rows, steps } = chunk;
		return {
			inputs,
			targets,
			steps,
			from: 0,
			to: rows,
			loss,
			scale: 1 / (batchRows * rowSizes(this.plan, steps).target)
		};
	}
}
