/**
 * Neural: a network on one backend, behind the `Network` interface. In: a specification and a seed. Out: predictions,
 * training, weights, streams. Owns its weight tensors; everything else lives no longer than a call.
 */
import { isAborted, MillwrightError } from '../contracts/error';
import type { LoadedBackend } from './backends';
import type { FitCheckpoint, FitData, FitOptions, FitResult, Network, NetworkSpec, NetworkStream } from './engine';
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
	/** The backend in use: changes when one is lost. */
	loaded(): LoadedBackend;
	traits(): {
		/** Floating-point operations that one uninterrupted piece of work may take. */
		readonly chunkFlops: number;
		/** Batches between two looks at the loss. */
		readonly lossEvery: number;
		/** The backend may go away while in use, with all that is on it. */
		readonly canBeLost: boolean;
	};
	createExecutor(plan: NetworkPlan): Executor;
	/** On a backend that answers at once, for the streams of a network whose own backend cannot. */
	createStreamExecutor(plan: NetworkPlan): Executor;
	/** Gradients shared over workers; undefined where there are none to be had. */
	shareGradients(executor: Executor, data: FitData, options: FitOptions, chunkRows: number): BatchGradients | undefined;
	/** True when `failed` was lost and another backend is in use now. */
	recover(failed: LoadedBackend): Promise<boolean>;
}

export class EngineNetwork implements Network {
	readonly spec: NetworkSpec;
	readonly weightShapes: Network['weightShapes'];
	private readonly plan: NetworkPlan;
	private executor: Executor;
	private loaded: LoadedBackend;
	/** Copy on the host of weights whose backend can be lost. */
	private safeWeights: Float32Array | undefined;
	/** Runs the streams where the backend cannot answer at once; follows the weights. */
	private streamExecutor: Executor | undefined;
	private readonly streams = new Set<NetworkStream>();
	private fitting = false;
	private disposed = false;

