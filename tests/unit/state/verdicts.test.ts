import { describe, expect, test } from 'vitest';
import {
	addEntry,
	currentEntry,
	type Adaptation,
	type Alarm,
	type AnomalySpan,
	type AnomalyVerdict,
	type SensorDeviation,
	type VerdictEntry
} from '$lib/contracts';
import { judgedEvents, verdictOf } from '$lib/state/machine/anomaly-events';
import { leastSimilarity, similarEvents } from '$lib/state/machine/similar-events';
import { countVerdicts, precisionOf, realisedRate, realisedRateOf, wilson } from '$lib/state/feedback/verdict-figures';

const sensor = (sensorName: string, share: number, actual = 2, expected = 1): SensorDeviation => ({
	sensorName,
	share,
	actual,
	expected,
	band: 0.1
});
const span = (start: number, end: number | undefined, more: Partial<AnomalySpan> = {}): AnomalySpan => ({
	id: `p@${start}`,
	machineId: 'p',
	start,
	end,
	peakScore: 2,
	contributors: [sensor('flow', 1)],
	modelId: 'm1',
	...more
});
const alarm = (since: number, returnedAt?: number): Alarm => ({
	id: `p#anomaly@${since}`,
	machineId: 'p',
	kind: 'anomaly',
	priority: 'low',
	state: 'unacknowledged',
	since,
	raisedAt: since + 20,
	returnedAt,
	peakScore: 3,
	reason: 'Flow is low',
	contributors: [sensor('flow', 1)],
	modelId: 'm1'
});
const said = (entry: Partial<VerdictEntry>): VerdictEntry => ({ at: 1, by: 'Ana', ...entry });

describe('entries of a verdict', () => {
	test('the last one holds; each undo brings the one before back; nothing is lost', () => {
		let verdict: AnomalyVerdict | undefined;
		const say = (entry: Partial<VerdictEntry>) => (verdict = addEntry(verdict, span(10, 20), said(entry)));
		say({ outcome: 'true' });
		say({ outcome: 'known-cause', cause: 'test-run', note: '  pump test  ' });
		expect(currentEntry(verdict)).toMatchObject({ outcome: 'known-cause', cause: 'test-run', note: 'pump test' });
		say({ undo: true });
		expect(currentEntry(verdict)?.outcome).toBe('true');
		say({ undo: true });
		expect(currentEntry(verdict)).toBeUndefined();
		say({ undo: true });
		say({ outcome: 'false' });
		expect(currentEntry(verdict)?.outcome).toBe('false');
		expect(verdict!.entries).toHaveLength(6);
	});
});

describe('anomalies as a person sees them', () => {
	test('spans within an alarm are the alarm; the others stand alone', () => {
		const events = judgedEvents([alarm(100, 200)], [span(100, 150), span(160, 200), span(400, 410)], []);
		expect(events.map(({ id }) => id)).toEqual(['p@400', 'p#anomaly@100']);
	});

	test('what was said of a span before its alarm was raised is said of the alarm', () => {
		const early = addEntry(undefined, span(100, undefined), said({ outcome: 'false' }));
		const [event] = judgedEvents([alarm(100)], [span(100, undefined)], [early]);
		expect(event).toMatchObject({ id: 'p#anomaly@100', entry: { outcome: 'false' } });
	});

	test('what was said of a finding of a recording says nothing of an alarm of that time, nor the other way', () => {
		const finding = span(120, 140, { id: 'p?flow@120', modelId: undefined });
		const ofFinding = addEntry(undefined, finding, said({ outcome: 'false' }));
		const events = judgedEvents([alarm(100, 200)], [], [ofFinding]);
		expect(events.map(({ id, entry }) => [id, entry?.outcome])).toEqual([
			['p?flow@120', 'false'],
			['p#anomaly@100', undefined]
		]);
		const ofAlarm = addEntry(undefined, span(125, 130), said({ outcome: 'true' }));
		expect(verdictOf(finding, [ofAlarm])).toBeUndefined();
		expect(verdictOf(finding, [ofAlarm, ofFinding])).toBe(ofFinding);
	});

	test('a judged event outlives its alarm and span; one taken back does not', () => {
		const kept = addEntry(undefined, span(5, 9), said({ outcome: 'true' }));
		const gone = addEntry(
			addEntry(undefined, span(50, 60), said({ outcome: 'true' })),
			span(50, 60),
			said({ undo: true })
		);
		expect(judgedEvents([], [], [kept, gone]).map(({ start }) => start)).toEqual([5]);
	});
});

