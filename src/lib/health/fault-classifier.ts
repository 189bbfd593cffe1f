/**
 * Health Assessment: a classifier of conditions (healthy, which fault) on features, learned from labelled examples.
 *
 * In: feature vectors, their conditions, and the group each belongs to (a recording, a load, an unbroken block): what is alike because it
 * was recorded together is never split between learning and checking. Out: plain data that `classifyFault` reads. How
 * strongly to shrink is chosen by cross-validation over whole groups; nothing else is tuned.
 */
import { MillwrightError, type FaultClassification, type FaultClassifierModel } from '../contracts';
import { discriminantsOf, ScatterSums, solveDiscriminant, type LinearDiscriminant } from './discriminant';

export interface LabelledFeatures {
	readonly featureIds: readonly string[];
	/** One vector a sample, in the order of `featureIds`. */
	readonly rows: readonly Float64Array[];
	readonly conditions: readonly string[];
	/** Samples with the same group are held out together. */
	readonly groups: readonly (string | number)[];
}

/** Tried in this order; of equals the strongest wins. */
export const shrinkages: readonly number[] = [0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4];
const inspectionFolds = 4;

/**
 * @throws MillwrightError `invalid-input` for lists that do not fit together or values that are no numbers, `not-enough-data` for fewer
 * than two conditions or fewer than two samples of one.
 */
export function trainFaultClassifier(examples: LabelledFeatures): FaultClassifierModel {
	const { featureIds, rows } = examples;
	const conditions = [...new Set(examples.conditions)].sort();
	const labels = examples.conditions.map((condition) => conditions.indexOf(condition));
	check(examples, conditions, labels);
	const { mean, deviation } = standardisation(rows, featureIds.length);
	const scaled = rows.map((row) => standardise(row, mean, deviation));
	const folds = assignFolds(labels, examples.groups, inspectionFolds);
	const foldSums = Array.from({ length: inspectionFolds }, () => new ScatterSums(conditions.length, featureIds.length));
	scaled.forEach((row, i) => foldSums[folds[i]!]!.add(row, labels[i]!));
	const all = new ScatterSums(conditions.length, featureIds.length);
	for (const sums of foldSums) {
		for (const key of ['counts', 'sums', 'products'] as const)
			for (let i = 0; i < all[key].length; i++) all[key][i]! += sums[key][i]!;
	}
	let best = { shrinkage: shrinkages[1]!, accuracy: Number.NaN, margins: [] as readonly Float64Array[] };
	const rest = foldSums.map((sums) => all.minus(sums));
	// A fold that holds every sample of a condition cannot be checked against the others.
	const usable = rest.map(({ counts }) => counts.filter((count) => count > 0).length >= 2);
	if (usable.some(Boolean))
		for (const shrinkage of shrinkages) {
			const solved = rest.map((sums, fold) => (usable[fold] ? solveDiscriminant(sums, shrinkage) : undefined));
			let [right, seen] = [0, 0];
			const margins: Float64Array[] = [];
			scaled.forEach((row, i) => {
				const model = solved[folds[i]!];
				if (!model) return;
				const discriminants = discriminantsOf(model, row);
				seen++;
				if (largest(discriminants) === labels[i]) right++;
				margins.push(Float64Array.of(labels[i]!, ...discriminants));
			});
			if (Number.isNaN(best.accuracy) || right / seen > best.accuracy + 1e-12)
				best = { shrinkage, accuracy: right / seen, margins };
		}
	const { weights, biases } = solveDiscriminant(all, best.shrinkage);
	return {
		kind: 'linear-discriminant',
		version: 1,
		featureIds: [...featureIds],
		conditions,
		mean,
		deviation,
		weights,
		biases,
		shrinkage: best.shrinkage,
		temperature: temperatureOf(best.margins),
		samples: rows.length,
		groups: new Set(examples.groups).size,
		heldOutAccuracy: best.accuracy
	};
}

/** @throws MillwrightError `invalid-input` when the vector has another length than the model's features. */
export function classifyFault(model: FaultClassifierModel, features: ArrayLike<number>): FaultClassification {
	if (features.length !== model.featureIds.length)
		throw new MillwrightError(
			'invalid-input',
			`The classifier reads ${model.featureIds.length} features; it was given ${features.length}`
		);
	const row = standardise(features, model.mean, model.deviation);
	const discriminants = discriminantsOf(model as LinearDiscriminant, row);
	const probabilities = softmax(discriminants, model.temperature);
	const first = largest(discriminants);
	const others = discriminants.map((value, c) => (c === first ? Number.NEGATIVE_INFINITY : value));
	const second = largest(others);
	const width = row.length;
	const spoken = Array.from(row, (value, i) => ({
		featureId: model.featureIds[i]!,
		share: (model.weights[first * width + i]! - model.weights[second * width + i]!) * value,
		deviations: value
	}));
	const sum = spoken.reduce((total, { share }) => total + Math.max(0, share), 0) || 1;
	const evidence = spoken
		.map((one) => ({ ...one, share: one.share / sum }))
		.filter(({ share }) => share > 0)
		.sort((a, b) => b.share - a.share)
		.slice(0, 5);
	return { condition: model.conditions[first]!, probability: probabilities[first]!, probabilities, evidence };
}

