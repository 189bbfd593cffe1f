/**
 * Failures and replacements as a person records them on a machine's screen: the history that a failure classifier of one's own plant
 * is learnt from. Codes after ISO 14224 (failure modes and maintenance activities), as short picklists.
 */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

/** Failure modes of rotating equipment, ISO 14224:2016 table B.6, those that a person tells on the spot. */
export const failureModes = [
	'breakdown',
	'vibration',
	'overheating',
	'external-leakage',
	'internal-leakage',
	'noise',
	'low-output',
	'fail-to-start',
	'fail-to-stop',
	'structural',
	'plugged',
	'other'
] as const;
export type FailureModeCode = (typeof failureModes)[number];

/** What was done, ISO 14224:2016 table B.5. */
export const repairActions = ['replaced', 'repaired', 'adjusted', 'serviced', 'none-yet'] as const;
export type RepairAction = (typeof repairActions)[number];

export interface FailureRecord {
	readonly id: string;
	readonly machineId: MachineId;
	readonly at: EpochMs;
	/** A failure stopped the machine or its duty; planned work did not come from one. */
	readonly kind: 'failure' | 'planned-work';
	/** Of a failure. */
	readonly mode?: FailureModeCode;
	readonly action: RepairAction;
	/** Which part was replaced or worked on, as the plant calls it; empty: not said. */
	readonly part: string;
	readonly note: string;
	readonly by: string;
	readonly recordedAt: EpochMs;
}
