/**
 * Operating modes: the ways of running that a model's training data showed, learnt from its load signals, and how they are named.
 */
import type { MachineId } from './identity';

export interface LearnedMode {
	/** "m1", "m2", ... by rising load; means nothing outside its version. */
	readonly id: string;
	/** Scaled load signals at places of the mode, thinned out: [places][signals]. */
	readonly points: readonly (readonly number[])[];
	/** Median of each load signal, own units. */
	readonly typical: readonly number[];
	/** Share of the settled running that was learnt from. */
	readonly share: number;
}

/** Stored with a model version; undefined there: the data showed no load signal. */
export interface OperatingModes {
	/** Load signals, the order of all lists of numbers here. */
	readonly sensorNames: readonly string[];
	/** Scaled = (value - low) / range. */
	readonly low: readonly number[];
	readonly range: readonly number[];
	/** Rows that a place is the mean of. */
	readonly blockRows: number;
	readonly modes: readonly LearnedMode[];
	/** Places that running often passes without settling (phases of a cycle): known, though no mode of their own. */
	readonly passed: readonly (readonly number[])[];
	/** Settled blocks that were learnt from. */
	readonly blocks: number;
}

/** How a stretch of running is coded in the derived series `~mode`. Learnt modes follow from 10 on, in their order. */
export const modeCodes = { off: 0, 'start-up': 1, changing: 2, new: 3, running: 4 } as const;
export const firstLearnedCode = 10;

/** A name a person gave, tied to what the load signals were like, so that it outlives a new model. */
export interface NamedMode {
	readonly name: string;
	/** By sensor name, own units. */
	readonly typical: Readonly<Record<string, number>>;
}

export const longestModeName = 40;

export function modeNamesKey(machineId: MachineId): string {
	return `mode-names:${machineId}`;
}

/** Two places this far apart, in shares of a signal's range, belong to one mode; a new mode is twice as far from all of them. */
export const modeReach = 0.1;

/** The names with one given, changed, or (empty) taken away. */
export function renameMode(
	modes: OperatingModes,
	index: number,
	given: string,
	names: readonly NamedMode[]
): NamedMode[] {
	const { typical } = modes.modes[index]!;
	const others = names.filter((one) => nameOfMode(modes, typical, [one]) === undefined);
	const name = given.trim().slice(0, longestModeName);
	if (!name) return others;
	return [
		...others,
		{ name, typical: Object.fromEntries(modes.sensorNames.map((sensor, i) => [sensor, typical[i]!])) }
	];
}

/** The name given to a mode like this one; undefined: none. */
export function nameOfMode(
	modes: OperatingModes,
	typical: readonly number[],
	names: readonly NamedMode[]
): string | undefined {
	let best: string | undefined;
	let nearest = 2 * modeReach;
	for (const { name, typical: named } of names) {
		let distance = 0;
		modes.sensorNames.forEach((sensorName, i) => {
			const value = named[sensorName];
			distance = Math.max(distance, value === undefined ? Infinity : Math.abs(value - typical[i]!) / modes.range[i]!);
		});
		if (distance > nearest) continue;
		nearest = distance;
		best = name;
	}
	return best;
}

/** The code is written again after this long without a change: a sign that it still holds. */
export const modeHeartbeatMs = 10 * 60_000;

/** Code of what a detected state says of the mode, for the series `~mode`. */
export function modeCodeOf({ mode, modeId }: { readonly mode: string; readonly modeId?: string | undefined }): number {
	if (modeId === 'new') return modeCodes.new;
	const learned = /^m(\d+)$/.exec(modeId ?? '');
	if (learned && mode !== 'off' && mode !== 'start-up') return firstLearnedCode + Number(learned[1]) - 1;
	return (modeCodes as Readonly<Record<string, number>>)[mode] ?? modeCodes.running;
}
