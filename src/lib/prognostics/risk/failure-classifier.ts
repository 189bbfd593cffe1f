/**
 * Prognostics: a trained failure classifier at work. In: a model package and rows of its features. Out: per row the probability of each
 * target, of each failure mode, and what pushed it: Shapley values of the forest's trees, or the terms of the regression.
 *
 * Reasons are points of the probability that is shown: they are complete, base + reasons = probability. Where a curve or the log-odds lie
 * between, every reason is scaled by the same factor.
 */
import type {
	FailureModelPackage,
	RiskPrediction,
	RiskReason,
	RiskTargetModel,
	UsableRiskMethod
} from '../../contracts';
import { calibrated } from './calibrate-probabilities';
import { forestProbability } from './forest';
import { forestShapley } from './forest-shapley';
import { logisticContributions, logisticProbability } from './logistic';

const mostReasons = 6;

export interface RiskExplanation {
	readonly base: number;
	/** Points of probability per feature. */
	readonly byFeature: Float64Array;
}

/** Probability of a row [features] at `row` of `rows`. */
export function targetProbability(
	model: RiskTargetModel,
	method: UsableRiskMethod,
	rows: Float64Array,
	row: number
): number {
	return method === 'forest'
		? calibrated(model.forestCurve, forestProbability(model.forest, rows, row))
		: logisticProbability(model.linear, rows, row);
}

export function explainTarget(
	model: RiskTargetModel,
	method: UsableRiskMethod,
	rows: Float64Array,
	row: number
): RiskExplanation {
	const probability = targetProbability(model, method, rows, row);
	if (method === 'forest') {
		const { base, byFeature } = forestShapley(model.forest, rows, row);
		return scaled(calibrated(model.forestCurve, base), probability, byFeature);
	}
	const { base, byFeature } = logisticContributions(model.linear, rows, row);
	return scaled(1 / (1 + Math.exp(-base)), probability, byFeature);
}

/** Parts of one scale as parts of the step from `base` to `probability`. */
function scaled(base: number, probability: number, byFeature: Float64Array): RiskExplanation {
	const sum = byFeature.reduce((total, value) => total + value, 0);
	const step = probability - base;
	// Parts that cancel out leave no step to share; what is left of it by rounding is nobody's.
	const factor = Math.abs(sum) > 1e-12 ? step / sum : 0;
	return { base, byFeature: byFeature.map((value) => value * factor) };
}

export class FailureClassifier {
	readonly #features: number;

	constructor(private readonly pkg: FailureModelPackage) {
		this.#features = pkg.version.featureNames.length;
	}

	/** Which target the reasons are of: the row's own, or the longest horizon. */
	get explained(): number {
		return this.pkg.targets.length - 1;
	}

	/** `rows` [ids.length, features]. Reasons for the `explain` likeliest rows: they cost far more than probabilities. */
	predict(rows: Float64Array, ids: readonly string[], explain: number): RiskPrediction[] {
		const { version, targets, modes } = this.pkg;
		const said = ids.map((id, i) => ({
			id,
			probabilities: targets.map((target) => targetProbability(target, version.method, rows, i)),
			modes: modes
				.map(({ forest }, m) => ({ name: version.modes[m]!.name, probability: forestProbability(forest, rows, i) }))
				.sort((a, b) => b.probability - a.probability)
		}));
		const wanted = new Set(
			said
				.map(({ probabilities }, i) => ({ i, p: probabilities[this.explained]! }))
				.sort((a, b) => b.p - a.p)
				.slice(0, explain)
				.map(({ i }) => i)
		);
		return said.map((row, i) => {
			if (!wanted.has(i)) return { ...row, base: Number.NaN, rest: Number.NaN };
			const { base, byFeature } = explainTarget(targets[this.explained]!, version.method, rows, i);
			const reasons = this.#reasons(byFeature, rows, i);
			const told = reasons.reduce((sum, { points }) => sum + points, 0);
			return { ...row, base, reasons, rest: row.probabilities[this.explained]! - base - told };
		});
	}

	#reasons(byFeature: Float64Array, rows: Float64Array, row: number): RiskReason[] {
		const { featureNames, quantiles } = this.pkg.version;
		return [...byFeature]
			.map((points, f): RiskReason => {
				const value = rows[row * this.#features + f]!;
				return { feature: featureNames[f]!, value, points, above: shareBelow(quantiles[f]!, value) };
			})
			.sort((a, b) => Math.abs(b.points) - Math.abs(a.points))
			.slice(0, mostReasons);
	}
}

/** 0, 5, ... 100 % of each feature. */
export function featureQuantiles(rows: Float64Array, features: number): number[][] {
	const count = rows.length / features;
	return Array.from({ length: features }, (_, f) => {
		const sorted = Float64Array.from({ length: count }, (_, i) => rows[i * features + f]!).sort();
		return Array.from({ length: 21 }, (_, k) => sorted[Math.round((k / 20) * (count - 1))]!);
	});
}

/** Share of what was learnt from that lies below, to 5 %. */
function shareBelow(quantiles: readonly number[], value: number): number {
	const below = quantiles.filter((quantile) => quantile < value).length;
	return Math.min(1, below / (quantiles.length - 1));
}
