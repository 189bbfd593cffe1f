/**
 * Feedback: what a person says an anomaly turned out to be, and how many false alarms they accept.
 *
 * A verdict keeps every entry ever made (append-only); what holds now follows from replaying them, so an undo is an entry too.
 */
import type { Alarm } from './advisory';
import type { SensorDeviation } from './detected-state';
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

/** `true`: there was a fault. `false`: nothing was wrong. `known-cause`: readings were unusual, for a reason that is no fault. */
export const anomalyOutcomes = ['true', 'false', 'known-cause'] as const;
export type AnomalyOutcome = (typeof anomalyOutcomes)[number];

/** What is unusual without being a fault. */
export const knownCauses = [
	'maintenance',
	'product-change',
	'start-up',
	'sensor-work',
	'power-or-supply',
	'test-run',
	'weather',
	'other'
] as const;
export type KnownCause = (typeof knownCauses)[number];

/** What is judged: an anomaly as a person sees it - an alarm, or an anomalous span that never became one. */
export interface AnomalyEvent {
	/** Id of the alarm, or of the span. */
	readonly id: string;
	readonly machineId: MachineId;
	readonly start: EpochMs;
	/** Undefined while it lasts. */
	readonly end?: EpochMs;
	readonly peakScore: number;
	readonly contributors: readonly SensorDeviation[];
	readonly modelId?: string;
}

export type AnomalyCondition = Pick<AnomalyEvent, 'machineId' | 'start' | 'end'>;

export interface VerdictEntry {
	readonly at: EpochMs;
	readonly by: string;
	/** Takes the last entry that still holds back; the other fields say nothing then. */
	readonly undo?: true;
	readonly outcome?: AnomalyOutcome;
	readonly cause?: KnownCause;
	readonly note?: string;
}

/** Stored per event. The event's own data are kept, so that a verdict outlives retention and a change of model. */
export interface AnomalyVerdict extends AnomalyEvent {
	readonly entries: readonly VerdictEntry[];
}

/** When and where the condition behind an alarm stood: it began before the alarm was raised. */
export function conditionOf(alarm: Pick<Alarm, 'machineId' | 'since' | 'returnedAt'>): AnomalyCondition {
	return { machineId: alarm.machineId, start: alarm.since, end: alarm.returnedAt };
}

/** Whether an event began while an alarm's condition lasted: it is the alarm's then, and what is said of it is said of the alarm. */
export function isWithin(
	{ machineId, start }: Pick<AnomalyEvent, 'machineId' | 'start'>,
	condition: AnomalyCondition
): boolean {
	return machineId === condition.machineId && start >= condition.start && start <= (condition.end ?? Infinity);
}

/** The entry that holds now; undefined when nothing was said, or all of it was taken back. */
export function currentEntry(verdict: Pick<AnomalyVerdict, 'entries'> | undefined): VerdictEntry | undefined {
	const standing: VerdictEntry[] = [];
	for (const entry of verdict?.entries ?? []) {
		if (entry.undo) standing.pop();
		else standing.push(entry);
	}
	return standing.at(-1);
}

/** Longest note kept. */
export const longestNote = 500;

/** Adds an entry; the event's data are refreshed (it may have grown since). */
export function addEntry(stored: AnomalyVerdict | undefined, event: AnomalyEvent, entry: VerdictEntry): AnomalyVerdict {
	const { id, machineId, start, end, peakScore, contributors, modelId } = event;
	const note = entry.note?.trim().slice(0, longestNote);
	const { note: _, ...rest } = entry;
	return {
		id: stored?.id ?? id,
		machineId,
		start,
		...(end === undefined ? {} : { end }),
		peakScore: Math.max(peakScore, stored?.peakScore ?? 0),
		contributors,
		...(modelId === undefined ? {} : { modelId }),
		entries: [...(stored?.entries ?? []), note ? { ...rest, note } : rest]
	};
}

/** How many false alarms a person accepts, for the plant and for single machines. */
export interface FalseAlarmTarget {
	/** Per machine and week. */
	readonly perWeek: number;
	readonly machines: Readonly<Record<MachineId, number>>;
}

export const falseAlarmTargetKey = 'false-alarm-target';
export const defaultFalseAlarmTarget: FalseAlarmTarget = { perWeek: 1, machines: {} };
/** What can be chosen: false alarms per machine and week. */
export const falseAlarmChoices = [7, 1, 7 / 30, 7 / 91] as const;

/** False alarms per week that are accepted of this machine. */
export function falseAlarmsPerWeek(target: FalseAlarmTarget | undefined, machineId: MachineId): number {
	const { perWeek, machines } = target ?? defaultFalseAlarmTarget;
	return machines[machineId] ?? perWeek;
}

/** One step of online adaptation: what was changed, within which bounds, why. */
export interface AdaptationEntry {
	readonly at: EpochMs;
	readonly what: 'threshold' | 'scaler';
	/** Sensor whose scaler moved. */
	readonly sensorName?: string;
	readonly from: number;
	readonly to: number;
	/** One sentence for a person. */
	readonly why: string;
}

/** How far live operation has moved a machine's scoring away from its model's calibration. */
export interface Adaptation {
	/** The model that it belongs to: another model starts from none. */
	readonly modelId: string;
	/** Score that counts as 1. */
	readonly thresholdFactor: number;
	/** Shift of each sensor's expected residual, in its normal residual deviations; by sensor name. */
	readonly residualShift: Readonly<Record<string, number>>;
	/** False alarms per week that the factor was set for. */
	readonly perWeek: number;
	/** When the threshold was last looked at for good; what is watched is noted oftener. */
	readonly reviewedAt: EpochMs;
	/** Undefined: nothing has been watched long enough to count. */
	readonly watched?: WatchedRunning;
	/** Newest last; bounded. */
	readonly log: readonly AdaptationEntry[];
}

/** Hours of normal running before it says anything of the threshold: less has not seen a day's work. */
export const leastWatchedHours = 24;

/** How long a machine's normal running has been watched by the model in use, and where that says the chosen rate of false alarms lies. */
export interface WatchedRunning {
	readonly since: EpochMs;
	/** Of running outside of anomalies; stops count as none. */
	readonly hours: number;
	/** Over the calibrated threshold, with an 80 % interval, and the peaks of the score that it rests on; undefined: too little was seen. */
	readonly chosenLevel?: {
		readonly level: number;
		readonly low: number;
		readonly high: number;
		readonly peaks: number;
	};
}

export function adaptationKey(machineId: MachineId): string {
	return `adaptation:${machineId}`;
}