describe('figures', () => {
	test("Wilson's interval agrees with published values", () => {
		// Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263, 15 of 148, 0 of 20.
		expect(wilson(81, 263)).toMatchObject({ low: expect.closeTo(0.2553, 3), high: expect.closeTo(0.3662, 3) });
		expect(wilson(15, 148)).toMatchObject({ low: expect.closeTo(0.0624, 3), high: expect.closeTo(0.1605, 3) });
		expect(wilson(0, 20)).toMatchObject({ low: 0, high: expect.closeTo(0.1611, 3) });
		expect(wilson(0, 0)).toBeUndefined();
	});

	test('a known cause and what nobody judged count neither for nor against precision', () => {
		const verdicts = (['true', 'true', 'true', 'false', 'known-cause'] as const).map((outcome, i) =>
			addEntry(undefined, span(1000 * i, 1000 * i + 10), said({ outcome }))
		);
		const counts = countVerdicts(judgedEvents([], [span(9000, 9010)], verdicts));
		expect(counts).toEqual({ true: 3, false: 1, knownCause: 1, unjudged: 1 });
		expect(precisionOf(counts)?.value).toBe(0.75);
	});

	test('a rate is called above only when chance does not explain it, within only when long enough was watched', () => {
		const rate = (falseAlarms: number, hours: number, unconfirmed = 0) =>
			realisedRate({ falseAlarms, unconfirmed }, hours, 1);
		expect(rate(6, 168)?.standing).toBe('above');
		expect(rate(0, 24)?.standing).toBe('unclear');
		expect(rate(0, 168 * 5)?.standing).toBe('within');
		expect(rate(0, 0)).toBeUndefined();
		// Exact Poisson limits of 10: 4.80 and 18.39.
		expect(rate(10, 168)).toMatchObject({ low: expect.closeTo(4.79, 1), high: expect.closeTo(18.39, 1) });
		// What nobody has judged may be false, and may not.
		expect(rate(0, 168 * 5, 9)).toMatchObject({ standing: 'unclear', low: 0, perWeek: 0, perWeekAtMost: 9 / 5 });
	});

	test("a machine's rate counts alarms of the model in use since its running is counted", () => {
		const judgedFalse = addEntry(undefined, span(2_000, 2_010), said({ outcome: 'false' }));
		const before = addEntry(undefined, span(500, 510), said({ outcome: 'false' }));
		const passed = addEntry(undefined, span(5_000, 5_001), said({ outcome: 'false' }));
		const events = judgedEvents(
			[alarm(400, 600), alarm(1_990, 2_100), alarm(3_000, 3_100)],
			[span(4_000, 4_001), span(5_000, 5_001)],
			[judgedFalse, before, passed]
		);
		const adaptation: Adaptation = {
			...{ modelId: 'm1', thresholdFactor: 1, residualShift: {}, perWeek: 1, reviewedAt: 0, log: [] },
			watched: { since: 1_000, hours: 336 }
		};
		// A finding that became no alarm has troubled nobody, judged or not.
		expect(realisedRateOf(events, adaptation, 1)).toMatchObject({ falseAlarms: 1, unconfirmed: 1, weeks: 2 });
		expect(realisedRateOf(events, { ...adaptation, modelId: 'm2' }, 1)).toMatchObject({
			falseAlarms: 0,
			unconfirmed: 0
		});
		expect(realisedRateOf(events, { ...adaptation, watched: undefined }, 1)).toBeUndefined();
	});
});

describe('similar past events', () => {
	const past = (id: string, start: number, contributors: SensorDeviation[]) =>
		span(start, start + 10, { id, contributors });
	const now = past('now', 900, [sensor('flow', 0.8, 1, 2), sensor('power', 0.2)]);

	test('the same sensors in the same direction are alike; the other direction and other sensors are not', () => {
		const alike = past('alike', 100, [sensor('flow', 0.7, 1, 2), sensor('power', 0.3)]);
		const opposite = past('opposite', 200, [sensor('flow', 0.8, 3, 2), sensor('power', 0.2)]);
		const other = past('other', 300, [sensor('temperature', 1)]);
		const found = similarEvents(now, [alike, opposite, other], new Map());
		expect(found.map(({ event }) => event.id)).toEqual(['alike']);
		expect(found[0]!.similarity).toBeGreaterThan(0.95);
	});

	test('of two with one profile, the one with the same course comes first; later events are no past', () => {
		const slow = past('slow', 100, [...now.contributors]);
		const sudden = past('sudden', 200, [...now.contributors]);
		const later = past('later', 950, [...now.contributors]);
		const courses = new Map([
			['now', [0, 0.5, 1, 1.5, 2]],
			['slow', [0.1, 0.5, 1, 1.4, 2]],
			['sudden', [2, 2, 0.5, 0, 0]]
		]);
		const found = similarEvents(now, [sudden, slow, later], courses);
		expect(found.map(({ event }) => event.id)).toEqual(['slow', 'sudden']);
		expect(found[1]!.similarity).toBeGreaterThanOrEqual(leastSimilarity);
	});
});
