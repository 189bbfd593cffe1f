/**
 * Advisory Generation: alarms by ISA-18.2 / IEC 62682.
 *
 * In: health reports in time order, acknowledgements, silence. Out: what the machine's alarm should be. An on-delay that is the longer the
 * less there is to see keeps what passes by itself off the list, an off-delay with a lower threshold keeps it from flapping. Pure functions; time is injected.
 */
import {
	acknowledgeAlarm,
	type Alarm,
	type AlarmPriority,
	type AlarmState,
	type EpochMs,
	type HealthReport,
	type MachineId
} from '../contracts';
import { anomalyReason, clockOf, staleReason } from './reason';

/** The condition must last this many steps (and at least 5 s) before it is an alarm... */
export const onDelaySteps = 20;
/** ...and be gone this many steps before it returns to normal. */
export const offDelaySteps = 60;
export const minimumDelayMs = 5_000;
/** After the on-delay an anomaly of this score is an alarm at once; a smaller one when the mean of the last minutes is over the threshold too. */
export const urgentScore = 1.5;

export interface AdvisoryState {
	/** The alarm as it was last given out; undefined when none is open. */
	readonly alarm?: Alarm;
	/** Start of the condition that has not lasted long enough yet. */
	readonly pendingSince?: EpochMs;
	/** Since when the condition of an open alarm has been gone. */
	readonly goneSince?: EpochMs;
}

export const noAlarm: AdvisoryState = {};

export interface Advice {
	readonly state: AdvisoryState;
	/** Set when the stored alarm must change. */
	readonly change?: AlarmChange;
}

/** A step of the alarm's life, applied to what is stored by `applyChange` (a person may have acknowledged meanwhile). */
export type AlarmChange =
	| { readonly kind: 'raise'; readonly alarm: Alarm }
	| {
			readonly kind: 'update';
			readonly id: string;
			readonly peakScore: number;
			readonly priority: AlarmPriority;
			readonly reason: string;
			readonly contributors: Alarm['contributors'];
	  }
	| { readonly kind: 'return'; readonly id: string; readonly at: EpochMs }
	/** Older history shows that the condition began earlier. */
	| { readonly kind: 'backdate'; readonly id: string; readonly since: EpochMs };

const active: ReadonlySet<AlarmState> = new Set([
	'unacknowledged',
	'acknowledged',
	'shelved',
	'suppressed',
	'out-of-service'
]);

/** True while the alarm's condition stands. */
export function isActive(alarm: Pick<Alarm, 'state' | 'returnedAt'>): boolean {
	return active.has(alarm.state) && alarm.returnedAt === undefined;
}

function isUrgent({ score }: HealthReport): boolean {
	return score >= urgentScore;
}

/** A peak of normal running is soon gone; a fault stays. */
function stands({ lastingScore = 1 }: HealthReport): boolean {
	return lastingScore >= 1;
}

/** High: critical, or poor for an hour; medium: poor, or unwell for an hour; else low. */
export function priorityOf(report: Pick<HealthReport, 'grade' | 'unwellSince' | 'time'>): AlarmPriority {
	const lasting = report.unwellSince !== undefined && report.time - report.unwellSince >= 3_600_000;
	if (report.grade === 'critical' || (report.grade === 'poor' && lasting)) return 'high';
	return report.grade === 'poor' || lasting ? 'medium' : 'low';
}

export const rankOf: Record<AlarmPriority, number> = { low: 0, medium: 1, high: 2 };

/**
 * One report to advice. An unscored report (stopped, warming up) neither starts nor ends a condition: it says nothing.
 * `unitOf` gives a sensor's unit where it is known.
 */
