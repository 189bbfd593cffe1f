/** Alarms by ISA-18.2: legal transitions only, delays kept, no flapping, reasons a person can read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	acknowledge,
	advise,
	applyChange,
	deviationSentence,
	formatValue,
	isActive,
	noAlarm,
	offDelaySteps,
	onDelaySteps,
	priorityOf,
	raiseStale,
	returnToNormal,
	urgentScore,
	type AdvisoryState
} from '$lib/advisory';
import type { Alarm, AlarmState, HealthReport, SensorDeviation } from '$lib/contracts';

const stepMs = 1000;
const deviation: SensorDeviation = {
	sensorName: 'discharge_pressure',
	share: 0.9,
	actual: 4.1234,
	expected: 4.6,
	band: 0.2
};

function report(time: number, anomalous: boolean, extra: Partial<HealthReport> = {}): HealthReport {
	return {
		machineId: 'plant/pump',
		time,
		index: anomalous ? 50 : 95,
		grade: anomalous ? 'poor' : 'good',
		score: anomalous ? 2 : 0.4,
		anomalous,
		mode: 'running',
		contributors: anomalous ? [deviation] : [],
		...extra
	};
}

/** Runs a series of conditions and keeps the alarms as storage would. */
function play(conditions: readonly (boolean | 'unscored')[]) {
	let state: AdvisoryState = noAlarm;
	const stored = new Map<string, Alarm>();
	const changes: { step: number; kind: string; id: string }[] = [];
	const states: AlarmState[][] = [];
	conditions.forEach((condition, step) => {
		const time = step * stepMs;
		const input = condition === 'unscored' ? report(time, false, { unscored: 'stopped' }) : report(time, condition);
		const advice = advise(state, input, stepMs, () => 'bar');
		state = advice.state;
		if (!advice.change) return;
		const id = advice.change.kind === 'raise' ? advice.change.alarm.id : advice.change.id;
		const before = stored.get(id);
		const after = applyChange(before, advice.change);
		if (after) stored.set(id, after);
		changes.push({ step, kind: advice.change.kind, id });
		states.push([before?.state ?? 'normal', after!.state]);
	});
	return { stored, changes, states };
}

const lasting = (condition: boolean | 'unscored', steps: number) => Array.from({ length: steps }, () => condition);

describe('advise', () => {
	it('raises once the condition has lasted, with where it began, and returns it after it has been gone', () => {
		const { stored, changes } = play([...lasting(false, 30), ...lasting(true, 100), ...lasting(false, 100)]);
		expect(changes.map(({ kind, step }) => [kind, step])).toEqual([
			['raise', 30 + onDelaySteps],
			['return', 130 + offDelaySteps]
		]);
		const [alarm] = [...stored.values()];
		expect(alarm).toMatchObject({
			since: 30_000,
			state: 'returned-unacknowledged',
			returnedAt: 130_000,
			priority: 'medium'
		});
	});

	it('says nothing of a short event', () => {
		expect(play([...lasting(true, onDelaySteps), ...lasting(false, 100)]).changes).toEqual([]);
	});

	it('waits with a small anomaly until the mean of the last minutes is over the threshold, not with a large one', () => {
		const raisedAt = (score: number, lastingScoreAt: (step: number) => number) => {
			let state: AdvisoryState = noAlarm;
			for (let step = 0; step < 600; step++) {
				const input = report(step * stepMs, true, { score, lastingScore: lastingScoreAt(step) });
				const advice = advise(state, input, stepMs);
				if (advice.change) return step;
				state = advice.state;
			}
			return undefined;
		};
		expect(raisedAt(urgentScore * 0.99, () => 0.9)).toBeUndefined();
		expect(raisedAt(urgentScore * 0.99, (step) => (step < 240 ? 0.9 : 1))).toBe(240);
		expect(raisedAt(urgentScore, () => 0.1)).toBe(onDelaySteps);
	});

	it('keeps its finding while a machine is stopped, and returns only after calm running', () => {
		const { changes } = play([...lasting(true, 40), ...lasting('unscored', 500), ...lasting(true, 5)]);
		expect(changes.map(({ kind }) => kind)).toEqual(['raise']);
	});

	it('raises at most one alarm per on- plus off-delay, whatever the condition does', () => {
		fc.assert(
			fc.property(fc.array(fc.boolean(), { minLength: 50, maxLength: 600 }), (conditions) => {
				const { changes } = play(conditions);
				for (let i = 1; i < changes.length; i++) {
					if (changes[i]!.kind === 'return' && changes[i - 1]!.kind === 'raise')
						expect(changes[i]!.step - changes[i - 1]!.step).toBeGreaterThanOrEqual(offDelaySteps);
					if (changes[i]!.kind === 'raise' && changes[i - 1]!.kind === 'return')
						expect(changes[i]!.step - changes[i - 1]!.step).toBeGreaterThanOrEqual(onDelaySteps);
				}
			})
		);
	});

	it('never flaps on noise around the threshold', () => {
		fc.assert(
			fc.property(
				fc.array(fc.nat({ max: 99 }), { minLength: 600, maxLength: 600 }),
				fc.integer({ min: 5, max: 60 }),
				(draws, share) => {
					// Anomalous with the given chance per step: the condition flickers, the alarm does not.
					const raised = play(draws.map((draw) => draw < share)).changes.filter(({ kind }) => kind === 'raise');
					expect(raised.length).toBeLessThanOrEqual(1 + Math.floor(600 / (onDelaySteps + offDelaySteps)));
				}
			)
		);
	});

	it('writes an open alarm again only when it is news', () => {
		let state: AdvisoryState = noAlarm;
		for (let step = 0; step <= onDelaySteps; step++) state = advise(state, report(step * stepMs, true), stepMs).state;
		expect(advise(state, report(30_000, true, { score: 2.2 }), stepMs).change).toBeUndefined();
		const worse = advise(state, report(30_000, true, { score: 5, grade: 'critical' }), stepMs);
		expect(worse.change).toMatchObject({ kind: 'update', peakScore: 5, priority: 'high' });
		expect(advise(worse.state, report(31_000, true, { score: 1.1, grade: 'watch' }), stepMs).change).toBeUndefined();
	});
});

