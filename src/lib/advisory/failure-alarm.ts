/**
 * Advisory Generation: from a prognosis to an alarm that a failure is expected. In: what a remaining-life model says of a machine, and
 * the alarm that stands. Out: the change to store, if any.
 *
 * Raised when it is as likely as not that the machine fails within a week; the nearer, the graver. Between `expected` and `averted` it
 * stays as it is, so that it does not chatter; a priority never falls by itself.
 */
import type { Alarm, AlarmPriority, MachineId, Prognosis } from '../contracts';
import { rankOf, type AlarmChange } from './alarm-machine';
import { failureReason } from './reason';

const expected = 0.5;
const averted = 0.3;

/** High: as likely as not within 24 hours; medium: within 72; low: within 7 days; undefined: none of them. */
export function urgencyOf({ rulHours, eventProbability }: Prognosis): AlarmPriority | undefined {
	if (!rulHours || !eventProbability) return undefined;
	const { within24h, within72h, within7d } = eventProbability;
	if (within24h >= expected) return 'high';
	if (within72h >= expected) return 'medium';
	return within7d >= expected ? 'low' : undefined;
}

/**
 * `alarm`: the machine's alarm of this kind whose condition stands, as stored. `model`: what the reason names as its source. A prognosis
 * without figures says nothing: it neither raises nor ends.
 */
export function adviseFailure(
	alarm: Alarm | undefined,
	machineId: MachineId,
	prognosis: Prognosis,
	model: { readonly id: string; readonly title: string }
): AlarmChange | undefined {
	const { rulHours, eventProbability, time } = prognosis;
	if (!rulHours || !eventProbability) return undefined;
	const urgency = urgencyOf(prognosis);
	const reason = failureReason(prognosis, model.title);
	if (!alarm) {
		if (!urgency) return undefined;
		return {
			kind: 'raise',
			alarm: {
				id: `${machineId}#failure-expected@${time}`,
				machineId,
				kind: 'failure-expected',
				priority: urgency,
				state: 'unacknowledged',
				since: time,
				raisedAt: time,
				peakScore: 0,
				reason,
				contributors: [],
				modelId: model.id
			}
		};
	}
	if (eventProbability.within7d < averted) return { kind: 'return', id: alarm.id, at: time };
	const priority = urgency && rankOf[urgency] > rankOf[alarm.priority] ? urgency : alarm.priority;
	// What stands there ages: an hour later it is another hour less.
	if (reason === alarm.reason && priority === alarm.priority) return undefined;
	return { kind: 'update', id: alarm.id, peakScore: 0, priority, reason, contributors: [] };
}
