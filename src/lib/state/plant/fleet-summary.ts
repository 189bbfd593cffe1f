/**
 * A plant's machines summed up. In: what is known of each, in the order of their ids. Out: the same worst first, and the figures over all of
 * them, in one pass without a comparison: a plant may have a hundred thousand machines.
 */
import type { EpochMs, HealthGrade } from '../../contracts';
import { GroupSum, sameHealth, type GroupHealth } from './group-health';
import { rankOf, type Ranked } from './rank';

export interface SummedMachine extends Ranked {
	readonly name: string;
	/** A recording that was imported: past, not late. */
	readonly recorded: boolean;
	/** Health index, NaN when there is none. */
	readonly index: number;
	readonly online: boolean;
	readonly lastAt: EpochMs | undefined;
	readonly staleAfterMs: number;
	readonly record: { readonly path: { readonly plant?: string } };
}

export interface FleetFigures {
	/** Machines that are no recordings. */
	readonly live: number;
	readonly online: number;
	/** Names of the first few that are silent or offline. */
	readonly offlineNames: readonly string[];
	readonly recorded: number;
	/** Of all machines that are no recordings. */
	readonly health: GroupHealth;
	/** With an open alarm, or anomalous now. */
	readonly needing: number;
	/** A verdict is known of at least one. */
	readonly judged: boolean;
	/** The plant level that all machines share; undefined when there is none or there are several. */
	readonly plantName: string | undefined;
	/** Longest silence that is usual for the quickest machine: past it, the link brings no data. */
	readonly quickestStaleMs: number;
	/** Newest value of a live machine. */
	readonly lastAt: EpochMs | undefined;
}

export const noFigures: FleetFigures = {
	live: 0,
	online: 0,
	offlineNames: [],
	recorded: 0,
	health: new GroupSum().health(),
	needing: 0,
	judged: false,
	plantName: undefined,
	quickestStaleMs: Infinity,
	lastAt: undefined
};

const namesShown = 8;

/** `machines` in the order of their ids, which is kept among those that rank alike. */
export function summarise<T extends SummedMachine>(
	machines: readonly T[],
	gradeBefore?: HealthGrade
): { order: T[]; figures: FleetFigures } {
	const byRank: T[][] = [];
	const offlineNames: string[] = [];
	let online = 0;
	let recorded = 0;
	const health = new GroupSum();
	let needing = 0;
	let judged = false;
	let quickestStaleMs = Infinity;
	let lastAt: EpochMs | undefined;
	const plant = machines[0]?.record.path.plant;
	let onePlant = machines.length > 0;
	for (const machine of machines) {
		const isRecorded = machine.recorded;
		const rank = rankOf({
			id: machine.id,
			grade: machine.grade,
			anomalous: machine.anomalous,
			stale: !isRecorded && (machine.stale || !machine.online),
			alarm: machine.alarm
		});
		(byRank[rank] ??= []).push(machine);
		if (machine.alarm || machine.anomalous) needing++;
		if (machine.grade !== 'unknown') judged = true;
		if (machine.record.path.plant !== plant) onePlant = false;
		if (isRecorded) {
			recorded++;
			continue;
		}
		health.add(machine.name, machine.index);
		if (machine.online) online++;
		else if (offlineNames.length < namesShown) offlineNames.push(machine.name);
		if (machine.staleAfterMs > 0 && machine.staleAfterMs < quickestStaleMs) quickestStaleMs = machine.staleAfterMs;
		if (machine.lastAt !== undefined && !(machine.lastAt <= (lastAt ?? -Infinity))) lastAt = machine.lastAt;
	}
	return {
		order: byRank.flat(),
		figures: {
			live: machines.length - recorded,
			online,
			offlineNames,
			recorded,
			health: health.health(gradeBefore),
			needing,
			judged,
			plantName: onePlant ? plant : undefined,
			quickestStaleMs,
			lastAt
		}
	};
}

export function sameFigures(a: FleetFigures, b: FleetFigures): boolean {
	return (
		(Object.keys(a) as (keyof FleetFigures)[]).every(
			(name) => name === 'offlineNames' || name === 'health' || a[name] === b[name]
		) &&
		sameHealth(a.health, b.health) &&
		a.offlineNames.join() === b.offlineNames.join()
	);
}
