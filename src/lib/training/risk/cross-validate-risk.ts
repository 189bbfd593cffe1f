/**
 * Training: failure probability judged on rows that no model had seen. In: labelled rows. Out: for a forest, a logistic regression
 * and an LSTM, how good their probabilities are, with the threshold of a fold chosen without it.
 *
 * Independent rows are dealt into stratified folds. Rows of machines over time are dealt machine by machine, and learnt from
 * and judged in stretches of time that the caller keeps apart (see risk-folds.ts).
 */
import { MillwrightError } from '../../contracts';
import type { RiskEvaluation, RiskMethod, RiskRequest } from '../../contracts';
import {
	averagePrecision,
	bestF1Threshold,
	brierScore,
	calibrateProbabilities,
	calibrated,
	fitLogistic,
	forestContributions,
	forestProbability,
	growForest,
	logisticProbability,
	reliability,
	type ForestOptions
} from '../../prognostics';
import type { Engine } from '../../neural/engine';
import { seedOf } from '../../neural/random';
import { tellByLstm } from './risk-lstm';
import { dealRows, pickRows, type RiskPart } from './risk-folds';

export const riskTrees = 100;
const keenest = { featureShare: 0.6, leastLeaf: 1 };
/** Rows of one machine are alike: leaves must hold several days. */
const ofMachines = { featureShare: 0.3, leastLeaf: 10 };

/** The forest that the product grows: its options, but for the seed. */
export function riskForestOptions(machines: boolean): Pick<ForestOptions, 'trees' | 'featureShare' | 'leastLeaf'> {
	return { trees: riskTrees, ...(machines ? ofMachines : keenest) };
}

/** What is learnt piece by piece, kept so that a job can go on where it was left. */
export interface KeptPieces {
	load<T>(name: string): Promise<T | undefined>;
	save(name: string, piece: unknown): Promise<void>;
	/** A piece could not be stored: the job goes on, but a reload would lose it. */
	onProblem?(error: unknown): void;
}

export interface RiskJob {
	readonly signal?: AbortSignal;
	readonly onFold?: (done: number, folds: number) => void;
	/** Trees grown, or taken as they were kept. */
	readonly onTree?: (trees: number, kept: boolean) => void;
	/** `name` tells these judgements from the job's others. */
	readonly kept?: { readonly name: string; readonly pieces: KeptPieces };
}

/** A piece as it was kept, or made and kept now. */
export async function keptOr<T>(
	pieces: KeptPieces | undefined,
	name: string,
	make: () => Promise<T> | T
): Promise<{ readonly piece: T; readonly kept: boolean }> {
	const known = await pieces?.load<T>(name);
	if (known !== undefined) return { piece: known, kept: true };
	const piece = await make();
	await pieces?.save(name, piece).catch((error: unknown) => pieces.onProblem?.(error));
	return { piece, kept: false };
}

/** What a fold's models said of the rows held out, and how their verdicts at a threshold chosen without them came out. */
interface JudgedFold {
	readonly said: Readonly<Partial<Record<RiskMethod, Float64Array>>>;
	/** Hits, false alarms, misses. */
	readonly counted: Readonly<Partial<Record<RiskMethod, readonly [number, number, number]>>>;
	readonly influence: Float64Array;
}

