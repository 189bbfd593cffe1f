/**
 * State, pure: marks the detectors against what the simulator knows.
 *
 * In: the ground truth, the alarms raised and the stretches flagged, and since when each machine was watched. Out: per
 * fault whether, how soon and on which sensor it was found, and how often a healthy machine raised an alarm.
 * Everything is computed from stored alarms; the truth is read by nothing but this.
 */
import type { Alarm, AnomalySpan, EpochMs, FaultTruth, MachineId } from '$lib/contracts';

const hourMs = 3_600_000;

/** From when to when a machine was scored (first and last stored score). */
export interface WatchedSpan {
	readonly machineId: MachineId;
	readonly from: EpochMs;
	readonly to: EpochMs;
}

export type FaultOutcome =
	| 'not-begun' // the fault has not started to grow
	| 'too-small' // it grows, but is below what a good detector could tell, and nothing was raised
	| 'waiting' // detectable, nothing raised yet, the machine has not failed
	| 'detected'
	| 'missed'; // the event came before any alarm

export interface FaultScore {
	readonly truth: FaultTruth;
	readonly outcome: FaultOutcome;
	readonly detectedAt?: EpochMs;
	/** First flagged stretch after onset: the detector's own verdict, before the alarm's on-delay. */
	readonly flaggedAt?: EpochMs;
	/**
	 * From when the fault could be told (or from when the machine was first watched, if later) to the alarm, milliseconds.
	 * Negative: found while still smaller than that. Undefined until detected.
	 */
	readonly delayMs?: number;
	/** From the alarm to the event, milliseconds; negative when the alarm came after it. */
	readonly leadMs?: number;
	readonly topSensor?: string;
	/** True when the sensor named first is one the fault truly shows in. */
	readonly topSensorCorrect?: boolean;
}

export interface DemoScore {
	readonly faults: readonly FaultScore[];
	/** Among faults that could be told by now. */
	readonly detectable: number;
	readonly detected: number;
	/** Anomaly alarms raised on machines with no fault at that time. */
	readonly falseAlarms: readonly Alarm[];
	/** Watched hours without a fault, summed over machines. */
	readonly healthyMachineHours: number;
	/** Undefined while no healthy hour has been watched. */
	readonly falseAlarmsPerMachineHour: number | undefined;
	/** Median over detected faults, milliseconds. */
	readonly medianDelayMs: number | undefined;
	readonly topSensorsCorrect: number;
}

export function scoreDetection(input: {
	readonly truths: readonly FaultTruth[];
	readonly alarms: readonly Alarm[];
	readonly spans: readonly AnomalySpan[];
	readonly watched: readonly WatchedSpan[];
	readonly now: EpochMs;
}): DemoScore {
	const alarms = input.alarms.filter((alarm) => alarm.kind === 'anomaly');
	const watchedBy = new Map(input.watched.map((span) => [span.machineId, span]));
	const faults = input.truths
		.map((truth) => scoreFault(truth, alarms, input.spans, watchedBy.get(truth.machineId), input.now))
		.sort((a, b) => a.truth.onset - b.truth.onset);

	const firstOnset = new Map<MachineId, EpochMs>();
	for (const { machineId, onset } of input.truths)
		firstOnset.set(machineId, Math.min(onset, firstOnset.get(machineId) ?? Infinity));
	const falseAlarms = alarms.filter((alarm) => alarm.raisedAt < (firstOnset.get(alarm.machineId) ?? Infinity));
	const healthyMachineHours = input.watched.reduce((hours, span) => {
		const until = Math.min(span.to, firstOnset.get(span.machineId) ?? Infinity);
		return hours + Math.max(0, until - span.from) / hourMs;
	}, 0);

	const found = faults.filter((fault) => fault.outcome === 'detected');
	return {
		faults,
		detectable: faults.filter(({ outcome }) => outcome !== 'not-begun' && outcome !== 'too-small').length,
		detected: found.length,
		falseAlarms,
		healthyMachineHours,
		falseAlarmsPerMachineHour: healthyMachineHours > 0 ? falseAlarms.length / healthyMachineHours : undefined,
		medianDelayMs: median(found.map((fault) => fault.delayMs!)),
		topSensorsCorrect: found.filter((fault) => fault.topSensorCorrect).length
	};
}

function scoreFault(
	truth: FaultTruth,
	alarms: readonly Alarm[],
	spans: readonly AnomalySpan[],
	watched: WatchedSpan | undefined,
	now: EpochMs
): FaultScore {
	if (truth.onset > now) return { truth, outcome: 'not-begun' };
	const raised = alarms
		.filter((alarm) => alarm.machineId === truth.machineId && alarm.raisedAt >= truth.onset)
		.sort((a, b) => a.raisedAt - b.raisedAt)[0];
	const flagged = spans
		.filter((span) => span.machineId === truth.machineId && (span.end ?? now) >= truth.onset)
		.sort((a, b) => a.start - b.start)[0];
	const flaggedAt = flagged && Math.max(flagged.start, truth.onset);
	if (!raised) {
		if (now >= truth.timeOfEvent) return { truth, outcome: 'missed', flaggedAt };
		return { truth, outcome: now >= truth.detectableFrom ? 'waiting' : 'too-small', flaggedAt };
	}
	const topSensor = raised.contributors[0]?.sensorName;
	return {
		truth,
		outcome: raised.raisedAt <= truth.timeOfEvent ? 'detected' : 'missed',
		detectedAt: raised.raisedAt,
		flaggedAt,
		delayMs: raised.raisedAt - Math.max(truth.detectableFrom, watched?.from ?? -Infinity),
		leadMs: truth.timeOfEvent - raised.raisedAt,
		topSensor,
		topSensorCorrect: topSensor === undefined ? undefined : truth.affectedSensors.includes(topSensor)
	};
}

function median(values: readonly number[]): number | undefined {
	if (values.length === 0) return undefined;
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
