/**
 * Health Assessment: vibration severity by ISO 20816-3 / 10816.
 *
 * In: a velocity in mm/s RMS and what is declared of the machine. Out: the zone, or a refusal that says what is missing. Nothing is assumed: a
 * value without unit, a waveform sampled too slowly, a machine without a group get no zone.
 */
import {
	vibrationGroups,
	type MachineDeclaration,
	type VibrationGrading,
	type VibrationZone,
	type ZoneLimits
} from '../contracts';

/** A zone is left downwards only this far below its limit, so that noise at a limit does not flap. */
const hysteresis = 0.05;

/** Zone of a velocity; `before` keeps a worse zone until the value is 5 % below the limit. */
export function zoneOf(velocityRms: number, limits: ZoneLimits, before?: VibrationZone): VibrationZone {
	const zones = ['A', 'B', 'C', 'D'] as const;
	const rank = limits.filter((limit) => velocityRms > limit).length;
	const previous = before === undefined ? rank : zones.indexOf(before);
	if (rank >= previous) return zones[rank]!;
	const eased = limits.filter((limit) => velocityRms > limit * (1 - hysteresis)).length;
	return zones[Math.min(previous, eased)]!;
}

/** Limits that hold for a machine and where they come from; undefined when nothing is declared. */
export function limitsOf(
	declared: MachineDeclaration
): { readonly limits: ZoneLimits; readonly basis: string } | undefined {
	const group = declared.vibrationGroup && vibrationGroups[declared.vibrationGroup];
	if (declared.zoneLimits)
		return { limits: declared.zoneLimits, basis: group ? `own limits in place of ${group.basis}` : 'own limits' };
	return group && { limits: group.limits, basis: group.basis };
}

export interface VibrationLevel {
	readonly channel: string;
	readonly time?: number;
	/** Undefined when it cannot be had, and then `refused` says why. */
	readonly velocityRms?: number;
	readonly refused?: string;
}

export function gradeVibration(
	level: VibrationLevel,
	declared: MachineDeclaration,
	before?: VibrationZone
): VibrationGrading {
	const limits = limitsOf(declared);
	const { channel, time, velocityRms } = level;
	if (velocityRms === undefined) return { channel, time, refused: level.refused ?? 'there is no value yet', ...limits };
	if (!limits)
		return {
			channel,
			time,
			velocityRms,
			refused: 'the machine group (size and foundation) is not declared: choose it to see the zone'
		};
	return { channel, time, velocityRms, zone: zoneOf(velocityRms, limits.limits, before), ...limits };
}