	constructor(
		private readonly host: Host,
		spec: NetworkSpec,
		seed: number,
		private readonly onDispose: () => void = () => {}
	) {
		this.plan = planNetwork(spec);
		this.spec = this.plan.spec;
		this.weightShapes = this.plan.weights.map(({ name, shape }) => ({ name, shape }));
		host.check();
		this.loaded = host.loaded();
		this.executor = host.createExecutor(this.plan);
		this.putWeights(joinWeights(initialWeights(this.plan, seed)));
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
			const to = Math.min(count, from + chunk);
			const rows = pickRows(inputs, sizes.input, undefined, from, to);
			output.set(await this.surviving(() => this.executor.score(rows, to - from, steps)), from * sizes.target);
			await turn();
		}
		return output;
	}

	predictNow(inputs: Float32Array, count: number, steps: number): Float32Array {
		this.use();
		checkInputs(this.plan, inputs, count, steps, 'Prediction');
		const executor = this.executorForStreams();
		if (!executor.scoreNow) throw new MillwrightError('unsupported', 'This backend cannot answer at once.');
		return executor.scoreNow(inputs, count, steps);
	}

	async fit(data: FitData, options: FitOptions): Promise<FitResult> {
		this.use();
		if (this.fitting) throw new MillwrightError('invalid-input', 'This network is already training.');
		checkFit(this.plan, data, options);
		this.fitting = true;
		let resumeFrom = options.resumeFrom;
		const onCheckpoint = (checkpoint: FitCheckpoint) => {
			resumeFrom = checkpoint;
			options.onCheckpoint?.(checkpoint);
		};
		try {
			return await this.surviving(() => {
				const { executor, host } = this;
				const { canBeLost, lossEvery } = host.traits();
				const chunkRows = this.chunkRows(data.steps);
				const gradients =
					((options.workers ?? 1) > 1 ? host.shareGradients(executor, data, options, chunkRows) : undefined) ??
					localGradients(executor, data, options, chunkRows);
				const keeps = options.onCheckpoint || canBeLost ? { onCheckpoint } : {};
				return runFit({ executor, chunkRows, gradients, lossEvery }, data, { ...options, ...keeps, resumeFrom });
			});
		} finally {
			this.fitting = false;
			if (this.disposed) this.executor.dispose();
			else if (this.host.traits().canBeLost) await this.saveWeights();
		}
	}

	async getWeights(): Promise<Float32Array> {
		this.use();
		return this.surviving(() => this.executor.readWeights());
	}

	setWeights(weights: Float32Array): void {
		this.use();
		if (this.fitting)
			throw new MillwrightError('invalid-input', 'This network is training: its weights cannot be set.');
		splitWeights(this.plan, weights);
		this.putWeights(weights);
	}

	openStream(lanes: number): NetworkStream {
		this.use();
		requireStreamable(this.plan);
		if (!Number.isInteger(lanes) || lanes < 1)
			throw new MillwrightError('invalid-input', `A stream needs 1 or more lanes, found ${lanes}.`, { found: lanes });
		const stream = guardInputs(this.executorForStreams().openStream(lanes), this.spec.features);
		this.streams.add(stream);
		return stream;
	}

	dispose(): void {
		if (this.disposed) return;
		this.streams.forEach((stream) => stream.dispose());
		this.disposed = true;
		// A job in flight gives its memory back when it ends.
		if (!this.fitting) this.executor.dispose();
		this.streamExecutor?.dispose();
		this.onDispose();
	}

	private use(): void {
		if (this.disposed) throw new MillwrightError('invalid-input', 'This network has been disposed.');
		this.host.check();
	}

	private chunkRows(steps: number): number {
		return chunkRowsFor(forwardFlops(this.plan, steps), this.host.traits().chunkFlops);
	}

	private putWeights(weights: Float32Array): void {
		if (this.host.traits().canBeLost) this.safeWeights = weights.slice();
		this.executor.setWeights(weights);
		this.streamExecutor?.setWeights(weights);
	}

	/** After training: what was learnt is copied to where it cannot be lost, and to the streams. */
	private async saveWeights(): Promise<void> {
		this.safeWeights = await this.executor.readWeights().catch(() => this.safeWeights);
		if (this.safeWeights) this.streamExecutor?.setWeights(this.safeWeights);
	}

	private executorForStreams(): Executor {
		if (!this.host.traits().canBeLost) return this.executor;
		if (!this.streamExecutor) {
			this.streamExecutor = this.host.createStreamExecutor(this.plan);
			this.streamExecutor.setWeights(this.safeWeights!);
		}
		return this.streamExecutor;
	}

	/** Does the work, and once more on the next backend when the one in use was lost meanwhile. */
	private async surviving<T>(work: () => Promise<T>): Promise<T> {
		try {
			this.use();
			return await work();
		} catch (error) {
			if (isAborted(error) || this.disposed || !(await this.host.recover(this.loaded))) throw error;
			this.executor.dispose();
			this.loaded = this.host.loaded();
			this.executor = this.host.createExecutor(this.plan);
			if (this.safeWeights) this.putWeights(this.safeWeights);
			return work();
		}
	}
}

/** A stream that refuses values that are not finite: one of them would spoil a lane for good. */
function guardInputs(stream: NetworkStream, features: number): NetworkStream {
	return {
		lanes: stream.lanes,
		step(inputs, lanes) {
			for (let k = 0; k < inputs.length; k++)
				if (!Number.isFinite(inputs[k])) {
					const lane = lanes[Math.floor(k / features)];
					throw new MillwrightError(
						'invalid-input',
						`Stream step: feature ${k % features} of lane ${lane} is not finite (${inputs[k]}).`,
						{
							lane,
							element: k % features,
							found: String(inputs[k])
						}
					);
				}
			return stream.step(inputs, lanes);
		},
		reset: (lane) => stream.reset(lane),
		saveState: (lane) => stream.saveState(lane),
		restoreState: (lane, state) => stream.restoreState(lane, state),
		dispose: () => stream.dispose()
	};
}
