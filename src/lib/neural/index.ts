/**
 * Neural: the LSTM engine on TensorFlow.js. In: which backends may be used and for what. Out: an `Engine` on the best one
 * that gives right answers here, and a report of what was tried and why not.
 */
import { memory } from '@tensorflow/tfjs-core';
import { MillwrightError, toPlainError } from '../contracts/error';
import { chooseBackend, nextBackend, type Choice } from './backend-choice';
import type { BackendName } from './backends';
import { createExecutor } from './create-executor';
import type { BackendReport, Engine, EngineOptions, Network, NetworkSpec } from './engine';
import { eventTurn } from './event-turn';
import { EngineNetwork, type Host } from './network';
import { planNetwork } from './network-spec';
import { shareGradients } from './parallel/share-gradients';

export * from './engine';
export * from './keras';

/** Longest uninterrupted piece of work, in floating-point operations: well under 200 ms on a slow tablet. */
const chunkFlops: Record<BackendName, number> = { webgpu: 20e9, wasm: 1.55e9, cpu: 0.1e9 };

/** Numbers in all weights of a network. Throws `invalid-model` for one that makes no sense, naming the layer. */
export function weightCountOf(spec: NetworkSpec): number {
	return planNetwork(spec).weightCount;
}

/** Starts an engine in this thread (a worker, or Node). Throws `backend-unavailable` when no backend works. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
	return new LstmEngine(await chooseBackend(options));
}

class LstmEngine implements Engine {
	private readonly networks = new Set<Network>();
	private disposed = false;
	private recovering: Promise<boolean> | undefined;

	constructor(private choice: Choice) {}

	get report(): BackendReport {
		return this.choice.report;
	}

	createNetwork(spec: NetworkSpec, seed: number): Network {
		const network = new EngineNetwork(this.host(), spec, seed, () => this.networks.delete(network));
		this.networks.add(network);
		return network;
	}

	tensorCount(): number {
		return memory().numTensors;
	}

	async dispose(): Promise<void> {
		this.networks.forEach((network) => network.dispose());
		this.networks.clear();
		this.disposed = true;
	}

	private check(): void {
		if (this.disposed) throw new MillwrightError('invalid-input', 'The engine has been disposed.');
	}

	private host(): Host {
		return {
			check: () => this.check(),
			traits: () => {
				const { name } = this.choice.loaded;
				return { chunkFlops: chunkFlops[name], lossEvery: name === 'webgpu' ? 2 : 1, canBeLost: name === 'webgpu' };
			},
			loaded: () => this.choice.loaded,
			createExecutor: (plan) => createExecutor(this.choice.loaded, plan, () => this.check()),
			createStreamExecutor: (plan) => createExecutor(this.choice.streams, plan, () => this.check()),
			shareGradients: (...parts) => {
				const { loaded } = this.choice;
				return loaded.name === 'webgpu' || typeof Worker === 'undefined' ? undefined : shareGradients(loaded, ...parts);
			},
			recover: (failed) => this.recover(failed)
		};
	}

	/** Moves to the next backend when the one in use has lost its device. Several networks may ask at once. */
	private async recover(failed: Choice['loaded']): Promise<boolean> {
		// A read may fail a moment before the device says that it is gone.
		for (let turn = 0; turn < 3 && failed.isLost; turn++) await eventTurn();
		if (failed !== this.choice.loaded) return true;
		if (!failed.isLost?.()) return false;
		this.recovering ??= nextBackend(this.choice, 'its device was lost')
			.then((choice) => {
				this.choice = choice;
				choice.options.onReport?.(choice.report);
				return true;
			})
			.catch((error: unknown) => {
				throw new MillwrightError(
					'device-lost',
					`The graphics device was lost and nothing else works: ${toPlainError(error).message}`
				);
			})
			.finally(() => (this.recovering = undefined));
		return this.recovering;
	}
}

export { eventTurn } from './event-turn';
