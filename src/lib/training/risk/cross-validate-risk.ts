/**
 * Training: failure probability judged on rows that no model had seen. In: labelled rows. Out: for a forest, a logistic regression
 * and an LSTM the probability of every row by the model of the folds it was not in, and F1 at a threshold chosen without it.
 *
 * Folds are stratified: each has its share of the failures. Rows here are independent (one operation each); rows of one
 * machine over time must be split by machine and by time instead.
 */
import { MillwrightError } from '../../contracts';
import type { RiskEvaluation, RiskMethod, RiskRequest } from '../../contracts';
import {
	averagePrecision,
	bestF1Threshold,
	brierScore,
	fitLogistic,
	forestContributions,
	forestProbability,
	growForest,
	logisticProbability,
	reliability
} from '../../prognostics';
import type { Engine } from '../../neural/engine';
import { seedOf, shuffledIndices } from '../../neural/random';

const trees = 100;
const lstm = { units: 24, epochs: 60, batchSize: 64, learningRate: 5e-3 };

export interface RiskJob {
	readonly signal?: AbortSignal;
	readonly onFold?: (done: number, folds: number) => void;
}

/** @throws MillwrightError `aborted`, `invalid-input` (sizes, labels of one kind, fewer failures than folds) */
export async function crossValidateRisk(
	engine: Engine,
	request: RiskRequest,
	job: RiskJob = {}
): Promise<RiskEvaluation> {
	const { rows, labels, featureNames, folds, seed } = request;
	const features = featureNames.length;
	const fold = stratify(labels, folds, seed);
	const probabilities = {
		forest: new Float64Array(labels.length),
		lstm: new Float64Array(labels.length),
		linear: new Float64Array(labels.length)
	};
	const counted = { forest: [0, 0, 0], lstm: [0, 0, 0], linear: [0, 0, 0] };
	const influence = new Float64Array(features);
	for (let k = 0; k < folds; k++) {
		if (job.signal?.aborted) throw new MillwrightError('aborted', 'Training was cancelled');
		const known = pick(rows, labels, features, (i) => fold[i] !== k);
		const held = pick(rows, labels, features, (i) => fold[i] === k);
		const forest = growForest(known.rows, features, known.labels, {
			trees,
			featureShare: 0.6,
			leastLeaf: 1,
			seed: seedOf(seed, k),
			signal: job.signal
		});
		const linear = fitLogistic(known.rows, features, known.labels);
		const told: Record<RiskMethod, { known: ArrayLike<number>; held: ArrayLike<number> }> = {
			forest: {
				known: forest.outOfBag.map((p) => (Number.isNaN(p) ? 0 : p)),
				held: each(held, (i) => forestProbability(forest, held.rows, i))
			},
			linear: {
				known: each(known, (i) => logisticProbability(linear, known.rows, i)),
				held: each(held, (i) => logisticProbability(linear, held.rows, i))
			},
			lstm: await tellByLstm(engine, known, held, features, seedOf(seed, 50 + k), job.signal)
		};
		for (const method of ['forest', 'lstm', 'linear'] as const) {
			const threshold = bestF1Threshold(told[method].known, known.labels);
			held.places.forEach((place, i) => {
				const p = told[method].held[i]!;
				probabilities[method][place] = p;
				const [said, is] = [p >= threshold, held.labels[i] === 1];
				if (said && is) counted[method][0]!++;
				else if (said) counted[method][1]!++;
				else if (is) counted[method][2]!++;
			});
		}
		held.places.forEach((_, i) => {
			if (held.labels[i] !== 1) return;
			const { byFeature } = forestContributions(forest, held.rows, i);
			for (let f = 0; f < features; f++) influence[f]! += Math.abs(byFeature[f]!);
		});
		job.onFold?.(k + 1, folds);
		await new Promise((resolve) => setTimeout(resolve, 0));
	}
	const total = influence.reduce((sum, value) => sum + value, 0);
	const result = (method: RiskMethod) => {
		const [hit, wrong, missed] = counted[method] as [number, number, number];
		return {
			f1: hit === 0 ? 0 : hit / (hit + (wrong + missed) / 2),
			precision: hit + wrong === 0 ? 0 : hit / (hit + wrong),
			recall: hit / (hit + missed),
			prAuc: averagePrecision(probabilities[method], labels),
			brier: brierScore(probabilities[method], labels),
			reliability: reliability(probabilities[method], labels)
		};
	};
	return {
		forest: result('forest'),
		lstm: result('lstm'),
		linear: result('linear'),
		influence: featureNames.map((name, f) => ({ name, share: influence[f]! / total }))
	};
}

