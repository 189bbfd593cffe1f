/**
 * Training: fits an autoencoder to windows of normal running.
 *
 * In: a plan and windows. Out: the weights that scoring needs. A variational one is fitted in stages with a growing weight of the
 * KL term (annealing, Bowman et al., CoNLL 2016): with all of it from the start the latent would never be used.
 */
import { isAborted } from '../contracts';
import { reconstructorNetwork, scoringNetwork } from '../detection';
import type { WindowSet } from '../manipulation';
import type { Engine, Network } from '../neural/engine';
import type { ReconstructorPlan } from './plan';

export interface ReconstructorFit {
	readonly weights: Float32Array;
	readonly shapes: Network['weightShapes'];
}

interface FitJob {
	readonly seed: number;
	readonly maxEpochs: number;
	readonly signal?: AbortSignal;
	readonly onFraction?: (fraction: number) => void;
}

/** Weights of the KL term, stage by stage, per element of the window: the loss is a mean over elements. */
const klStages = [0, 0.1, 0.4, 1];

export async function fitReconstructor(
	engine: Engine,
	plan: ReconstructorPlan,
	windows: WindowSet,
	job: FitJob
): Promise<ReconstructorFit> {
	const { spec } = plan;
	const elements = spec.windowSteps * spec.features;
	const variational = spec.kind === 'lstm-vae';
	const stages = variational ? klStages : [undefined];
	let weights: Float32Array | undefined;
	let shapes: Network['weightShapes'] = [];
	for (const [k, kl] of stages.entries()) {
		const latent =
			kl === undefined
				? ({ kind: 'dense', units: spec.latent, activation: 'linear' } as const)
				: ({ kind: 'gaussian-sampling', units: spec.latent, klWeight: kl / elements } as const);
		const network = engine.createNetwork(reconstructorNetwork(spec, latent), job.seed);
		try {
			if (weights) network.setWeights(weights);
			await network.fit(
				{ inputs: windows.inputs, targets: windows.inputs, count: windows.count, steps: windows.steps },
				{
					epochs: Math.max(2, Math.round(job.maxEpochs / stages.length)),
					batchSize: plan.batchSize,
					learningRate: plan.learningRate,
					learningRateSchedule: { kind: 'cosine', minimum: plan.learningRate / 20 },
					seed: job.seed + k,
					clipNorm: 1,
					signal: job.signal,
					onProgress: ({ lossCurve, epochs }) =>
						job.onFraction?.((k + Math.min(1, lossCurve.length / epochs)) / stages.length)
				}
			);
			job.signal?.throwIfAborted();
			weights = await network.getWeights();
			shapes = network.weightShapes;
		} catch (error) {
			if (job.signal?.aborted && !isAborted(error)) job.signal.throwIfAborted();
			throw error;
		} finally {
			network.dispose();
		}
	}
	return variational ? withoutVariance(engine, plan, weights!, shapes) : { weights: weights!, shapes };
}

/** Leaves out what only training needs: the layer that gives the latent's variance. */
function withoutVariance(
	engine: Engine,
	{ spec }: ReconstructorPlan,
	weights: Float32Array,
	shapes: Network['weightShapes']
): ReconstructorFit {
	const kept: number[] = [];
	let at = 0;
	for (const { name, shape } of shapes) {
		const size = shape.reduce((product, n) => product * n, 1);
		if (!name.includes('log_variance')) for (let i = 0; i < size; i++) kept.push(weights[at + i]!);
		at += size;
	}
	const scoring = engine.createNetwork(scoringNetwork(spec), 0);
	try {
		return { weights: Float32Array.from(kept), shapes: scoring.weightShapes };
	} finally {
		scoring.dispose();
	}
}