function check({ featureIds, rows, conditions, groups }: LabelledFeatures, names: string[], labels: number[]): void {
	if (rows.length !== conditions.length || rows.length !== groups.length)
		throw new MillwrightError(
			'invalid-input',
			`There are ${rows.length} samples, ${conditions.length} conditions and ${groups.length} groups: they must be as many`
		);
	rows.forEach((row, i) => {
		if (row.length !== featureIds.length)
			throw new MillwrightError('invalid-input', `Sample ${i + 1} has ${row.length} of ${featureIds.length} features`);
		const bad = row.findIndex((value) => !Number.isFinite(value));
		if (bad >= 0) throw new MillwrightError('invalid-input', `Sample ${i + 1}: ${featureIds[bad]} is not a number`);
	});
	if (names.length < 2)
		throw new MillwrightError('not-enough-data', 'A classifier needs examples of at least two conditions');
	for (const [c, name] of names.entries())
		if (labels.filter((label) => label === c).length < 2)
			throw new MillwrightError('not-enough-data', `A classifier needs at least two examples of "${name}"`);
}

function standardisation(rows: readonly Float64Array[], features: number) {
	const mean = new Float64Array(features);
	const deviation = new Float64Array(features);
	for (const row of rows) for (let i = 0; i < features; i++) mean[i]! += row[i]! / rows.length;
	for (const row of rows) for (let i = 0; i < features; i++) deviation[i]! += (row[i]! - mean[i]!) ** 2 / rows.length;
	// A feature that never moved says nothing: it becomes 0, whatever comes later.
	for (let i = 0; i < features; i++)
		deviation[i] = deviation[i]! > (1e-9 * (Math.abs(mean[i]!) + 1e-9)) ** 2 ? Math.sqrt(deviation[i]!) : Infinity;
	return { mean, deviation };
}

function standardise(row: ArrayLike<number>, mean: Float64Array, deviation: Float64Array): Float64Array {
	return mean.map((middle, i) => (row[i]! - middle) / deviation[i]!);
}

/**
 * Whole groups to folds, the largest first, each to the fold that has least of its condition so far: folds stay alike in
 * size and conditions, and the same examples always give the same folds.
 */
function assignFolds(labels: readonly number[], groups: readonly (string | number)[], folds: number): number[] {
	const members = new Map<string | number, number[]>();
	groups.forEach((group, i) => {
		const list = members.get(group);
		if (list) list.push(i);
		else members.set(group, [i]);
	});
	const held = Array.from({ length: folds }, () => new Map<number, number>());
	const foldOf = new Array<number>(labels.length).fill(0);
	for (const indices of [...members.values()].sort((a, b) => b.length - a.length)) {
		const load = held.map((counts, fold) => ({
			fold,
			own: indices.reduce((sum, i) => sum + (counts.get(labels[i]!) ?? 0), 0),
			all: [...counts.values()].reduce((a, b) => a + b, 0)
		}));
		load.sort((a, b) => a.own - b.own || a.all - b.all || a.fold - b.fold);
		const { fold } = load[0]!;
		for (const i of indices) {
			foldOf[i] = fold;
			held[fold]!.set(labels[i]!, (held[fold]!.get(labels[i]!) ?? 0) + 1);
		}
	}
	return foldOf;
}

function largest(values: Float64Array): number {
	let best = 0;
	for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
	return best;
}

function softmax(values: Float64Array, temperature: number): Float64Array {
	const top = values[largest(values)]!;
	const raised = values.map((value) => Math.exp((value - top) / temperature));
	const sum = raised.reduce((a, b) => a + b, 0);
	return raised.map((value) => value / sum);
}

/** Temperature that makes the held-out probabilities likeliest (Guo et al. 2017, ICML: temperature scaling), from a coarse grid. */
function temperatureOf(margins: readonly Float64Array[]): number {
	let best = { temperature: 1, loss: Infinity };
	for (const temperature of [1, 1.5, 2, 3, 5, 8, 12, 20, 40, 80]) {
		let loss = 0;
		for (const margin of margins) {
			const probabilities = softmax(margin.subarray(1), temperature);
			loss -= Math.log(Math.max(probabilities[margin[0]!]!, 1e-12));
		}
		if (margins.length > 0 && loss < best.loss) best = { temperature, loss };
	}
	return best.temperature;
}
