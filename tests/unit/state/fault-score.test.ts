import { describe, expect, it } from 'vitest';
import type { Alarm, FaultTruth } from '$lib/contracts';
import { scoreDetection } from '$lib/state/feedback/fault-score';

const hour = 3_600_000;
const start = Date.UTC(2026, 10, 23);

function fault(change: Partial<FaultTruth> = {}): FaultTruth {
	return {
		machineId: 'pump',
		fault: 'bearing-wear',
		onset: start + hour,
		detectableFrom: start + 2 * hour,
		timeOfEvent: start + 10 * hour,
		affectedSensors: ['vibration', 'temperature'],
		severity: 0.3,
		at: start + 4 * hour,
		...change
	};
}

function alarm(raisedAt: number, change: Partial<Alarm> = {}): Alarm {
	return {
		id: String(raisedAt),
		machineId: 'pump',
		kind: 'anomaly',
		priority: 'medium',
		state: 'unacknowledged',
		since: raisedAt - 10_000,
		raisedAt,
		peakScore: 2,
		reason: '',
		contributors: [{ sensorName: 'vibration', share: 0.8, actual: 3, expected: 1, band: 0.5 }],
		...change
	};
}

const watched = [
	{ machineId: 'pump', from: start, to: start + 4 * hour },
	{ machineId: 'motor', from: start, to: start + 4 * hour }
];
const score = (alarms: Alarm[], truths = [fault()], now = start + 4 * hour) =>
	scoreDetection({ truths, alarms, spans: [], watched, now });

describe('scoring the detectors against the simulator', () => {
	it('reports delay, lead time and whether the sensor named first is right', () => {
		const result = score([alarm(start + 2.5 * hour)]);
		expect(result.faults[0]).toMatchObject({
			outcome: 'detected',
			delayMs: 0.5 * hour,
			leadMs: 7.5 * hour,
			topSensor: 'vibration',
			topSensorCorrect: true
		});
		expect(result).toMatchObject({ detectable: 1, detected: 1, topSensorsCorrect: 1, medianDelayMs: 0.5 * hour });
	});

	it('takes a fault found while still small as found early', () => {
		expect(score([alarm(start + 1.5 * hour)]).faults[0]!.delayMs).toBe(-0.5 * hour);
	});

	it('counts the delay from when the machine was first watched', () => {
		const late = scoreDetection({
			truths: [fault()],
			alarms: [alarm(start + 3.25 * hour)],
			spans: [],
			watched: [{ machineId: 'pump', from: start + 3 * hour, to: start + 4 * hour }],
			now: start + 4 * hour
		});
		expect(late.faults[0]!.delayMs).toBe(0.25 * hour);
	});

	it('names a wrong sensor wrong', () => {
		const wrong = [{ sensorName: 'flow', share: 1, actual: 1, expected: 2, band: 0.1 }];
		expect(score([alarm(start + 3 * hour, { contributors: wrong })]).faults[0]!.topSensorCorrect).toBe(false);
	});

	it('takes an alarm from before the onset, or on a healthy machine, as false', () => {
		const result = score([alarm(start + 0.5 * hour), alarm(start + hour, { machineId: 'motor' })]);
		expect(result.falseAlarms).toHaveLength(2);
		expect(result.faults[0]!.outcome).toBe('waiting');
		// The pump was healthy for one hour, the motor for four.
		expect(result.healthyMachineHours).toBe(5);
		expect(result.falseAlarmsPerMachineHour).toBe(0.4);
	});

	it('does not count stale-data alarms for or against the detectors', () => {
		const result = score([
			alarm(start + 3 * hour, { kind: 'stale' }),
			alarm(start + hour, { kind: 'stale', machineId: 'motor' })
		]);
		expect(result.falseAlarms).toHaveLength(0);
		expect(result.detected).toBe(0);
	});

	it('tells not begun, too small, waiting and missed apart', () => {
		const outcome = (now: number, alarms: Alarm[] = []) => score(alarms, [fault()], now).faults[0]!.outcome;
		expect(outcome(start)).toBe('not-begun');
		expect(outcome(start + 1.5 * hour)).toBe('too-small');
		expect(outcome(start + 3 * hour)).toBe('waiting');
		expect(outcome(start + 11 * hour)).toBe('missed');
		expect(outcome(start + 12 * hour, [alarm(start + 10.5 * hour)])).toBe('missed');
	});

	it('only faults that can be told by now count as detectable', () => {
		const result = score(
			[],
			[fault(), fault({ machineId: 'motor', onset: start + 3.5 * hour, detectableFrom: start + 5 * hour })]
		);
		expect(result.detectable).toBe(1);
	});

	it('gives no rate before a healthy hour was watched', () => {
		const result = scoreDetection({ truths: [], alarms: [], spans: [], watched: [], now: start });
		expect(result.falseAlarmsPerMachineHour).toBeUndefined();
		expect(result.medianDelayMs).toBeUndefined();
	});
});