interface Part {
	readonly rows: Float64Array;
	readonly labels: Uint8Array;
	/** Index of each row among all. */
	readonly places: number[];
}

const each = ({ places }: Part, of: (i: number) => number) => Float64Array.from(places, (_, i) => of(i));

function pick(rows: Float64Array, labels: Uint8Array, features: number, wanted: (i: number) => boolean): Part {
	const places = Array.from(labels, (_, i) => i).filter(wanted);
	const part = new Float64Array(places.length * features);
	places.forEach((place, i) => part.set(rows.subarray(place * features, (place + 1) * features), i * features));
	return { rows: part, labels: Uint8Array.from(places, (place) => labels[place]!), places };
}

/** Fold of each row; failures and the rest are dealt apart. */
function stratify(labels: Uint8Array, folds: number, seed: number): Uint8Array {
	const positives = labels.reduce((sum, label) => sum + label, 0);
	if (positives < folds || labels.length - positives < folds)
		throw new MillwrightError(
			'invalid-input',
			`${folds} folds need at least ${folds} rows with and ${folds} without a failure; there are ${positives} and ${labels.length - positives}`,
			{ folds, positives }
		);
	const fold = new Uint8Array(labels.length);
	const dealt = [0, 0];
	for (const i of shuffledIndices(labels.length, seedOf(seed, 9))) fold[i] = dealt[labels[i]!]!++ % folds;
	return fold;
}

/** A row is a sequence of one step; failures weigh as they come, the threshold makes up for their rarity. */
async function tellByLstm(
	engine: Engine,
	known: Part,
	held: Part,
	features: number,
	seed: number,
	signal?: AbortSignal
) {
	const { mean, deviation } = fitSpread(known, features);
	const scaled = ({ rows }: Part) =>
		Float32Array.from(rows, (value, i) => (value - mean[i % features]!) / deviation[i % features]!);
	const network = engine.createNetwork(
		{
			features,
			layers: [
				{ kind: 'lstm', units: lstm.units, returnSequences: false },
				{ kind: 'dense', units: 1, activation: 'sigmoid' }
			]
		},
		seed
	);
	try {
		const inputs = scaled(known);
		await network.fit(
			{ inputs, targets: Float32Array.from(known.labels), count: known.places.length, steps: 1 },
			{
				epochs: lstm.epochs,
				batchSize: lstm.batchSize,
				learningRate: lstm.learningRate,
				learningRateSchedule: { kind: 'cosine', minimum: lstm.learningRate / 50 },
				loss: 'binary-crossentropy',
				clipNorm: 1,
				seed,
				signal
			}
		);
		return {
			known: await network.predict(inputs, known.places.length, 1),
			held: await network.predict(scaled(held), held.places.length, 1)
		};
	} finally {
		network.dispose();
	}
}

function fitSpread({ rows, places }: Part, features: number) {
	const mean = new Float64Array(features);
	const deviation = new Float64Array(features);
	const count = places.length;
	for (let i = 0; i < rows.length; i++) mean[i % features]! += rows[i]! / count;
	for (let i = 0; i < rows.length; i++) deviation[i % features]! += (rows[i]! - mean[i % features]!) ** 2 / count;
	return { mean, deviation: deviation.map((value) => Math.sqrt(value) || 1) };
}
