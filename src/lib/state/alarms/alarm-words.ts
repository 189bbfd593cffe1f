/**
 * State, pure: ISA-18.2 states and times of an alarm, as a technician reads them.
 */
import type { Alarm, AlarmPriority, AlarmState, EpochMs } from '$lib/contracts';

export const alarmStateWords: Readonly<Record<AlarmState, string>> = {
	unacknowledged: 'New',
	acknowledged: 'Acknowledged',
	'returned-unacknowledged': 'Over, not acknowledged',
	normal: 'Closed',
	shelved: 'Shelved',
	suppressed: 'Suppressed',
	'out-of-service': 'Out of service'
};

export const priorityWords: Readonly<Record<AlarmPriority, string>> = { high: 'High', medium: 'Medium', low: 'Low' };

/** How long the condition lasted, or lasts by `until` (now, or the end of a recording), milliseconds. */
export function alarmDurationMs(alarm: Pick<Alarm, 'since' | 'returnedAt'>, until: EpochMs): number {
	return Math.max(0, (alarm.returnedAt ?? until) - alarm.since);
}

/** True while the condition itself is present. */
export function isPresent(alarm: Pick<Alarm, 'state' | 'returnedAt'>): boolean {
	return alarm.returnedAt === undefined && alarm.state !== 'normal' && alarm.state !== 'returned-unacknowledged';
}
