/**
 * Vibration severity zones of ISO 20816-3 / 10816-3 and 10816-1: machine groups and their limits, as data that a person may edit.
 *
 * Zone A: as newly commissioned. B: unrestricted long-term running. C: unsatisfactory, for a limited time. D: may cause damage.
 */
import * as v from 'valibot';
import type { EpochMs } from './reading';
import { MachineGeometrySchema } from './waveform';

/** Limits A|B, B|C, C|D in mm/s RMS, 10 to 1,000 Hz. */
export type ZoneLimits = readonly [ab: number, bc: number, cd: number];

export const vibrationGroups = {
	'group-1-rigid': {
		title: 'Large machine above 300 kW, rigid foundation',
		basis: 'ISO 10816-3:2009 group 1, rigid',
		limits: [2.3, 4.5, 7.1]
	},
	'group-1-flexible': {
		title: 'Large machine above 300 kW, flexible foundation',
		basis: 'ISO 10816-3:2009 group 1, flexible',
		limits: [3.5, 7.1, 11]
	},
	'group-2-rigid': {
		title: 'Medium machine 15 to 300 kW, rigid foundation',
		basis: 'ISO 10816-3:2009 group 2, rigid',
		limits: [1.4, 2.8, 4.5]
	},
	'group-2-flexible': {
		title: 'Medium machine 15 to 300 kW, flexible foundation',
		basis: 'ISO 10816-3:2009 group 2, flexible',
		limits: [2.3, 4.5, 7.1]
	},
	'class-1': { title: 'Small machine up to 15 kW', basis: 'ISO 10816-1:1995 class I', limits: [0.71, 1.8, 4.5] }
} as const satisfies Record<string, { title: string; basis: string; limits: ZoneLimits }>;
export type VibrationGroup = keyof typeof vibrationGroups;
export const vibrationGroupIds = Object.keys(vibrationGroups) as VibrationGroup[];

/** What is declared of a machine, by its source or by a person, so that vibration can be graded and read. */
export const MachineDeclarationSchema = v.object({
	geometry: v.optional(MachineGeometrySchema),
	vibrationGroup: v.optional(v.picklist(vibrationGroupIds)),
	/** A person's own limits in place of the group's. */
	zoneLimits: v.optional(
		v.pipe(
			v.tuple([v.number(), v.number(), v.number()]),
			v.check(([ab, bc, cd]) => ab > 0 && bc > ab && cd > bc, 'Limits must be above 0 and rise from A|B to C|D')
		)
	)
});
export type MachineDeclaration = v.InferOutput<typeof MachineDeclarationSchema>;

/** The setting that holds what a person declared of a machine; it wins over what the source declares. */
export function declarationKey(machineId: string): string {
	return `declared:${machineId}`;
}

export type VibrationZone = 'A' | 'B' | 'C' | 'D';

export interface VibrationGrading {
	/** Sensor or waveform channel. */
	readonly channel: string;
	readonly time?: EpochMs;
	/** mm/s RMS; undefined when it cannot be said. */
	readonly velocityRms?: number;
	readonly zone?: VibrationZone;
	readonly limits?: ZoneLimits;
	/** Standard, group and edition, or that the limits are a person's own. */
	readonly basis?: string;
	/** Why there is no zone, and what would give one. */
	readonly refused?: string;
}
