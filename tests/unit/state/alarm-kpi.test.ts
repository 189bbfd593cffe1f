import { describe, expect, it } from 'vitest';
import { acknowledgeAlarm, canAcknowledge, type Alarm } from '$lib/contracts';
import { computeAlarmKpi, rateLevel } from '$lib/state/alarms/alarm-kpi';

const hour = 3_600_000;
const now = Date.UTC(2026, 10, 23, 12);
let serial = 0;

function alarm(raisedAt: number, change: Partial<Alarm> = {}): Alarm {
	return {
		id: `a${serial++}`,
		machineId: 'site/pump-1',
		kind: 'anomaly',
		priority: 'low',
		state: 'unacknowledged',
		since: raisedAt - 5_000,
		raisedAt,
		peakScore: 2,
		reason: '',
		contributors: [],
		...change
	};
}

describe('alarm figures', () => {
	it('counts the last hour and the mean of 24 hours', () => {
		const kpi = computeAlarmKpi([alarm(now - 10), alarm(now - 2 * hour), alarm(now - 25 * hour)], now);
		expect(kpi.lastHour).toBe(1);
		expect(kpi.last24Hours).toBe(2);
		expect(kpi.perHourOver24).toBeCloseTo(2 / 24);
	});

	it('does not spread the alarms of a young installation over hours that it never saw', () => {
		const alarms = Array.from({ length: 20 }, (_, i) => alarm(now - 60_000 * (i + 1)));
		expect(computeAlarmKpi(alarms, now, now - 2 * hour).perHourOver24).toBe(10);
		expect(computeAlarmKpi(alarms, now, now - 60_000).perHourOver24).toBe(20);
	});

	it('judges a rate by 6 and 12 per hour', () => {
		expect([0, 6, 6.1, 12, 12.1].map(rateLevel)).toEqual([
			'acceptable',
			'acceptable',
			'demanding',
			'demanding',
			'unmanageable'
		]);
	});

	it('sees a flood above ten alarms in ten minutes', () => {
		const burst = (count: number) => Array.from({ length: count }, (_, i) => alarm(now - i * 50_000));
		expect(computeAlarmKpi(burst(10), now).flood).toBe(false);
		expect(computeAlarmKpi(burst(11), now).flood).toBe(true);
	});

	it('lists open alarms older than a day as stale, and no closed ones', () => {
		const old = alarm(now - 30 * hour, { state: 'acknowledged' });
		const kpi = computeAlarmKpi([old, alarm(now - 40 * hour, { state: 'normal' }), alarm(now - hour)], now);
		expect(kpi.stale.map(({ id }) => id)).toEqual([old.id]);
	});

	it('calls three raises of one alarm within a minute chattering', () => {
		const raises = [0, 20_000, 60_000].map((ago) => alarm(now - 300_000 - ago));
		expect(computeAlarmKpi(raises, now).chattering).toEqual([{ machineId: 'site/pump-1', kind: 'anomaly' }]);
		expect(computeAlarmKpi([...raises.slice(0, 2), alarm(now - 300_000 - 61_000)], now).chattering).toEqual([]);
		expect(computeAlarmKpi([...raises.slice(0, 2), alarm(now - 300_000, { kind: 'stale' })], now).chattering).toEqual(
			[]
		);
	});

	it('ranks machines and shares priorities', () => {
		const kpi = computeAlarmKpi(
			[alarm(now - 1), alarm(now - 2), alarm(now - 3, { machineId: 'b', priority: 'high' }), alarm(now - 4)],
			now
		);
		expect(kpi.topMachines).toEqual([
			{ machineId: 'site/pump-1', count: 3 },
			{ machineId: 'b', count: 1 }
		]);
		expect(kpi.prioritySpread).toEqual({ low: 0.75, medium: 0, high: 0.25 });
	});
});

describe('acknowledging', () => {
	it('keeps a lasting alarm open and closes one whose condition has gone', () => {
		expect(acknowledgeAlarm(alarm(now), 'Ada', now + 1)).toMatchObject({
			state: 'acknowledged',
			acknowledgedBy: 'Ada',
			acknowledgedAt: now + 1
		});
		expect(acknowledgeAlarm(alarm(now, { state: 'returned-unacknowledged' }), 'Ada', now + 1).state).toBe('normal');
	});

	it('changes nothing the second time, so the first name stays', () => {
		const once = acknowledgeAlarm(alarm(now), 'Ada', now + 1);
		expect(acknowledgeAlarm(once, 'Bob', now + 2)).toBe(once);
		expect(canAcknowledge(once)).toBe(false);
	});
});