describe('the life of an alarm', () => {
	const legal: Record<AlarmState, AlarmState[]> = {
		normal: ['normal'],
		unacknowledged: ['unacknowledged', 'acknowledged', 'returned-unacknowledged'],
		acknowledged: ['acknowledged', 'normal'],
		'returned-unacknowledged': ['returned-unacknowledged', 'normal'],
		shelved: ['shelved'],
		suppressed: ['suppressed'],
		'out-of-service': ['out-of-service']
	};
	it('knows legal transitions only, whatever happens in whatever order', () => {
		const events = fc.array(fc.constantFrom('acknowledge', 'return', 'update', 'raise', 'backdate'), { maxLength: 12 });
		fc.assert(
			fc.property(events, (list) => {
				const raise = raiseStale('plant/pump', 0, 1000);
				let alarm: Alarm = raise.alarm;
				list.forEach((event, i) => {
					const before = alarm;
					if (event === 'acknowledge') alarm = acknowledge(alarm, i, 'somebody');
					if (event === 'return') alarm = returnToNormal(alarm, i);
					if (event === 'raise') alarm = applyChange(alarm, raise)!;
					if (event === 'backdate') alarm = applyChange(alarm, { kind: 'backdate', id: alarm.id, since: -5 })!;
					if (event === 'update')
						alarm = applyChange(alarm, {
							kind: 'update',
							id: alarm.id,
							peakScore: 1,
							priority: 'high',
							reason: '',
							contributors: []
						})!;
					expect(legal[before.state]).toContain(alarm.state);
					expect(alarm.since).toBeLessThanOrEqual(before.since);
				});
				expect(isActive(alarm)).toBe(alarm.state === 'unacknowledged' || alarm.state === 'acknowledged');
			})
		);
	});
	it('closes what somebody has seen, and waits with what nobody has', () => {
		const { alarm } = raiseStale('plant/pump', 0, 1000);
		expect(returnToNormal(alarm, 5).state).toBe('returned-unacknowledged');
		expect(returnToNormal(acknowledge(alarm, 3, 'me'), 5)).toMatchObject({ state: 'normal', acknowledgedBy: 'me' });
		expect(acknowledge(returnToNormal(alarm, 5), 9, 'me').state).toBe('normal');
	});
	it('moves all its times together when older history shows an earlier beginning, and never later', () => {
		const { alarm } = raiseStale('plant/pump', 60_000, 90_000);
		const moved = applyChange(alarm, { kind: 'backdate', id: alarm.id, since: 0 })!;
		expect(moved).toMatchObject({ since: 0, raisedAt: 30_000 });
		expect(moved.reason).not.toBe(alarm.reason);
		expect(applyChange(alarm, { kind: 'backdate', id: alarm.id, since: 70_000 })).toEqual(alarm);
	});
	it('does nothing to an alarm that storage no longer has', () => {
		expect(applyChange(undefined, { kind: 'return', id: 'x', at: 0 })).toBeUndefined();
	});
});

describe('priority', () => {
	it('grows with how bad it is and how long it lasts', () => {
		expect(priorityOf({ grade: 'watch', time: 0 })).toBe('low');
		expect(priorityOf({ grade: 'watch', time: 3_600_000, unwellSince: 0 })).toBe('medium');
		expect(priorityOf({ grade: 'poor', time: 0, unwellSince: 0 })).toBe('medium');
		expect(priorityOf({ grade: 'poor', time: 3_600_000, unwellSince: 0 })).toBe('high');
		expect(priorityOf({ grade: 'critical', time: 0, unwellSince: 0 })).toBe('high');
	});
});

describe('the reason', () => {
	it('names the sensor, the value, what was expected, and the unit', () => {
		expect(deviationSentence(deviation, 'bar')).toBe(
			'Discharge pressure is low: 4.12 bar, expected 4.60 \u00b1 0.20 bar'
		);
		expect(deviationSentence({ ...deviation, note: 'stuck' }, 'bar')).toBe('Discharge pressure is stuck at 4.12 bar');
		expect(deviationSentence({ ...deviation, note: 'silent' }, 'bar')).toBe('Discharge pressure has stopped sending');
		expect(deviationSentence({ ...deviation, actual: 4.65 }, undefined)).toMatch(
			/^Discharge pressure is unsteady around 4\.65/
		);
	});
	it('gives digits that the band makes sense of, and never "-0"', () => {
		expect(formatValue(1234.5678, 60)).toBe('1235');
		expect(formatValue(0.123456, 0.004)).toBe('0.1235');
		expect(formatValue(-0.0001, 0.5)).toBe('0.00');
		expect(formatValue(Number.NaN, 1)).toBe('nothing');
	});
});
