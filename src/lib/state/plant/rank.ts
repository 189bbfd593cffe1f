/**
 * Worst first: the order machines are listed in. In: what is known of each. Out: a rank (smaller is worse) that moves
 * with alarms and grades, not with every tick of the index, so that tiles do not jump under a finger.
 */
import type { Alarm, AlarmPriority, HealthGrade } from '../../contracts';

export interface Ranked {
	readonly id: string;
	readonly grade: HealthGrade;
	readonly anomalous: boolean;
	/** Nothing comes from it: silent, or known to be off the network. */
	readonly stale: boolean;
	readonly alarm?: Pick<Alarm, 'priority' | 'state'>;
}

export const priorityOrder: readonly AlarmPriority[] = ['high', 'medium', 'low'];
/** One collator for all: making one per comparison costs more than sorting. */
const collator = new Intl.Collator('en', { numeric: true });
export const compareIds = (a: string, b: string): number => collator.compare(a, b);
const gradeOrder: readonly HealthGrade[] = ['critical', 'poor', 'watch', 'good', 'unknown'];

/**
 * Alarm priority first (unacknowledged before acknowledged), then grade, then present anomaly, then staleness. A machine that fell silent
 * before anything was known of it comes before the good ones: somebody has to look, where a good one needs nobody.
 */
export function rankOf(machine: Ranked): number {
	const alarm = machine.alarm
		? priorityOrder.indexOf(machine.alarm.priority) * 2 + (machine.alarm.state === 'unacknowledged' ? 0 : 1)
		: 6;
	const unseen = machine.stale && machine.grade === 'unknown';
	return (
		alarm * 100 +
		(unseen ? gradeOrder.indexOf('good') * 10 - 1 : gradeOrder.indexOf(machine.grade) * 10) +
		(unseen ? 0 : (machine.anomalous ? 0 : 4) + (machine.stale ? 0 : 2))
	);
}
