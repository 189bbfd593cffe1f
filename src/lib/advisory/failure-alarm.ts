/**
 * Advisory Generation: from prognoses to an alarm that a failure is expected. In: what is said of a machine by models that a person promoted and
 * by known failures of its kind, and the alarm that stands. Out: the change to store, if any.
 *
 * Raised when one of them says that it is as likely as not that the machine fails within a week; the nearer, the graver. Between `expected`
 * and `averted` it stays as it is, so that it does not chatter; a priority never falls by itself. One condition, one alarm: where two
 * speak, the graver one is told, and a promoted model before known failures that say the same.
 */
import type { Alarm, AlarmPriority, HealthReport, MachineId, Prognosis, SensorDeviation } from '../contracts';
import { rankOf, type AlarmChange } from './alarm-machine';
import { failureReason } from './reason';

const expected = 0.5;
const averted = 0.3;
/** A fault less likely than this is not told with an alarm. */
export const tellFaultFrom = 0.3;

/** What is said of a machine; `fault`: how it will most likely fail. */
export interface FailureStatement {
	readonly prognosis: Prognosis;
	/** The promoted model, or the version that known failures belong to. */
	readonly modelId: string;
	/** Of the promoted model; undefined: known failures of the machine's kind say it. */
	readonly title?: string;
	readonly fault?: string;
	/** Sensors that drive it, where it is known. */
	readonly contributors?: readonly SensorDeviation[];
}

/** What known failures say; undefined: nothing. A trend of health is none: it tells when health is critical, not when a machine breaks. */
export function statementOfKnownFailures(
	prognosis: Prognosis,
	{ modelId, contributors }: Pick<HealthReport, 'modelId' | 'contributors'>
): FailureStatement | undefined {
	if (!(prognosis.method === 'failure-library' || prognosis.nothingInSight) || modelId === undefined) return undefined;
	const first = prognosis.failure?.faults[0];
	return {
		prognosis,
		modelId,
		contributors: contributors.slice(0, 5),
		...(first && first.probability >= tellFaultFrom && { fault: first.fault })
	};
}

/** High: as likely as not within 24 hours; medium: within 72; low: within 7 days; undefined: none of them. */
export function urgencyOf({ eventProbability }: Prognosis): AlarmPriority | undefined {
	if (!eventProbability) return undefined;
	const { within24h, within72h, within7d } = eventProbability;
	if (within24h >= expected) return 'high';
	if (within72h >= expected) return 'medium';
	return within7d >= expected ? 'low' : undefined;
}

/** True of what neither raises an alarm nor keeps one standing. */
export function isCalm(prognosis: Prognosis): boolean {
	return (weekOf(prognosis) ?? 0) < averted;
}

/** `alarm`: the machine's alarm of this kind whose condition stands, as stored. Statements without figures neither raise nor end it. */
export function adviseFailure(
	alarm: Alarm | undefined,
	machineId: MachineId,
	statements: readonly FailureStatement[]
): AlarmChange | undefined {
	const gravest = gravestOf(statements);
	if (!gravest) return undefined;
	const { modelId, prognosis, contributors = [] } = gravest;
	const { time } = prognosis;
	if (alarm && isCalm(prognosis)) return { kind: 'return', id: alarm.id, at: time };
	const urgency = urgencyOf(prognosis);
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
				reason: failureReason(gravest),
				contributors,
				modelId
			}
		};
	}
	const reason = failureReason(gravest);
	const priority = urgency && rankOf[urgency] > rankOf[alarm.priority] ? urgency : alarm.priority;
	// What stands there ages: an hour later it is another hour less.
	if (reason === alarm.reason && priority === alarm.priority) return undefined;
	return { kind: 'update', id: alarm.id, peakScore: 0, priority, reason, contributors };
}

/** How likely within a week; undefined: not said. */
function weekOf({ eventProbability, nothingInSight }: Prognosis): number | undefined {
	return eventProbability?.within7d ?? (nothingInSight ? 0 : undefined);
}

function gravestOf(statements: readonly FailureStatement[]): FailureStatement | undefined {
	// By urgency, then promoted before known, then by probability.
	const grave = ({ prognosis, title }: FailureStatement) => {
		const urgency = urgencyOf(prognosis);
		const level = urgency ? 2 + rankOf[urgency] : isCalm(prognosis) ? 0 : 1;
		return level + (title !== undefined ? 0.5 : 0) + weekOf(prognosis)! / 4;
	};
	return statements
		.filter(({ prognosis }) => weekOf(prognosis) !== undefined)
		.reduce<FailureStatement | undefined>((most, one) => (most && grave(most) >= grave(one) ? most : one), undefined);
}
