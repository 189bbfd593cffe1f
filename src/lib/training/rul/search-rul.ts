/**
 * Training: a small search for a better configuration of remaining-life models within a budget of time. In: histories, minutes, a
 * seed. Out: trials, best first, each judged by cross-validation over the units given.
 *
 * Random search (Bergstra & Bengio 2012) over size, layers, direction, window and learning rate. The first trial is the plan as it
 * stands, so that nothing is chosen that is worse. Figures of a best of many flatter: judge it on units kept out of the search.
 */
import {
	fewestFailedUnits,
	MillwrightError,
	isAborted,
	type RulTrial,
	type UnitHistories,
	type UnitHistory
} from '../../contracts';
import type { Engine } from '../../neural/engine';
import { randomFrom, seedOf, shuffledIndices } from '../../neural/random';
import type { CheckpointPlace } from '../resumable-fit';
import { rulPlan, type RulPlan } from './plan';
import { trainRul } from './train-rul';

const sizes: readonly (readonly number[])[] = [[8], [16], [32], [48], [16, 16], [32, 16]];
const windows: readonly number[] = [10, 20, 30, 40];
const rates: readonly number[] = [1e-3, 3e-3, 6e-3, 1e-2];
/** A trial is worth less time than the final model: fewer folds, dealt once. */
const trialFolds = 3;
const keptBackShare = 0.2;

export interface SearchJob {
	readonly searchId: string;
	readonly title: string;
	readonly seed: number;
	readonly minutes: number;
	/** What all trials share: cap, features, updates. */
	readonly plan?: Partial<RulPlan>;
	/** Milliseconds; only differences are used. */
	readonly now: () => number;
	/** Trials of this search that were judged before it was taken up again. */
	readonly done?: readonly RulTrial[];
	/** Where the networks of a trial are kept as they are learnt. */
	readonly checkpoints?: CheckpointPlace | false;
	readonly signal?: AbortSignal;
	/** A trial has been judged. */
	readonly onTrial: (trial: RulTrial) => Promise<void> | void;
	/** 0-1 of the budget, and trials done. */
	readonly onProgress?: (fraction: number, trials: number, secondsLeft: number) => void;
}

export interface Searched {
	readonly trials: readonly RulTrial[];
	/** The plan of the best trial. */
	readonly plan: RulPlan;
}

/** Units to judge by in the end; none where too few would be left to learn from. */
export function keepBack(
	units: readonly UnitHistory[],
	seed: number
): { known: UnitHistory[]; heldOut: UnitHistory[] } {
	const failed = units.filter((unit) => unit.failed);
	const count = Math.round(failed.length * keptBackShare);
	if (failed.length - count < fewestFailedUnits) return { known: [...units], heldOut: [] };
	const chosen = new Set(
		Array.from(shuffledIndices(failed.length, seedOf(seed, 21)))
			.slice(0, count)
			.map((i) => failed[i])
	);
	return { known: units.filter((unit) => !chosen.has(unit)), heldOut: failed.filter((unit) => chosen.has(unit)) };
}

/** @throws MillwrightError `aborted`, and what `trainRul` throws at the first trial */
export async function searchRul(engine: Engine, histories: UnitHistories, job: SearchJob): Promise<Searched> {
	const base: RulPlan = { ...rulPlan, ...job.plan };
	const candidates = [base, ...candidatesAround(base, job.seed)];
	const done = new Map((job.done ?? []).map((trial) => [trial.number, trial]));
	// Time that earlier trials took counts.
	const began = job.now() - (job.done ?? []).reduce((sum, { seconds }) => sum + seconds * 1000, 0);
	const budget = job.minutes * 60_000;
	const trials: RulTrial[] = [];
	const plans = new Map<string, RulPlan>();
	let longest = 0;
	for (const [k, plan] of candidates.entries()) {
		const known = done.get(k + 1);
		if (known) {
			longest = Math.max(longest, known.seconds * 1000);
			trials.push(known);
			plans.set(known.id, plan);
			continue;
		}
		const startedAt = job.now();
		// Another one like the longest so far must still fit.
		if (k > 0 && startedAt - began + longest > budget) break;
		const tell = (share: number) => {
			const spent = job.now() - began;
			job.onProgress?.(
				Math.min(1, Math.max(spent / budget, k === 0 ? share * 0.05 : 0)),
				k,
				Math.max(0, (budget - spent) / 1000)
			);
		};
		tell(0);
		try {
			const { pkg } = await trainRul(engine, histories, {
				id: `${job.searchId}-${k + 1}`,
				title: job.title,
				origin: 'trained-here',
				createdAt: 0,
				description: '',
				seed: job.seed,
				plan: { ...plan, folds: trialFolds, repeats: 1 },
				checkpoints: job.checkpoints,
				signal: job.signal,
				onProgress: ({ fraction }) => tell(fraction)
			});
			const { crossValidatedRmse, constantRmse, coverage90 } = pkg.version.metrics;
			const seconds = (job.now() - startedAt) / 1000;
			longest = Math.max(longest, seconds * 1000);
			const trial: RulTrial = {
				id: `${job.searchId}-${k + 1}`,
				searchId: job.searchId,
				title: job.title,
				number: k + 1,
				at: startedAt,
				units: plan.network.units,
				bidirectional: plan.network.bidirectional ?? false,
				windowSteps: plan.network.windowSteps,
				learningRate: plan.learningRate,
				rmse: crossValidatedRmse,
				constantRmse,
				coverage90,
				seconds,
				stepName: histories.stepName
			};
			trials.push(trial);
			plans.set(trial.id, plan);
			await job.onTrial(trial);
		} catch (error) {
			// A configuration that cannot be trained is no reason to lose the others.
			if (k === 0 || isAborted(error) || job.signal?.aborted) throw error;
		}
	}
	if (job.signal?.aborted) throw new MillwrightError('aborted', 'The search was cancelled');
	trials.sort((a, b) => a.rmse - b.rmse);
	return { trials, plan: { ...plans.get(trials[0]!.id)!, folds: base.folds, repeats: base.repeats } };
}

/** Every other configuration in a seeded order; a quarter of them read their window both ways. */
function candidatesAround(base: RulPlan, seed: number): RulPlan[] {
	const all = sizes.flatMap((units) =>
		windows.flatMap((windowSteps) => rates.map((learningRate) => ({ units, windowSteps, learningRate })))
	);
	const random = randomFrom(seedOf(seed, 22));
	return Array.from(shuffledIndices(all.length, seedOf(seed, 23)), (i) => {
		const { units, windowSteps, learningRate } = all[i]!;
		const bidirectional = random() < 0.25;
		return { ...base, learningRate, network: { ...base.network, units, windowSteps, bidirectional } };
	});
}
