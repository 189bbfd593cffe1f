/**
 * Neural: the LSTM engine on TensorFlow.js. In: which backends may be used and for what. Out: an `Engine` on the best one
 * that gives right answers here.
 */
import { memory } from '@tensorflow/tfjs-core';
import { MillwrightError, toPlainError } from '../contracts/error';
import { activateBackend, loadBackend, type BackendName } from './backends';
import type { BackendReport, Engine, EngineOptions, Network, NetworkSpec } from './engine';
import { EngineNetwork, type Host } from './network';
import { TensorExecutor } from './tensor-executor';

export * from './engine';

/** Longest uninterrupted piece of work, in floating-point operations: well under 200 ms on a slow tablet. */
const chunkFlops: Record<BackendName, number> = { webgpu: 20e9, wasm: 1.4e9, cpu: 0.1e9 };

/** Starts an engine in this thread (a worker, or Node). Throws `backend-unavailable` when no backend works. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
	const order: readonly BackendName[] = options.backends ?? ['wasm', 'cpu'];
	const rejected: { backend: string; reason: string }[] = [];
	for (const backend of order) {
		try {
			const detail = await loadBackend(backend);
			return new TensorEngine({ backend, detail, rejected });
		} catch (error) {
			rejected.push({ backend, reason: toPlainError(error).message });
		}
	}
	throw new MillwrightError(
		'backend-unavailable',
		`No backend can be used: ${rejected.map((r) => r.reason).join(' ')}`,
		{ rejected }
	);
}

class TensorEngine implements Engine {
	private readonly networks = new Set<Network>();
	private disposed = false;

	constructor(readonly report: BackendReport) {}

	createNetwork(spec: NetworkSpec, seed: number): Network {
		const network = new EngineNetwork(this.host(), spec, seed);
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

	private host(): Host {
		const { backend } = this.report;
		return {
			chunkFlops: chunkFlops[backend],
			lossEvery: backend === 'webgpu' ? 8 : 1,
			check: () => {
				if (this.disposed) throw new MillwrightError('invalid-input', 'The engine has been disposed.');
			},
			createExecutor: (plan) => new TensorExecutor(plan, () => activateBackend(backend), backend !== 'webgpu')
		};
	}
}
