/**
 * Training: a failure classifier. In: rows with labels (risk-rows.ts). Out: a model package, and what models that had not seen a row
 * said of it. First every target is judged by cross-validation, then what is kept learns from all rows: forest, regression and, where it was
 * asked for, an LSTM. What is best calibrated speaks until a person chooses.
 *
 * Failures are rare and stay rare here: rows are neither copied nor weighed, so that probabilities mean what they say; what rarity
 * and unequal costs ask for is done by the threshold.
 */
import {
	thresholdOfCosts,
	usableRiskMethods,
	type FailureModelPackage,
	type FailureModelVersion,
	type RiskCosts,
	type RiskEvaluation,
	type RiskLookBack,
	type RiskMachines,
	type RiskMethod,
	type RiskTargetModel,
	type RiskTrainingProgress
} from '../../contracts';
import { calibrateProbabilities, featureQuantiles, fitLogistic, growForest } from '../../prognostics';
import type { Engine } from '../../neural/engine';
import { seedOf } from '../../neural/random';
import { crossValidateRisk, keptOr, riskForestOptions, riskTrees, type KeptPieces } from './cross-validate-risk';
import { pickRows } from './risk-folds';
import { learnRiskLstm } from './risk-lstm';
import type { RiskRows } from './risk-rows';

/** Time of an LSTM's fold, in trees: for the progress bar. */
const lstmInTrees = 300;
const mostInfluences = 10;
const progressEveryMs = 250;

export interface RiskTrainingContext {
	readonly id: string;
	readonly title: string;
	readonly description: string;
	readonly createdAt: number;
	readonly costs: RiskCosts;
	readonly seed: number;
	readonly lstm: boolean;
	/** Asked for only where an LSTM learns. */
	readonly engine: () => Promise<Engine>;
	/** Milliseconds. */
	readonly now: () => number;
	/** Where what was learnt is kept, so that a job can go on; absent: nowhere. */
	readonly pieces?: KeptPieces;
	/** Seconds that went into it before. */
	readonly spentSeconds?: number;
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: RiskTrainingProgress) => void;
}

