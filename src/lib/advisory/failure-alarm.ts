/**
 * Advisory Generation: from prognoses to an alarm that a failure is expected. In: what promoted models say of a machine, and
 * the alarm that stands. Out: the change to store, if any.
 *
 * Raised when one of them says that it is as likely as not that the machine fails within a week; the nearer, the graver. Between `expected`
 * and `averted` it stays as it is, so that it does not chatter; a priority never falls by itself. One condition, one alarm: where two models
 * speak, the graver one is told.
 */
import type { Alarm, AlarmPriority, MachineId, Prognosis } from '../contracts';
import { rankOf, type AlarmChange } from './alarm-machine';
import { failureReason } from './reason';

const expected = 0.5;
const averted = 0.3;

/** What one model says of a machine; `mode`: how it will most likely fail. */
export interface ModelStatement {
	readonly modelId: string;
	readonly title: string;
	readonly prognosis: Prognosis;
	readonly mode?: string;
}

/** High: as likely as not within 24 hours; medium: within 72; low: within 7 days; undefined: none of them. */
export function urgencyOf({ eventProbability }: Prognosis): AlarmPriority | undefined {
	if (!eventProbability) return undefined;
	const { within24h, within72h, within7d } = eventProbability;
	if (within24h >= expected) return 'high';
	if (within72h >= expected) return 'medium';
	return within7d >= expected ? 'low' : undefined;
}

/** `alarm`: the machine's alarm of this kind whose condition stands, as stored. Statements without figures neither raise nor end it. */
export function adviseFailure(
	alarm: Alarm | undefined,
	machineId: MachineId,
	statements: readonly ModelStatement[]
): AlarmChange | undefined {
	const gravest = gravestOf(statements);
	if (!gravest) return undefined;
	const { modelId, prognosis } = gravest;
	const { time } = prognosis;
	const urgency = urgencyOf(prognosis);
	const reason = failureReason(gravest);
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
				modelId
			}
		};
	}
	if (prognosis.eventProbability!.within7d < averted) return { kind: 'return', id: alarm.id, at: time };
	const priority = urgency && rankOf[urgency] > rankOf[alarm.priority] ? urgency : alarm.priority;
	// What stands there ages: an hour later it is another hour less.
	if (reason === alarm.reason && priority === alarm.priority) return undefined;
	return { kind: 'update', id: alarm.id, peakScore: 0, priority, reason, contributors: [] };
}

function gravestOf(statements: readonly ModelStatement[]): ModelStatement | undefined {
	const grave = ({ prognosis }: ModelStatement) => {
		const urgency = urgencyOf(prognosis);
		return (urgency ? 1 + rankOf[urgency] : 0) + prognosis.eventProbability!.within7d / 2;
	};
	return statements
		.filter(({ prognosis }) => prognosis.eventProbability)
		.reduce<ModelStatement | undefined>((most, one) => (most && grave(most) >= grave(one) ? most : one), undefined);
}