export function advise(
	before: AdvisoryState,
	report: HealthReport,
	stepMs: number,
	unitOf: (sensorName: string) => string | undefined = () => undefined
): Advice {
	if (report.unscored !== undefined) return { state: before.alarm ? { ...before, goneSince: undefined } : noAlarm };
	const onDelay = Math.max(onDelaySteps * stepMs, minimumDelayMs);
	const offDelay = Math.max(offDelaySteps * stepMs, minimumDelayMs);
	if (before.alarm === undefined) {
		if (!report.anomalous) return { state: noAlarm };
		const since = report.unwellSince ?? before.pendingSince ?? report.time;
		const pendingSince = before.pendingSince ?? report.time;
		if (report.time - pendingSince < onDelay || !(isUrgent(report) || stands(report)))
			return { state: { pendingSince } };
		const alarm: Alarm = {
			id: `${report.machineId}#anomaly@${since}`,
			machineId: report.machineId,
			kind: 'anomaly',
			priority: priorityOf(report),
			state: 'unacknowledged',
			since,
			raisedAt: report.time,
			peakScore: report.score,
			reason: anomalyReason(report, unitOf),
			contributors: report.contributors.slice(0, 5),
			modelId: report.modelId
		};
		return { state: { alarm }, change: { kind: 'raise', alarm } };
	}

	const { alarm } = before;
	if (report.anomalous) {
		const priority = priorityOf(report);
		const worse = rankOf[priority] > rankOf[alarm.priority];
		// Written again only when it is news: a fifth worse, or a higher priority. A priority never falls by itself.
		if (!worse && report.score < alarm.peakScore * 1.2) return { state: { alarm } };
		const next: Alarm = {
			...alarm,
			peakScore: Math.max(alarm.peakScore, report.score),
			priority: worse ? priority : alarm.priority,
			reason: anomalyReason(report, unitOf, alarm.since),
			contributors: report.contributors.slice(0, 5)
		};
		return {
			state: { alarm: next },
			change: {
				kind: 'update',
				id: next.id,
				peakScore: next.peakScore,
				priority: next.priority,
				reason: next.reason,
				contributors: next.contributors
			}
		};
	}
	const goneSince = before.goneSince ?? report.time;
	if (report.time - goneSince < offDelay) return { state: { alarm, goneSince } };
	return { state: noAlarm, change: { kind: 'return', id: alarm.id, at: goneSince } };
}

/** A machine that stopped sending: raised at once (the caller knows how long is too long). */
export function raiseStale(machineId: MachineId, lastTime: EpochMs, now: EpochMs): AlarmChange & { kind: 'raise' } {
	return {
		kind: 'raise',
		alarm: {
			id: `${machineId}#stale@${lastTime}`,
			machineId,
			kind: 'stale',
			priority: 'low',
			state: 'unacknowledged',
			since: lastTime,
			raisedAt: now,
			peakScore: 0,
			reason: staleReason(lastTime),
			contributors: []
		}
	};
}

/** What to store, given what is stored: for `store.alarms.update(id, ...)`. Undefined leaves it as it is. */
export function applyChange(stored: Alarm | undefined, change: AlarmChange): Alarm | undefined {
	if (change.kind === 'raise') return stored ?? change.alarm;
	if (stored === undefined) return undefined;
	if (change.kind === 'backdate') return backdate(stored, change.since);
	if (change.kind === 'update') {
		if (!isActive(stored)) return stored;
		return {
			...stored,
			peakScore: Math.max(stored.peakScore, change.peakScore),
			priority: change.priority,
			reason: change.reason,
			contributors: change.contributors
		};
	}
	return returnToNormal(stored, change.at);
}

/** The alarm as it would have been raised, had that history been scored in order: all its times move together. */
function backdate(stored: Alarm, since: EpochMs): Alarm {
	if (since >= stored.since) return stored;
	return {
		...stored,
		since,
		raisedAt: stored.raisedAt - (stored.since - since),
		reason: stored.reason.replace(`since ${clockOf(stored.since)}`, `since ${clockOf(since)}`)
	};
}

/** The condition is gone: an acknowledged alarm closes, an unseen one waits to be seen. */
export function returnToNormal(stored: Alarm, at: EpochMs): Alarm {
	if (!isActive(stored)) return stored;
	const returnedAt = Math.max(at, stored.since);
	if (stored.state === 'unacknowledged') return { ...stored, state: 'returned-unacknowledged', returnedAt };
	if (stored.state === 'acknowledged') return { ...stored, state: 'normal', returnedAt };
	return { ...stored, returnedAt };
}

/** Somebody has seen it. Alarms in other states stay as they are. */
export function acknowledge(stored: Alarm, at: EpochMs, by: string): Alarm {
	return acknowledgeAlarm(stored, by, at);
}
