/**
 * What is known of a machine and its sensors apart from their values: the registry that screens and models look up.
 */
import type { AssetPath, MachineId, SensorId } from './identity';
import type { EpochMs } from './reading';
import type { MachineDeclaration } from './vibration-zones';

export const machineClassIds = [
	'centrifugal-pump',
	'electric-motor',
	'cnc-spindle',
	'air-compressor',
	'gearbox-conveyor',
	'hydraulic-press'
] as const;
export type MachineClassId = (typeof machineClassIds)[number];

export const sensorKinds = [
	'temperature',
	'vibration',
	'pressure',
	'flow',
	'current',
	'voltage',
	'power',
	'speed',
	'torque',
	'wear',
	'level',
	'position',
	'state',
	'other'
] as const;
export type SensorKind = (typeof sensorKinds)[number];
/** Kinds that say how hard a machine works: near zero while it stands. */
export const loadKinds: ReadonlySet<SensorKind> = new Set(['speed', 'current', 'power', 'torque']);

export interface SensorRecord {
	readonly id: SensorId;
	readonly machineId: MachineId;
	readonly name: string;
	/** Undefined until stated by the source or by a person: never guessed. */
	readonly unit?: string;
	readonly kind: SensorKind;
	/** Smallest step the sensor resolves; values come back exact to it. Undefined: bit for bit. */
	readonly resolution?: number;
	/** Values outside are physically impossible and stored with quality `bad`. */
	readonly validRange?: readonly [min: number, max: number];
	readonly firstSeen: EpochMs;
	/** How the source names it, where a mapping gave it another name or place. */
	readonly source?: SensorId;
}

/** What the source itself says of being there: a death certificate, a last will, an availability message. */
export interface Presence {
	readonly online: boolean;
	readonly since: EpochMs;
	/** Who says so and what, e.g. "its broker session ended (Sparkplug death certificate)". */
	readonly reason: string;
}

export interface MachineRecord {
	readonly id: MachineId;
	readonly path: AssetPath;
	/** Set by the source (`machineClass` in a payload or birth) or by a person; chooses the shipped model. */
	readonly machineClass?: MachineClassId;
	/** Tells data apart that came by import from data that is live. */
	readonly origin: 'live' | 'demo' | 'import';
	readonly firstSeen: EpochMs;
	/** Undefined: the source never says. */
	readonly presence?: Presence;
	/** Group and geometry as the source declares them; a person's own declaration is a setting and wins. */
	readonly declared?: MachineDeclaration;
}

/** A sensor's value goes stale when nothing came for this many of its usual intervals, and at least `staleFloorMs`. */
export const staleIntervals = 5;
export const staleFloorMs = 5_000;
