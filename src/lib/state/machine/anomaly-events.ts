/**
 * State: anomalies as a person sees them - every anomaly alarm, and every anomalous span that belongs to none.
 *
 * In: alarms, spans, verdicts. Out: events, newest first, each with what was said of it. A span within an alarm's condition is the
 * alarm's; what was said of the span before the alarm was raised is said of the alarm.
 */
import {
	conditionOf,
	currentEntry,
	isWithin,
	type Alarm,
	type AnomalyEvent,
	type AnomalySpan,
	type AnomalyVerdict,
	type VerdictEntry
} from '$lib/contracts';
import { groupBy } from '../plant/group-by';

export interface JudgedEvent extends AnomalyEvent {
	readonly alarm?: Alarm;
	readonly verdict?: AnomalyVerdict;
	/** What holds now; undefined: nobody has said anything. */
	readonly entry?: VerdictEntry;
}

/** The event that an anomaly alarm stands for. */
export function eventOfAlarm(alarm: Alarm): AnomalyEvent {
	return {
		id: alarm.id,
		...conditionOf(alarm),
		peakScore: alarm.peakScore,
		contributors: alarm.contributors,
		modelId: alarm.modelId
	};
}

/** A finding of a look through a recording, which no model judged: what is said of it says nothing of an alarm of that time, nor the other way. */
function ofOneKind(event: Pick<AnomalyEvent, 'modelId'>, verdict: Pick<AnomalyEvent, 'modelId'>): boolean {
	return (event.modelId === undefined) === (verdict.modelId === undefined);
}

/** The verdict that is about this event: by id, or given to a span that the event has come to contain. */
export function verdictOf(event: AnomalyEvent, verdicts: readonly AnomalyVerdict[]): AnomalyVerdict | undefined {
	return (
		verdicts.find(({ id }) => id === event.id) ??
		verdicts.find((verdict) => ofOneKind(event, verdict) && isWithin(verdict, event))
	);
}

/** All events, newest first. An event that only a verdict remembers (retention took its alarm) is among them. */
export function judgedEvents(
	alarms: readonly Alarm[],
	spans: readonly AnomalySpan[],
	verdicts: readonly AnomalyVerdict[]
): JudgedEvent[] {
	const events: JudgedEvent[] = alarms
		.filter(({ kind }) => kind === 'anomaly')
		.map((alarm) => ({ ...eventOfAlarm(alarm), alarm }));
	const ofAlarms = events.length;
	for (const span of spans) {
		const owned = events.slice(0, ofAlarms).some((event) => isWithin(span, event));
		if (!owned) events.push(span);
	}
	const byMachine = groupBy(verdicts, ({ machineId }) => machineId);
	const used = new Set<string>();
	const judged = events.map((event): JudgedEvent => {
		const verdict = verdictOf(event, byMachine.get(event.machineId) ?? []);
		if (!verdict) return event;
		used.add(verdict.id);
		return { ...event, verdict, entry: currentEntry(verdict) };
	});
	for (const verdict of verdicts) {
		const entry = currentEntry(verdict);
		if (entry && !used.has(verdict.id)) judged.push({ ...verdict, verdict, entry });
	}
	return judged.sort((a, b) => b.start - a.start);
}
