/**
 * Prognostics: remaining life by an ensemble of LSTMs. In: a model package and a unit's life so far. Out: remaining life in
 * steps with an interval, and the probability of failure within a number of steps.
 *
 * The mean of the members' predictions (deep ensemble, Lakshminarayanan et al. 2017) is moved by the residuals that members
 * had on units they never saw (see interval.ts).
 */
import {
	MillwrightError,
	type RulEstimate,
	type RulModelPackage,
	type RulNetworkSpec,
	type UnitHistory
} from '../../contracts';
import type { Engine, Network, NetworkSpec } from '../../neural/engine';
import { estimateFrom, probabilityWithin } from './interval';
import { featureWidth, lifeFeatures, windowsEndingAt } from './life-features';
import { scaleLife } from './operating-conditions';

/** A sequence network: every step of a window says its remaining life, as a share of the cap; the last one counts. */
export function rulNetworkSpec(spec: RulNetworkSpec, sensors: number): NetworkSpec {
	return {
		features: featureWidth(spec.features, sensors),
		layers: [
			...spec.units.flatMap((units) => [
				{ kind: 'lstm' as const, units, returnSequences: true, ...(spec.bidirectional && { bidirectional: true }) },
				...(spec.dropout > 0 ? [{ kind: 'dropout' as const, rate: spec.dropout }] : [])
			]),
			{ kind: 'dense', units: 1 }
		]
	};
}

/** Windows scored in one go: bounds memory. */
const windowsAtOnce = 2048;

/** Remaining life in steps, 0 to the cap, at each of `ends` (indices of rows) of a life given as scaled sensors [steps, sensors]. */
export async function predictLife(
	network: Network,
	spec: RulNetworkSpec,
	scaled: Float32Array,
	sensors: number,
	ends: readonly number[]
): Promise<Float32Array> {
	const width = featureWidth(spec.features, sensors);
	const features = lifeFeatures(spec.features, scaled, sensors);
	const predicted = new Float32Array(ends.length);
	for (let from = 0; from < ends.length; from += windowsAtOnce) {
		const part = ends.slice(from, from + windowsAtOnce);
		const windows = windowsEndingAt(features, width, part, spec.windowSteps);
		const outputs = await network.predict(windows, part.length, spec.windowSteps);
		part.forEach((_, w) => {
			const share = outputs[(w + 1) * spec.windowSteps - 1]!;
			predicted[from + w] = Math.max(0, Math.min(spec.capSteps, share * spec.capSteps));
		});
	}
	return predicted;
}

export class RulEnsemble {
	private readonly networks: Network[];

	/** @throws MillwrightError `invalid-model` when the weights do not fit the version. */
	constructor(
		engine: Engine,
		private readonly pkg: RulModelPackage
	) {
		const { spec, conditions, members, seed } = pkg.version;
		const network = rulNetworkSpec(spec, conditions.sensors.length);
		const all = new Float32Array(pkg.weights);
		const each = all.length / members;
		if (!Number.isInteger(each))
			throw new MillwrightError(
				'invalid-model',
				`The weights of ${pkg.version.id} do not divide into ${members} members`
			);
		this.networks = Array.from({ length: members }, (_, m) => {
			const member = engine.createNetwork(network, seed + m);
			member.setWeights(all.slice(m * each, (m + 1) * each));
			return member;
		});
	}

	/** Mean of the members' remaining life, steps, at each of `ends`. */
	async predict(unit: UnitHistory, ends: readonly number[]): Promise<Float32Array> {
		const { spec, conditions } = this.pkg.version;
		const scaled = scaleLife(conditions, unit);
		const mean = new Float32Array(ends.length);
		for (const network of this.networks) {
			const predicted = await predictLife(network, spec, scaled, conditions.sensors.length, ends);
			for (let i = 0; i < mean.length; i++) mean[i]! += predicted[i]! / this.networks.length;
		}
		return mean;
	}

	/** Remaining life with its interval at each of `ends`. */
	async estimate(unit: UnitHistory, ends: readonly number[]): Promise<RulEstimate[]> {
		const predicted = await this.predict(unit, ends);
		const { calibration, spec } = this.pkg.version;
		return Array.from(predicted, (value) => estimateFrom(calibration, value, spec.capSteps));
	}

	/** Probability, 0-1, that the unit fails within `steps` of a point where `predicted` was said. */
	failureProbability(predicted: number, steps: number): number {
		return probabilityWithin(this.pkg.version.calibration, predicted, steps, this.pkg.version.spec.capSteps);
	}

	dispose(): void {
		for (const network of this.networks) network.dispose();
	}
}
