/**
 * Inference: what a remaining-life model says of a machine. In: its life so far, the model, what was said of it before. Out: its
 * prognosis now, and what was said step by step: as it was said then, and looking back where nobody was there to say it.
 */
import type { EarlierPrognosis, EpochMs, Prognosis, RulEstimate } from '../../contracts';
import type { RulEnsemble } from '../../prognostics';
import { fewestRows } from '../../training';
import type { MachineLife } from './machine-life';

/** Points of the past that are kept; of more, every other one goes. */
const mostSaid = 96;
/** Steps that are looked back on when a model is new to a machine. */
const mostLookedBack = 48;

export interface LifeStatement {
	readonly prognosis: Omit<Prognosis, 'machineId'>;
	/** Oldest first. */
	readonly said: readonly EarlierPrognosis[];
}

/**
 * @param capSteps longest remaining life that the model tells apart
 * @param before what is stored as said before, oldest first
 */
export async function sayLife(
	ensemble: Pick<RulEnsemble, 'estimate' | 'failureProbability'>,
	{ unit, times }: MachineLife,
	{ stepName, stepHours, capSteps, now }: { stepName: string; stepHours: number; capSteps: number; now: EpochMs },
	before: readonly EarlierPrognosis[]
): Promise<LifeStatement> {
	if (unit.steps < fewestRows)
		return {
			prognosis: {
				time: now,
				method: 'none',
				missing: `Too short a life to judge yet: ${unit.steps} of ${fewestRows} ${stepName}s`
			},
			said: []
		};
	const last = unit.steps - 1;
	const ends = lookedBack(times, before.at(-1)?.time ?? -Infinity);
	const estimates = await ensemble.estimate(unit, ends);
	const fresh = estimates.map((estimate, i): EarlierPrognosis => ({
		time: times[ends[i]!]!,
		...hoursOf(estimate, stepHours)
	}));
	const newest = estimates.at(-1)!;
	// At the cap nothing is told apart: what lies beyond is at least as likely as what lies before it.
	const within = (hours: number) =>
		ensemble.failureProbability(newest.median, Math.min(hours / stepHours, 0.99 * capSteps));
	return {
		prognosis: {
			time: times[last]!,
			method: 'rul-model',
			rulHours: hoursOf(newest, stepHours),
			eventProbability: { within24h: within(24), within72h: within(72), within7d: within(168) },
			tellsUpToHours: 0.99 * capSteps * stepHours
		},
		said: thinned([...before.filter(({ time }) => time < fresh[0]!.time), ...fresh])
	};
}

/** The last step, and an even selection of those that nothing was said of. */
function lookedBack(times: readonly EpochMs[], saidTo: EpochMs): number[] {
	const last = times.length - 1;
	const first = Math.max(
		fewestRows - 1,
		Math.min(
			last,
			times.findIndex((time) => time > saidTo)
		)
	);
	const stride = Math.max(1, Math.ceil((last - first + 1) / mostLookedBack));
	const ends: number[] = [];
	for (let end = last; end >= first; end -= stride) ends.unshift(end);
	return ends;
}

/** An even selection that keeps the newest. */
function thinned(said: readonly EarlierPrognosis[]): readonly EarlierPrognosis[] {
	return said.length > mostSaid ? said.filter((_, i) => (said.length - 1 - i) % 2 === 0) : said;
}

const hoursOf = ({ median, low, high, beyondCap }: RulEstimate, stepHours: number) => ({
	median: median * stepHours,
	low: low * stepHours,
	high: beyondCap ? Infinity : high * stepHours
});
