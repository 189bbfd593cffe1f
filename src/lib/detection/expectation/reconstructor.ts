/**
 * State Detection: an autoencoder on the engine, giving windows of several machines back through a narrow latent.
 *
 * In: the newest rows of each machine that is due. Out: what of the newest rows it could not give back. A variational one scores
 * with the mean of its latent: the sampled noise and the variance only serve training.
 */
import { MillwrightError, type ReconstructorSpec, type WeightEntry } from '../../contracts';
import type { Engine, LayerSpec, Network, NetworkSpec } from '../../neural/engine';

/** Encoder LSTM -> latent -> repeated for every step -> decoder LSTM -> one row per step. */
export function reconstructorNetwork(spec: ReconstructorSpec, latent: LayerSpec): NetworkSpec {
	return {
		features: spec.features,
		layers: [
			{ kind: 'lstm', units: spec.units, returnSequences: false },
			latent,
			{ kind: 'repeat-vector', steps: spec.windowSteps },
			{ kind: 'lstm', units: spec.units, returnSequences: true },
			{ kind: 'dense', units: spec.features, activation: 'linear' }
		]
	};
}

export function scoringNetwork(spec: ReconstructorSpec): NetworkSpec {
	return reconstructorNetwork(spec, { kind: 'dense', units: spec.latent, activation: 'linear' });
}

/** Number of weights that scoring needs. */
export function reconstructorWeights(spec: ReconstructorSpec): number {
	const { features, units, latent } = spec;
	const lstm = (inputs: number) => 4 * units * (inputs + units + 1);
	return lstm(features) + latent * (units + 1) + lstm(latent) + features * (units + 1);
}

/** Names and shapes as `model.json` lists them. */
export function reconstructorEntries(spec: ReconstructorSpec, shapes: Network['weightShapes']): WeightEntry[] {
	return shapes.map(({ name, shape }) => ({ name: `${spec.kind}/${name}`, shape: [...shape] }));
}

export class Reconstructor {
	private readonly network: Network;

	constructor(
		engine: Engine,
		readonly spec: ReconstructorSpec,
		weights: Float32Array
	) {
		if (weights.length !== reconstructorWeights(spec))
			throw new MillwrightError(
				'invalid-model',
				`The ${spec.kind} needs ${reconstructorWeights(spec)} weights, found ${weights.length}`
			);
		this.network = engine.createNetwork(scoringNetwork(spec), 0);
		this.network.setWeights(weights);
	}

	/** windows [count, windowSteps, features] -> per window its newest `hopRows` rows minus what came back. */
	residuals(windows: Float32Array, count: number): Float32Array[][] {
		const { windowSteps, features, hopRows } = this.spec;
		const back = this.network.predictNow(windows, count, windowSteps);
		const size = windowSteps * features;
		return Array.from({ length: count }, (_, w) =>
			Array.from({ length: hopRows }, (__, r) => {
				const from = w * size + (windowSteps - hopRows + r) * features;
				return Float32Array.from({ length: features }, (___, i) => windows[from + i]! - back[from + i]!);
			})
		);
	}

	dispose(): void {
		this.network.dispose();
	}
}
