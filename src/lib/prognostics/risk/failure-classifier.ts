/**
 * Prognostics: a trained failure classifier at work. In: a model package and rows of its features. Out: per row the probability of each
 * target, of each failure mode, and what pushed it: Shapley values of the forest's trees, terms of the regression, or integrated gradients of the LSTM.
 *
 * Reasons are points of the probability that is shown: they are complete, base + reasons = probability. Where a curve or the log-odds lie
 * between, every reason is scaled by the same factor.
 */
import {
	MillwrightError,
	rowsRead,
	type FailureModelPackage,
	type RiskLstm,
	type RiskMethod,
	type RiskPrediction,
	type RiskReason,
	type RiskTargetModel
} from '../../contracts';
import { calibrated } from './calibrate-probabilities';
import { forestProbability } from './forest';
import { forestShapley } from './forest-shapley';
import { logisticContributions, logisticProbability } from './logistic';
import { lstmContributions, lstmProbabilities } from './lstm-classifier';

const mostReasons = 6;

export interface RiskExplanation {
	readonly base: number;
	/** Points of probability per feature. */
	readonly byFeature: Float64Array;
}

/** `windows`: [count, rows read, features], the last row of each being told; only an LSTM reads more than that one. Out: [count]. */
export function targetProbabilities(
	model: RiskTargetModel,
	method: RiskMethod,
	windows: Float64Array,
	count: number
): Float64Array {
	if (method === 'lstm') return lstmProbabilities(keptLstm(model), windows);
	return Float64Array.from({ length: count }, (_, row) =>
		method === 'forest'
			? calibrated(model.forestCurve, forestProbability(model.forest, windows, row))
			: logisticProbability(model.linear, windows, row)
	);
}

/** Of the window at `row`. */
export function explainTarget(
	model: RiskTargetModel,
	method: RiskMethod,
	windows: Float64Array,
	row: number
): RiskExplanation {
	if (method === 'lstm') {
		const lstm = keptLstm(model);
		const each = lstm.steps * lstm.mean.length;
		const window = windows.subarray(row * each, (row + 1) * each);
		const { base, byFeature } = lstmContributions(lstm, window);
		return scaled(calibrated(lstm.curve, sigmoid(base)), lstmProbabilities(lstm, window)[0]!, byFeature);
	}
	if (method === 'forest') {
		const { base, byFeature } = forestShapley(model.forest, windows, row);
		const probability = calibrated(model.forestCurve, forestProbability(model.forest, windows, row));
		return scaled(calibrated(model.forestCurve, base), probability, byFeature);
	}
	const { base, byFeature } = logisticContributions(model.linear, windows, row);
	return scaled(sigmoid(base), logisticProbability(model.linear, windows, row), byFeature);
}

const sigmoid = (odds: number) => 1 / (1 + Math.exp(-odds));

function keptLstm({ lstm }: RiskTargetModel): RiskLstm {
	if (!lstm) throw new MillwrightError('invalid-model', 'This model has no LSTM that could speak');
	return lstm;
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

	/** `windows` [ids.length, rows read, features] (see `rowsRead`), the last row of each being told. Reasons for the `explain` likeliest rows: they cost far more than probabilities. */
	predict(windows: Float64Array, ids: readonly string[], explain: number): RiskPrediction[] {
		const { version, targets, modes } = this.pkg;
		const byTarget = targets.map((target) => targetProbabilities(target, version.method, windows, ids.length));
		const rows = this.#told(windows, ids.length);
		const said = ids.map((id, i) => ({
			id,
			probabilities: byTarget.map((probabilities) => probabilities[i]!),
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
			const { base, byFeature } = explainTarget(targets[this.explained]!, version.method, windows, i);
			const reasons = this.#reasons(byFeature, rows, i);
			const told = reasons.reduce((sum, { points }) => sum + points, 0);
			return { ...row, base, reasons, rest: row.probabilities[this.explained]! - base - told };
		});
	}

	/** The last row of each window. */
	#told(windows: Float64Array, count: number): Float64Array {
		const steps = rowsRead(this.pkg.version);
		if (steps === 1) return windows;
		const rows = new Float64Array(count * this.#features);
		for (let i = 0; i < count; i++) {
			const end = (i + 1) * steps * this.#features;
			rows.set(windows.subarray(end - this.#features, end), i * this.#features);
		}
		return rows;
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

/** [steps, features]: the last rows of a machine, row-major; its first one repeated where there are too few. */
export function lastRows(rows: Float64Array, features: number, steps: number): Float64Array {
	const count = rows.length / features;
	const last = new Float64Array(steps * features);
	for (let s = 0; s < steps; s++) {
		const row = Math.max(0, count - steps + s);
		last.set(rows.subarray(row * features, (row + 1) * features), s * features);
	}
	return last;
}
