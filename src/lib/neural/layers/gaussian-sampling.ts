/**
 * Neural: `GaussianSampling`, the latent of a variational autoencoder as a layer for TensorFlow.js models (Kingma & Welling 2014).
 * In: [mean, logVariance], each [batch, units]. Out: mean + exp(logVariance / 2) * noise in training, else the mean.
 * `klDivergence` gives what a caller adds to the loss.
 */
import {
	add,
	exp,
	mean,
	mul,
	randomNormal,
	serialization,
	square,
	sub,
	sum,
	tidy,
	type Scalar,
	type Tensor
} from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

export class GaussianSampling extends layers.Layer {
	static readonly className = 'GaussianSampling';
	private readonly seed: number | undefined;

	constructor(args: { name?: string; seed?: number } = {}) {
		super(args as never);
		this.seed = args.seed;
	}

	override computeOutputShape(inputShape: Shape | Shape[]): Shape {
		return (inputShape as Shape[])[0]!;
	}

	override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor {
		const [center, logVariance] = inputs as [Tensor, Tensor];
		return tidy(() => {
			if (!kwargs?.training) return add(center, 0);
			const noise = randomNormal(center.shape as [number, number], 0, 1, 'float32', this.seed);
			return add(center, mul(exp(mul(logVariance, 0.5)), noise));
		});
	}

	override getConfig(): serialization.ConfigDict {
		return { ...super.getConfig(), seed: this.seed ?? null };
	}
}

serialization.registerClass(GaussianSampling as never);

/** KL(N(mean, exp(logVariance)) || N(0, 1)): summed over units, averaged over rows. */
export function klDivergence(center: Tensor, logVariance: Tensor): Scalar {
	return tidy(() => {
		const elements = sub(add(square(center), exp(logVariance)), add(logVariance, 1));
		return mean(mul(sum(elements, -1), 0.5)) as Scalar;
	});
}
