/**
 * What is the matter with the data itself, as found by Data Acquisition from what is stored: of which machine or sensor, since when, and
 * the figures that the sentence on the screen is made of.
 */
import type { MachineId, SensorId } from './identity';
import type { EpochMs } from './reading';

/** Worst first. */
export const findingKinds = [
	'offline', // the source itself says that the machine is gone
	'silent', // nothing for much longer than usual, nobody says why
	'flat-line', // a sensor that used to change sends one value
	'out-of-range', // values that the sensor cannot measure
	'bad-quality', // values that the source itself calls bad or uncertain
	'clock-skew', // the source's clock, or its sending, is off
	'unusual', // far outside of all that it sent so far
	'duplicates', // readings come more than once
	'late' // a little longer than usual
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface DataFinding {
	readonly kind: FindingKind;
	readonly machineId: MachineId;
	/** Undefined: it is true of the whole machine. */
	readonly sensorId?: SensorId;
	readonly since: EpochMs;
	/** Who says so, where somebody does. */
	readonly reason?: string;
	/** Learnt from what came: median time between two readings. */
	readonly usualIntervalMs?: number;
	/** The value in question, and the range it should lie in. */
	readonly value?: number;
	readonly range?: readonly [low: number, high: number];
	/** How many readings it concerns, of so many in the same time. */
	readonly count?: number;
	readonly of?: number;
	/** Positive: ahead of this device. */
	readonly skewMs?: number;
	/** The times stored were corrected for it. */
	readonly corrected?: boolean;
	/** Other machines of the same place that fell silent at the same moment. */
	readonly together?: number;
}

export interface DataHealthReport {
	readonly at: EpochMs;
	/** Worst first, at most `MAX_FINDINGS`. */
	readonly findings: readonly DataFinding[];
	readonly counts: Readonly<Partial<Record<FindingKind, number>>>;
	readonly machines: number;
	readonly sensors: number;
	/** Of these, without any finding. */
	readonly machinesWell: number;
	/** The link brings nothing at all: silence of single machines says nothing. */
	readonly linkDown: boolean;
}

export const MAX_FINDINGS = 1_000;
