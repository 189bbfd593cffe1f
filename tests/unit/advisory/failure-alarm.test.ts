/** An expected failure becomes an alarm: the nearer, the graver; it neither chatters nor ends by silence. */
import { describe, expect, test } from 'vitest';
import type { Alarm, HealthReport, Prognosis } from '../../../src/lib/contracts';
import { adviseFailure, applyChange, statementOfKnownFailures, type FailureStatement } from '../../../src/lib/advisory';

const by = (prognosis: Prognosis) => ({ modelId: 'm', title: 'Turbofan', prognosis });
const said = (within24h: number, within72h: number, within7d: number, time = 1_000): Prognosis => ({
	machineId: 'fan',
	time,
	method: 'rul-model',
	rulHours: { median: 40, low: 20, high: 60 },
	eventProbability: { within24h, within72h, within7d }
});
const after = (alarm: Alarm | undefined, prognosis: Prognosis, ...others: FailureStatement[]) => {
	const change = adviseFailure(alarm, 'fan', [by(prognosis), ...others]);
	return change ? applyChange(alarm, change) : alarm;
};

describe('an alarm of an expected failure', () => {
	test('is raised with the time, the interval and the model, as grave as it is near', () => {
		expect(after(undefined, said(0.1, 0.2, 0.4))).toBeUndefined();
		expect(after(undefined, said(0.1, 0.2, 0.6))).toMatchObject({ priority: 'low', kind: 'failure-expected' });
		expect(after(undefined, said(0.1, 0.7, 0.9))).toMatchObject({ priority: 'medium' });
		const high = after(undefined, said(0.6, 0.9, 0.9))!;
		expect(high).toMatchObject({ priority: 'high', state: 'unacknowledged', modelId: 'm' });
		expect(high.reason).toMatch(/^Failure expected around .* \(90 %: between .* and .*\), by the model Turbofan$/);
	});

	test('grows graver but never milder by itself, and stands until a failure is clearly less likely', () => {
		const low = after(undefined, said(0, 0.1, 0.6))!;
		const high = after(low, said(0.6, 0.9, 0.99, 2_000))!;
		expect(high).toMatchObject({ id: low.id, priority: 'high', since: 1_000 });
		expect(after(high, said(0, 0.2, 0.4, 3_000))).toMatchObject({ priority: 'high', state: 'unacknowledged' });
		expect(after(high, said(0, 0.1, 0.2, 4_000))).toMatchObject({
			state: 'returned-unacknowledged',
			returnedAt: 4_000
		});
	});

	test('is neither raised nor ended by a prognosis without figures', () => {
		const nothing: Prognosis = { machineId: 'fan', time: 5, method: 'none', missing: 'x' };
		expect(adviseFailure(undefined, 'fan', [by(nothing)])).toBeUndefined();
		const standing = after(undefined, said(0.6, 0.9, 0.9));
		expect(adviseFailure(standing, 'fan', [by(nothing)])).toBeUndefined();
	});

	const risk = (probability: number, tellsUpToHours?: number, fault?: string): FailureStatement => {
		const { rulHours: _, ...prognosis } = said(probability / 4, probability / 2, probability, 10_000);
		return {
			modelId: 'r',
			title: 'Milling',
			...(fault !== undefined && { fault }),
			prognosis: {
				...prognosis,
				method: 'failure-classifier',
				...(tellsUpToHours !== undefined && { tellsUpToHours })
			}
		};
	};

	test('by a classifier tells the time by which, rounded, and how it will most likely fail', () => {
		const low = after(undefined, said(0, 0, 0.1), risk(0.62, undefined, 'bearing_wear'))!;
		expect(low).toMatchObject({ priority: 'low', modelId: 'r' });
		expect(low.reason).toMatch(
			/^Failure before \d+ \w+ \d\d:00 is likely \(about 60 %\), most likely bearing wear, by the model Milling$/
		);
		expect(after(low, said(0, 0, 0.1), risk(0.64, undefined, 'bearing_wear'))).toBe(low);
		expect(after(undefined, said(0, 0, 0.1), risk(0.97, 0))!.reason).toMatch(
			/^Failure as it runs now is likely \(over 95 %\)/
		);
	});

	test('of two models the graver one is told; it ends when neither expects a failure any more', () => {
		const high = after(undefined, said(0.6, 0.9, 0.99), risk(0.8))!;
		expect(high).toMatchObject({ priority: 'high', modelId: 'm' });
		expect(after(high, said(0, 0, 0.1), risk(0.8))).toMatchObject({ state: 'unacknowledged' });
		expect(after(high, said(0, 0, 0.1), risk(0.1))).toMatchObject({ state: 'returned-unacknowledged' });
	});

	const report: Pick<HealthReport, 'modelId' | 'contributors'> = {
		modelId: 'pump-v5',
		contributors: [{ sensorName: 'vibration', actual: 6, expected: 2, band: 1, share: 0.8 }]
	};
	const known = (within24h: number, within72h: number, within7d: number, time = 1_000): Prognosis => ({
		...said(within24h, within72h, within7d, time),
		method: 'failure-library',
		failure: { faults: [{ fault: 'bearing-wear', probability: 0.8 }], lives: 84 }
	});
	const hear = (prognosis: Prognosis) => statementOfKnownFailures(prognosis, report)!;
	const next = (alarm: Alarm | undefined, ...statements: FailureStatement[]) => {
		const change = adviseFailure(alarm, 'fan', statements);
		return change ? applyChange(alarm, change) : alarm;
	};

	test('by known failures names the fault, the sensors and where it comes from, and ends when nothing is in sight any more', () => {
		const raised = next(undefined, hear(known(0.1, 0.7, 0.9)))!;
		expect(raised).toMatchObject({ priority: 'medium', modelId: 'pump-v5', contributors: report.contributors });
		expect(raised.reason).toMatch(
			/^Failure expected around .*, most likely bearing wear \(90 %: between .*\), by likeness to 84 lives that ended in failure, shipped with its model$/
		);
		const tooLittle: Prognosis = { machineId: 'fan', time: 2_000, method: 'none', missing: 'x' };
		expect(statementOfKnownFailures(tooLittle, report)).toBeUndefined();
		const calm = hear({ ...tooLittle, nothingInSight: true });
		expect(next(undefined, calm)).toBeUndefined();
		expect(next(raised, calm)).toMatchObject({ state: 'returned-unacknowledged', returnedAt: 2_000 });
	});

	test('is not raised by a trend of health, whose event is no failure', () => {
		expect(statementOfKnownFailures({ ...said(0.9, 0.9, 0.9), method: 'health-trend' }, report)).toBeUndefined();
	});

	test('a promoted model leads where known failures say the same; where they are graver, they are told', () => {
		const promoted = by(said(0.1, 0.2, 0.6));
		expect(next(undefined, hear(known(0.1, 0.2, 0.9)), promoted)).toMatchObject({ priority: 'low', modelId: 'm' });
		const graver = next(undefined, hear(known(0.1, 0.7, 0.9)), promoted)!;
		expect(graver).toMatchObject({ priority: 'medium', modelId: 'pump-v5' });
		// It stands while either of them still thinks it possible, told by that one.
		const possible = next(graver, hear(known(0.1, 0.2, 0.4, 2_000)), by(said(0, 0, 0.1, 2_000)))!;
		expect(possible).toMatchObject({ state: 'unacknowledged', priority: 'medium' });
		expect(possible.reason).toMatch(/lives that ended in failure/);
		expect(next(possible, hear(known(0, 0.1, 0.2, 3_000)), by(said(0, 0, 0.1, 3_000)))).toMatchObject({
			state: 'returned-unacknowledged'
		});
	});
});
