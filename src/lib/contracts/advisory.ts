/**
 * Advisory: alarms by ISA-18.2 / IEC 62682, as Advisory Generation hands them to storage and screens.
 */
import type { SensorDeviation } from './detected-state';
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

/** ISA-18.2 states that this product uses. */
export type AlarmState =
	| 'normal' // closed: condition gone and acknowledged
	| 'unacknowledged' // condition present, nobody has seen it
	| 'acknowledged' // condition present, somebody has
	| 'returned-unacknowledged' // condition gone by itself, nobody has seen it
	| 'shelved'
	| 'suppressed'
	| 'out-of-service';

export type AlarmPriority = 'low' | 'medium' | 'high';

export interface Alarm {
	readonly id: string;
	readonly machineId: MachineId;
	readonly kind: 'anomaly' | 'stale' | 'failure-expected';
	readonly priority: AlarmPriority;
	readonly state: AlarmState;
	/** Start of the condition (not of the alarm, which is later by the on-delay). */
	readonly since: EpochMs;
	readonly raisedAt: EpochMs;
	readonly acknowledgedAt?: EpochMs;
	readonly acknowledgedBy?: string;
	readonly returnedAt?: EpochMs;
	readonly peakScore: number;
	/** One plain sentence: what, which sensor, by how much. */
	readonly reason: string;
	readonly contributors: readonly SensorDeviation[];
	readonly modelId?: string;
}

/** True while the alarm belongs on the open list. */
export function isOpen(alarm: Pick<Alarm, 'state'>): boolean {
	return alarm.state !== 'normal';
}

/** True when acknowledging would change this alarm: somebody still has to say that they have seen it. */
export function canAcknowledge(alarm: Pick<Alarm, 'state'>): boolean {
	return alarm.state === 'unacknowledged' || alarm.state === 'returned-unacknowledged';
}

/**
 * ISA-18.2 acknowledge transition: condition present -> acknowledged, condition gone -> normal (closed).
 * Any other state comes back unchanged, so that a second tap or another tab does no harm.
 */
export function acknowledgeAlarm(alarm: Alarm, by: string, at: EpochMs): Alarm {
	if (!canAcknowledge(alarm)) return alarm;
	const state = alarm.state === 'unacknowledged' ? 'acknowledged' : 'normal';
	return { ...alarm, state, acknowledgedAt: at, acknowledgedBy: by };
}