/** @throws MillwrightError `aborted`, `invalid-input` (labels of one kind, failures in one part of the data only) */
export async function trainRisk(
	data: RiskRows,
	context: RiskTrainingContext
): Promise<{ readonly pkg: FailureModelPackage; readonly lookBack: RiskLookBack }> {
	const { seed, signal } = context;
	const startedAt = context.now();
	const stepsOf = (machines: RiskMachines | undefined) => machines?.steps ?? 1;
	// Rows of a file in their order are not what a machine's newest readings are: such an LSTM is compared only.
	const keepsLstm = context.lstm && (data.spec.kind === 'days' || stepsOf(data.targets.at(-1)!.machines) === 1);
	const lstms = context.lstm ? data.folds + (keepsLstm ? 1 : 0) : 0;
	const perTarget = (data.folds + 1) * riskTrees + lstms * lstmInTrees;
	const perMode = (data.folds + 1) * riskTrees;
	const all = data.targets.length * perTarget + data.modes.length * perMode;
	let [done, taken, told] = [0, 0, -Infinity];
	/** `kept`: taken as it was, so that it says nothing of how fast this goes. */
	const step = (phase: RiskTrainingProgress['phase'], target: string, trees = 1, kept = false) => {
		done += trees;
		if (kept) taken += trees;
		const now = context.now();
		if (now - told < progressEveryMs) return;
		told = now;
		const fraction = Math.min(1, done / all);
		const spent = (now - startedAt) / 1000;
		context.onProgress?.({
			phase,
			target,
			fraction,
			secondsLeft: done - taken < 0.03 * all ? undefined : (spent / (done - taken)) * (all - done)
		});
	};
	const judge = (name: string, labels: Uint8Array, machines: RiskMachines | undefined, lstm: boolean, salt: number) =>
		crossValidateRisk(
			context.engine,
			{
				featureNames: data.featureNames,
				rows: data.rows,
				labels,
				folds: data.folds,
				seed: seedOf(seed, salt),
				lstm,
				...(machines && { machines })
			},
			{
				signal,
				onTree: (trees, kept) => step('judging', name, trees, kept),
				...(context.pieces && { kept: { name: `judged ${salt}`, pieces: context.pieces } }),
				onFold: () => step('judging', name, lstm ? lstmInTrees : 0)
			}
		);
	const learn = async (
		name: string,
		labels: Uint8Array,
		machines: RiskMachines | undefined,
		lstm: boolean,
		salt: number
	): Promise<RiskTargetModel> => {
		const { piece, kept } = await keptOr(context.pieces, `learnt ${salt}`, () =>
			learnNow(name, labels, machines, lstm, salt)
		);
		if (kept) step('learning', name, riskTrees + (lstm ? lstmInTrees : 0), true);
		return piece;
	};
	const learnNow = async (
		name: string,
		labels: Uint8Array,
		machines: RiskMachines | undefined,
		lstm: boolean,
		salt: number
	): Promise<RiskTargetModel> => {
		const request = { ...data, labels, seed, machines };
		const part = pickRows(request, (i) => !machines || (machines.role[i]! & 1) !== 0);
		const { outOfBag, ...forest } = growForest(part.rows, data.featureNames.length, part.labels, {
			...riskForestOptions(machines !== undefined),
			seed: seedOf(seed, salt, 77),
			groups: machines && part.places.map((place) => machines.machine[place]!),
			signal,
			onTree: () => step('learning', name)
		});
		// As in the judging: of single rows a forest's shares are as they should be.
		const forestCurve = machines && calibrateProbabilities(outOfBag, part.labels);
		const network =
			lstm && (await learnRiskLstm(await context.engine(), request, part, seedOf(seed, salt, 78), signal));
		if (network) step('learning', name, lstmInTrees);
		return {
			forest,
			...(forestCurve && { forestCurve }),
			linear: fitLogistic(part.rows, data.featureNames.length, part.labels),
			...(network && { lstm: network })
		};
	};

	const judged: RiskEvaluation[] = [];
	const targets: RiskTargetModel[] = [];
	for (const [t, { name, labels, machines }] of data.targets.entries()) {
		judged.push(await judge(name, labels, machines, context.lstm, t));
		targets.push(await learn(name, labels, machines, keepsLstm, t));
	}
	const { machines } = data.targets.at(-1)!;
	const lstmSteps = keepsLstm ? stepsOf(machines) : undefined;
	const modes = [];
	for (const [m, { name, labels }] of data.modes.entries()) {
		const evaluation = await judge(name, labels, machines, false, 100 + m);
		modes.push({ name, labels, evaluation, forest: (await learn(name, labels, machines, false, 100 + m)).forest });
	}
	const judgedRows = (of: RiskEvaluation) => of.probabilities.forest.filter((p) => !Number.isNaN(p)).length;
	const positives = (of: RiskEvaluation, labels: Uint8Array) =>
		labels.reduce((sum, label, i) => sum + (Number.isNaN(of.probabilities.forest[i]!) ? 0 : label), 0);
	modes.sort((a, b) => positives(b.evaluation, b.labels) - positives(a.evaluation, a.labels));
	const brier = (method: RiskMethod) => judged.at(-1)![method]!.brier;
	const method = usableRiskMethods({ lstmSteps }).reduce((best, one) => (brier(one) < brier(best) ? one : best));
	const threshold = thresholdOfCosts(context.costs);
	const version: FailureModelVersion = {
		id: context.id,
		kind: 'failure-classifier',
		title: context.title,
		createdAt: context.createdAt,
		seed,
		description: context.description,
		features: data.spec,
		featureNames: data.featureNames,
		quantiles: featureQuantiles(data.rows, data.featureNames.length),
		method,
		...(lstmSteps !== undefined && { lstmSteps }),
		targets: judged.map((evaluation, t) => {
			const { horizonHours, labels } = data.targets[t]!;
			const { forest, linear, lstm, influence } = evaluation;
			return {
				...(horizonHours !== undefined && { horizonHours }),
				rows: judgedRows(evaluation),
				positives: positives(evaluation, labels),
				forest,
				linear,
				...(lstm && { lstm }),
				influence: [...influence].sort((a, b) => b.share - a.share).slice(0, mostInfluences)
			};
		}),
		modes: modes.map(({ name, labels, evaluation }) => ({
			name,
			positives: positives(evaluation, labels),
			forest: evaluation.forest
		})),
		costs: context.costs,
		thresholds: judged.map(() => threshold),
		...(data.heldOut && { heldOut: data.heldOut }),
		...(data.units !== undefined && { units: data.units }),
		folds: data.folds,
		seconds: (context.spentSeconds ?? 0) + (context.now() - startedAt) / 1000
	};
	return {
		pkg: { version, targets, modes: modes.map(({ forest }) => ({ forest })) },
		lookBack: {
			ids: data.ids,
			of: data.of,
			day: data.day,
			targets: judged.map(({ probabilities }, t) => ({
				labels: data.targets[t]!.labels,
				forest: Float32Array.from(probabilities.forest),
				linear: Float32Array.from(probabilities.linear),
				...(probabilities.lstm && { lstm: Float32Array.from(probabilities.lstm) })
			}))
		}
	};
}
