/**
 * Neural: a network on one backend, behind the `Network` interface. In: a specification and a seed. Out: predictions,
 * training, weights, streams. Owns its weight tensors; everything else lives no longer than a call.
 */
import { MillwrightError } from '../contracts/error';
import type { FitData, FitOptions, FitResult, Network, NetworkSpec, NetworkStream } from './engine';
import { pacedTurns } from './event-turn';
import type { Executor } from './executor';
import { checkFit, chunkRowsFor, localGradients, runFit, type BatchGradients } from './fit';
import { checkInputs, pickRows, rowSizes } from './fit-data';
import { forwardFlops, initialWeights, joinWeights, planNetwork, splitWeights, type NetworkPlan } from './network-spec';
import { requireStreamable } from './stream';

/** What a network needs to know of the engine it runs on. */
export interface Host {
	/** Throws when the engine has been disposed. */
	check(): void;
	createExecutor(plan: NetworkPlan): Executor;
	/** Floating-point operations that one uninterrupted piece of work may take. */
	readonly chunkFlops: number;
	/** Batches between two looks at the loss. */
	readonly lossEvery: number;
	/** Gradients shared over workers; undefined where there are none to be had. */
	readonly shareGradients?: (
		executor: Executor,
		data: FitData,
		options: FitOptions,
		chunkRows: number
	) => Promise<BatchGradients>;
}

export class EngineNetwork implements Network {
	readonly spec: NetworkSpec;
	readonly weightShapes: Network['weightShapes'];
	private readonly plan: NetworkPlan;
	private readonly executor: Executor;
	private readonly streams = new Set<NetworkStream>();
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
		host.check();
		this.executor = host.createExecutor(this.plan);
		this.executor.setWeights(joinWeights(initialWeights(this.plan, seed)));
	}

	async predict(inputs: Float32Array, count: number, steps: number): Promise<Float32Array> {
		this.use();
		checkInputs(this.plan, inputs, count, steps, 'Prediction');
		const sizes = rowSizes(this.plan, steps);
		const output = new Float32Array(count * sizes.target);
		// Scoring costs a third of training, so three times the rows fit into one piece of work.
		const chunk = Math.min(256, 3 * this.chunkRows(steps));
		const turn = pacedTurns();
		for (let from = 0; from < count; from += chunk) {
			this.use();
			const to = Math.min(count, from + chunk);
			const rows = pickRows(inputs, sizes.input, undefined, from, to);
			output.set(await this.executor.score(rows, to - from, steps), from * sizes.target);
			await turn();
		}
		return output;
	}

	async fit(data: FitData, options: FitOptions): Promise<FitResult> {
		this.use();
		if (this.fitting) throw new MillwrightError('invalid-input', 'This network is already training.');
		checkFit(this.plan, data, options);
		this.fitting = true;
		const { executor, host } = this;
		try {
			const chunkRows = this.chunkRows(data.steps);
			const share = (options.workers ?? 1) > 1 ? host.shareGradients : undefined;
			const gradients = share
				? await share(executor, data, options, chunkRows)
				: localGradients(executor, data, options, chunkRows);
			return await runFit({ executor, chunkRows, gradients, lossEvery: host.lossEvery }, data, options);
		} finally {
			this.fitting = false;
			if (this.disposed) executor.dispose();
		}
	}

	async getWeights(): Promise<Float32Array> {
		this.use();
		return this.executor.readWeights();
	}

	setWeights(weights: Float32Array): void {
		this.use();
		if (this.fitting)
			throw new MillwrightError('invalid-input', 'This network is training: its weights cannot be set.');
		splitWeights(this.plan, weights);
		this.executor.setWeights(weights);
	}

	openStream(lanes: number): NetworkStream {
		this.use();
		requireStreamable(this.plan);
		if (!Number.isInteger(lanes) || lanes < 1)
			throw new MillwrightError('invalid-input', `A stream needs 1 or more lanes, found ${lanes}.`, { found: lanes });
		const stream = this.executor.openStream(lanes);
		this.streams.add(stream);
		return stream;
	}

	dispose(): void {
		if (this.disposed) return;
		this.streams.forEach((stream) => stream.dispose());
		this.disposed = true;
		// A job in flight gives its memory back when it ends.
		if (!this.fitting) this.executor.dispose();
	}

	private use(): void {
		if (this.disposed) throw new MillwrightError('invalid-input', 'This network has been disposed.');
		this.host.check();
	}

	private chunkRows(steps: number): number {
		return chunkRowsFor(forwardFlops(this.plan, steps), this.host.chunkFlops);
	}
}
