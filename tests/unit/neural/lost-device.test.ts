/** A backend that goes away while in use: work goes on where it was, on the next one, with the same result. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { FitData, FitProgress, NetworkSpec } from '$lib/neural';
import { loadBackend, type LoadedBackend } from '$lib/neural/backends';
import { createTensorExecutor } from '$lib/neural/create-executor';
import type { Executor } from '$lib/neural/executor';
import { EngineNetwork, type Host } from '$lib/neural/network';
import type { NetworkPlan } from '$lib/neural/network-spec';

const spec: NetworkSpec = {
	features: 2,
	layers: [
		{ kind: 'lstm', units: 3, returnSequences: true },
		{ kind: 'dense', units: 2 }
	]
};
const inputs = Float32Array.from({ length: 12 * 5 * 2 }, (_, k) => Math.sin(k));
const data: FitData = { inputs, targets: inputs, count: 12, steps: 5 };
const options = { epochs: 5, batchSize: 4, learningRate: 0.01, seed: 1 };

let backend: LoadedBackend;
beforeAll(async () => {
	backend = await loadBackend('cpu');
});

/** A host whose first executor fails for good after so many calls of `method`, as on a lost device. */
function hostThatLoses(method: 'accumulate' | 'score', after: number): Host & { losses: number } {
	const lost: LoadedBackend = { ...backend };
	let current = lost;
	const breaking = (executor: Executor): Executor => {
		let calls = 0;
		return new Proxy(executor, {
			get(target, name) {
				const value = Reflect.get(target, name) as unknown;
				if (typeof value !== 'function') return value;
				return (...given: unknown[]) => {
					if (name === method) calls++;
					if (calls > after && name !== 'endTraining' && name !== 'dispose') throw new Error('Device is lost');
					return (value as (...given: unknown[]) => unknown).apply(target, given);
				};
			}
		});
	};
	const host = {
		losses: 0,
		check() {},
		loaded: () => current,
		traits: () => ({ chunkFlops: 1e9, lossEvery: 1, canBeLost: true }),
		createExecutor: (plan: NetworkPlan) => {
			const executor = createTensorExecutor({ name: 'cpu' }, plan);
			return current === lost ? breaking(executor) : executor;
		},
		createStreamExecutor: (plan: NetworkPlan) => createTensorExecutor({ name: 'cpu' }, plan),
		shareGradients: () => undefined,
		recover: async (failed: LoadedBackend) => {
			if (failed === current) {
				current = { ...backend };
				host.losses++;
			}
			return true;
		}
	};
	return host;
}

describe('a lost device', () => {
	it.each([0, 1, 7, 14])('in training, after %i chunks: the same weights as without', async (after) => {
		const unbroken = new EngineNetwork(hostThatLoses('accumulate', Infinity), spec, 2);
		await unbroken.fit(data, options);
		const host = hostThatLoses('accumulate', after);
		const network = new EngineNetwork(host, spec, 2);
		const resumed: (number | undefined)[] = [];
		const onProgress = ({ resumedAtEpoch }: FitProgress) => resumed.push(resumedAtEpoch);
		const result = await network.fit(data, { ...options, onProgress });
		expect(host.losses).toBe(1);
		// Three chunks an epoch: progress says from which whole epoch it went on, if there was one.
		expect(resumed.at(-1)).toBe(after < 3 ? undefined : Math.floor(after / 3));
		expect(result.lossCurve).toHaveLength(5);
		expect(await network.getWeights()).toEqual(await unbroken.getWeights());
		network.dispose();
		unbroken.dispose();
	});

	it('streams answer all along, with the weights as they are', async () => {
		const network = new EngineNetwork(hostThatLoses('accumulate', 3), spec, 2);
		const stream = network.openStream(1);
		const row = Float32Array.of(0.2, 0.3);
		const before = stream.step(row, [0]);
		await network.fit(data, options);
		stream.reset(0);
		const after = stream.step(row, [0]);
		expect(after).not.toEqual(before);
		expect(Array.from(await network.predict(row, 1, 1))).toEqual(Array.from(after));
		network.dispose();
	});

	it('in prediction: answers all the same, also with weights set later', async () => {
		const host = hostThatLoses('score', 1);
		const network = new EngineNetwork(host, spec, 2);
		network.setWeights((await network.getWeights()).map((value) => 2 * value));
		const first = await network.predict(inputs, 12, 5);
		expect(await network.predict(inputs, 12, 5)).toEqual(first);
		expect(host.losses).toBe(1);
		network.dispose();
	});
});
