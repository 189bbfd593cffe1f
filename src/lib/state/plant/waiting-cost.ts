/**
 * What it is expected to cost to leave a machine as it is for a week. In: prognoses and what a failure costs per machine class. Out: rows,
 * dearest first.
 *
 * cost of waiting = P(event within 7 days) x (cost of an unplanned failure - cost of the same repair when planned)
 */
import type { MachineClassId, MachineId, Prognosis } from '../../contracts';

export interface FailureCosts {
	/** Repair, standstill and what follows from it, when it comes by itself. */
	readonly unplanned: number;
	/** The same repair at a time of one's own choosing. */
	readonly planned: number;
}

/** "none" is for machines without a class. */
export type CostClass = MachineClassId | 'none';
export type CostTable = Partial<Record<CostClass, FailureCosts>>;

/** A stand-in until somebody sets the plant's own: with one figure for all, the order is that of probability. */
export const defaultCosts: FailureCosts = { unplanned: 10_000, planned: 2_000 };

export interface WaitingRow {
	readonly id: MachineId;
	readonly costClass: CostClass;
	/** Undefined: nothing can be said, so no cost either. */
	readonly probability: number | undefined;
	/** The probability is a lower bound: so far ahead nothing is told apart. */
	readonly atLeast: boolean;
	readonly rulHours: Prognosis['rulHours'];
	readonly consequence: number;
	readonly cost: number | undefined;
	readonly method: Prognosis['method'] | undefined;
	/** The probability was measured against what came, on lives not learnt from. */
	readonly calibrated: boolean;
	readonly missing: string | undefined;
	/** What a promoted model lacks to say anything, while another one or health speaks. */
	readonly unsaid: string | undefined;
}

export interface WaitingMachine {
	readonly id: MachineId;
	readonly record: { readonly machineClass?: MachineClassId | undefined };
	/** What is said of its remaining life. */
	readonly outlook: Prognosis | undefined;
	/** What a promoted model lacks to say anything of it. */
	readonly unsaid?: string | undefined;
}

export function costsOf(table: CostTable, costClass: CostClass): FailureCosts {
	return table[costClass] ?? defaultCosts;
}

/** Dearest first; machines of which nothing can be said come last, in the order they were given. */
export function rankByWaiting(machines: readonly WaitingMachine[], table: CostTable): WaitingRow[] {
	return machines
		.map(({ id, record, outlook: prognosis, unsaid }): WaitingRow => {
			const costClass = record.machineClass ?? 'none';
			const { unplanned, planned } = costsOf(table, costClass);
			const reached = prognosis?.rulHours?.median === 0 && !prognosis.eventProbability;
			const probability = reached ? 1 : prognosis?.eventProbability?.within7d;
			const consequence = Math.max(0, unplanned - planned);
			return {
				id,
				costClass,
				probability,
				consequence,
				atLeast: 7 * 24 > (prognosis?.tellsUpToHours ?? Infinity) && probability !== undefined,
				rulHours: prognosis?.rulHours,
				cost: probability === undefined ? undefined : probability * consequence,
				method: prognosis?.method,
				calibrated: prognosis?.failure?.calibration !== undefined,
				missing: prognosis ? prognosis.missing : 'Not judged yet',
				unsaid
			};
		})
		.sort((a, b) => (b.cost ?? -1) - (a.cost ?? -1));
}

/** A sum as typed; undefined where it is none. */
export function readCost(text: string | number | undefined): number | undefined {
	const value = typeof text === 'string' && text.trim() === '' ? Number.NaN : Number(text);
	return Number.isFinite(value) && value >= 0 ? value : undefined;
}