/** @throws MillwrightError `aborted`, `invalid-input` (sizes, labels of one kind, fewer failures or machines than folds) */
export async function crossValidateRisk(
	engine: () => Promise<Engine>,
	request: RiskRequest,
	job: RiskJob = {}
): Promise<RiskEvaluation> {
	const { labels, featureNames, folds, seed, machines } = request;
	const methods: readonly RiskMethod[] = request.lstm === false ? ['forest', 'linear'] : ['forest', 'lstm', 'linear'];
	const features = featureNames.length;
	const deal = dealRows(request);
	const empty = () => new Float64Array(labels.length).fill(Number.NaN);
	const probabilities = { forest: empty(), lstm: empty(), linear: empty() };
	const counted = { forest: [0, 0, 0], lstm: [0, 0, 0], linear: [0, 0, 0] };
	const influence = new Float64Array(features);
	const judgeFold = async (k: number): Promise<JudgedFold> => {
		const known = pickRows(request, (i) => deal.learns(i, k));
		const held = pickRows(request, (i) => deal.judges(i, k));
		const forest = growForest(known.rows, features, known.labels, {
			...riskForestOptions(machines !== undefined),
			seed: seedOf(seed, k),
			groups: machines && known.places.map((place) => machines.machine[place]!),
			signal: job.signal,
			onTree: () => job.onTree?.(1, false)
		});
		const linear = fitLogistic(known.rows, features, known.labels);
		const told: Partial<Record<RiskMethod, Told>> = {
			forest: corrected(
				{
					known: forest.outOfBag,
					knownLabels: known.labels,
					held: each(held, (i) => forestProbability(forest, held.rows, i))
				},
				// Of single rows the shares are as they should be; whole machines drawn leave them too far from the ends.
				machines !== undefined
			),
			linear: {
				known: each(known, (i) => logisticProbability(linear, known.rows, i)),
				knownLabels: known.labels,
				held: each(held, (i) => logisticProbability(linear, held.rows, i))
			},
			...(methods.includes('lstm') && {
				lstm: corrected(
					await tellByLstm(await engine(), request, known, held, seedOf(seed, 50 + k), job.signal),
					machines !== undefined
				)
			})
		};
		const moved = new Float64Array(features);
		held.places.forEach((_, i) => {
			if (held.labels[i] !== 1) return;
			const { byFeature } = forestContributions(forest, held.rows, i);
			for (let f = 0; f < features; f++) moved[f]! += Math.abs(byFeature[f]!);
		});
		return {
			said: Object.fromEntries(methods.map((method) => [method, Float64Array.from(told[method]!.held)])),
			counted: Object.fromEntries(methods.map((method) => [method, countVerdicts(told[method]!, held.labels)])),
			influence: moved
		};
	};
	for (let k = 0; k < folds; k++) {
		if (job.signal?.aborted) throw new MillwrightError('aborted', 'Training was cancelled');
		const { piece, kept } = await keptOr(job.kept?.pieces, `${job.kept?.name} fold ${k}`, () => judgeFold(k));
		if (kept) job.onTree?.(riskTrees, true);
		const { places } = pickRows(request, (i) => deal.judges(i, k));
		for (const method of methods) {
			places.forEach((place, i) => (probabilities[method][place] = piece.said[method]![i]!));
			piece.counted[method]!.forEach((count, c) => (counted[method][c]! += count));
		}
		piece.influence.forEach((value, f) => (influence[f]! += value));
		job.onFold?.(k + 1, folds);
		await new Promise((resolve) => setTimeout(resolve, 0));
	}
	const total = influence.reduce((sum, value) => sum + value, 0);
	const judged = Array.from(labels, (_, i) => i).filter((i) => !Number.isNaN(probabilities.forest[i]!));
	const came = judged.map((i) => labels[i]!);
	const result = (method: RiskMethod) => {
		const [hit, wrong, missed] = counted[method] as [number, number, number];
		const said = judged.map((i) => probabilities[method][i]!);
		return {
			f1: hit === 0 ? 0 : hit / (hit + (wrong + missed) / 2),
			precision: hit + wrong === 0 ? 0 : hit / (hit + wrong),
			recall: hit / (hit + missed),
			prAuc: averagePrecision(said, came),
			brier: brierScore(said, came),
			reliability: reliability(said, came)
		};
	};
	const { lstm, ...usable } = probabilities;
	return {
		forest: result('forest'),
		linear: result('linear'),
		...(methods.includes('lstm') && { lstm: result('lstm') }),
		influence: featureNames.map((name, f) => ({ name, share: total > 0 ? influence[f]! / total : 0 })),
		probabilities: methods.includes('lstm') ? { ...usable, lstm } : usable
	};
}

/** What a method said of rows that it had not learnt from (with their labels), and of the rows to be judged. */
interface Told {
	readonly known: ArrayLike<number>;
	readonly knownLabels: Uint8Array;
	readonly held: ArrayLike<number>;
}

/** At the threshold that is best on what was learnt from: hits, false alarms, misses. */
function countVerdicts({ known, knownLabels, held }: Told, labels: Uint8Array): [number, number, number] {
	const threshold = bestF1Threshold(
		Array.from(known, (p) => (Number.isNaN(p) ? 0 : p)),
		knownLabels
	);
	const counted: [number, number, number] = [0, 0, 0];
	Array.from(held).forEach((p, i) => {
		const [flagged, is] = [p >= threshold, labels[i] === 1];
		if (flagged && is) counted[0]++;
		else if (flagged) counted[1]++;
		else if (is) counted[2]++;
	});
	return counted;
}

function corrected(told: Told, wanted: boolean): Told {
	const curve = wanted ? calibrateProbabilities(told.known, told.knownLabels) : undefined;
	const apply = (said: ArrayLike<number>) => Float64Array.from(said, (p) => calibrated(curve, p));
	return { ...told, known: apply(told.known), held: apply(told.held) };
}

const each = ({ places }: RiskPart, of: (i: number) => number) => Float64Array.from(places, (_, i) => of(i));
