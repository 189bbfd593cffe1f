/**
 * Neural: a network on one backend, behind the `Network` interface. In: a specification and a seed. Out: predictions,
 * training, weights, streams. Owns its weight tensors; everything else lives no longer than a call.
 */
import { concat, dispose, keep, reshape, tidy, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../contracts/error';
import type { FitData, FitOptions, FitResult, Network, NetworkSpec, NetworkStream } from './engine';
import { pacedTurns } from './event-turn';
import { checkInputs, pickRows, rowSizes } from './fit-data';
import {
	checkFit,
	chunkRowsFor,
	localGradients,
	runFit,
	tensorsOf,
	type BatchGradients,
	type WeightHolder
} from './fit';
import { forwardOf } from './gradient';
import { forwardFlops, initialWeights, planNetwork, type NetworkPlan } from './network-spec';
import { openStream } from './stream';

/** What a network needs to know of its backend. */
export interface Host {
	readonly backend: 'webgpu' | 'wasm' | 'cpu';
	/** Makes this backend current (several may live in one thread). Throws when the engine has been disposed. */
	activate(): void;
	/** Floating-point operations that one uninterrupted piece of work may take. */
	readonly chunkFlops: number;
	/** Gradients shared over workers; undefined where there are none to be had. */
	readonly shareGradients?: (
		plan: NetworkPlan,
		holder: WeightHolder,
		data: FitData,
		options: FitOptions,
		chunkRows: number
	) => Promise<BatchGradients>;
}

export class TensorNetwork implements Network {
	readonly spec: NetworkSpec;
	readonly weightShapes: Network['weightShapes'];
	private readonly plan: NetworkPlan;
	private readonly streams = new Set<NetworkStream>();
	private weights: Tensor[];
	private fitting = false;
	private disposed = false;

	constructor(
		private readonly host: Host,
		spec: NetworkSpec,
		seed: number
	) {
		this.plan = planNetwork(spec);
		this.spec = this.plan.spec;
		this.weightShapes = this.plan.weights.map(({ name, shape }) => ({ name, shape }));
		host.activate();
		this.weights = initialWeights(this.plan, seed).map((values, k) =>
			keep(tensor(values, this.plan.weights[k]!.shape as number[], 'float32'))
		);
	}

	async predict(inputs: Float32Array, count: number, steps: number): Promise<Float32Array> {
		this.use();
		checkInputs(this.plan, inputs, count, steps, 'Prediction');
		const sizes = rowSizes(this.plan, steps);
		const output = new Float32Array(count * sizes.target);
		// Scoring costs a third of training, so three times the rows fit into one piece of work.
		const chunk = Math.max(1, Math.min(256, 3 * chunkRowsFor(forwardFlops(this.plan, steps), this.host.chunkFlops)));
		const turn = pacedTurns();
		for (let from = 0; from < count; from += chunk) {
			const to = Math.min(count, from + chunk);
			this.use();
			const y = tidy(() => {
				const rows = pickRows(inputs, sizes.input, undefined, from, to);
				return forwardOf(this.plan, this.weights, tensor(rows, [to - from, steps, this.spec.features], 'float32'));
			});
			output.set(await this.read([y]), from * sizes.target);
			y.dispose();
			await turn();
		}
		return output;
	}

	async fit(data: FitData, options: FitOptions): Promise<FitResult> {
		this.use();
		if (this.fitting) throw new MillwrightError('invalid-input', 'This network is already training.');
		checkFit(this.plan, data, options);
		this.fitting = true;
		try {
			const chunkRows = chunkRowsFor(forwardFlops(this.plan, data.steps), this.host.chunkFlops);
			const read = (tensors: readonly Tensor[]) => this.read(tensors);
			const holder = this.holder();
			const shared = (options.workers ?? 1) > 1 ? this.host.shareGradients : undefined;
			const gradients = shared
				? await shared(this.plan, holder, data, options, chunkRows)
				: localGradients(this.plan, holder, data, options, chunkRows, read);
			return await runFit({ plan: this.plan, holder, chunkRows, gradients, read }, data, options);
		} finally {
			this.fitting = false;
		}
	}

	async getWeights(): Promise<Float32Array> {
		this.use();
		return this.read(this.weights);
	}

	setWeights(weights: Float32Array): void {
		this.use();
		if (this.fitting)
			throw new MillwrightError('invalid-input', 'This network is training: its weights cannot be set.');
		this.holder().replace(tensorsOf(this.plan, weights));
	}

	openStream(lanes: number): NetworkStream {
		this.use();
		const stream = openStream(
			this.plan,
			lanes,
			() => this.weights,
			() => this.use()
		);
		this.streams.add(stream);
		return stream;
	}

	dispose(): void {
		if (this.disposed) return;
		this.streams.forEach((stream) => stream.dispose());
		dispose(this.weights);
		this.disposed = true;
	}

	private use(): void {
		if (this.disposed) throw new MillwrightError('invalid-input', 'This network has been disposed.');
		this.host.activate();
	}

	private holder(): WeightHolder {
		return {
			get: () => {
				this.use();
				return this.weights;
			},
			replace: (next) => {
				if (this.disposed) return dispose(next);
				dispose(this.weights);
				this.weights = next;
			}
		};
	}

	/** All numbers of the tensors, one after the other, in one read. */
	private async read(tensors: readonly Tensor[]): Promise<Float32Array> {
		this.host.activate();
		if (tensors.length === 1) return (await tensors[0]!.data()) as Float32Array;
		if (this.host.backend !== 'webgpu') {
			const parts = tensors.map((part) => part.dataSync() as Float32Array);
			const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
			let at = 0;
			for (const part of parts) {
				all.set(part, at);
				at += part.length;
			}
			return all;
		}
		const flat = tidy(() => concat(tensors.map((part) => reshape(part, [-1]))));
		const values = (await flat.data()) as Float32Array;
		flat.dispose();
		return values;
	}
}
