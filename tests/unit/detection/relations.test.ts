/** A watch without a network: it learns from rows how sensors go with each other, and finds the one that goes alone. */
import { describe, expect, test } from 'vitest';
import type { LevelWatch } from '../../../src/lib/contracts';
import { LastRow } from '../../../src/lib/detection';
import type { AlignedRow } from '../../../src/lib/manipulation';
import { MachinePipeline, judgeDue, type Verdict } from '../../../src/lib/pipeline';
import { learnLevelWatch, neededLevelRows } from '../../../src/lib/training';

const sensorNames = ['speed', 'flow', 'vibration', 'energy'];
const kinds = ['speed', 'flow', 'vibration', 'other'] as const;
const stepMs = 10_000;
const needed = neededLevelRows(stepMs);

let state = 7;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
const noise = () => uniform() + uniform() + uniform() - 1.5;

/** A machine that changes its speed every ten minutes; flow and vibration follow it, energy is counted. */
function run(rows: number, from: number, fault = 0): AlignedRow[] {
	return Array.from({ length: rows }, (_, r) => {
		const row = from + r;
		const speed = [900, 1200, 1500][Math.floor(row / 60) % 3]! + 5 * noise();
		const values = [speed, speed / 10 + noise(), (speed / 1000) ** 2 + fault + 0.05 * noise(), row];
		return { time: row * stepMs, values: Float32Array.from(values), breakBefore: r === 0 };
	});
}

const learn = (rows: AlignedRow[], recorded = false) =>
	learnLevelWatch({
		machineId: 'plant/mixer',
		sensorNames,
		kinds,
		stepMs,
		rows,
		falseAlarmsPerWeek: 1,
		learnedAt: 5,
		recorded
	});

function judge(watch: LevelWatch, rows: AlignedRow[]): Verdict[] {
	const verdicts: Verdict[] = [];
	const pipeline = new MachinePipeline('plant/mixer', watch);
	judgeDue(new LastRow(), [{ pipeline, rows }], (_, __, verdict) => verdicts.push(verdict));
	return verdicts;
}

describe('a level watch', () => {
	const watch = learn(run(needed, 0)).watch!;

	test('says how much running it still needs', () => {
		expect(learn(run(needed - 300, 0))).toEqual({ rows: needed - 300, neededRows: needed });
	});

	test('leaves a counter out and says so', () => {
		expect(watch.scaler.sensorNames).toEqual(['speed', 'flow', 'vibration']);
		expect(watch.leftOut).toEqual([{ sensorName: 'energy', why: 'counter' }]);
	});

	test('raises nothing while speed changes as it did, and names the sensor that changes alone', () => {
		const rows = (from: number, fault: number) =>
			run(600, from, fault).map((row) => ({ ...row, values: row.values.slice(0, 3) }));
		expect(judge(watch, rows(needed, 0)).some(({ report }) => report.anomalous)).toBe(false);
		const verdicts = judge(watch, rows(needed, 0.6));
		const raised = verdicts.find(({ alarmChange }) => alarmChange?.kind === 'raise')!;
		expect(raised.report.contributors[0]).toMatchObject({ sensorName: 'vibration' });
		expect(raised.report.modelId).toBe(watch.id);
	});

	test('what it expects follows a change of speed at once', () => {
		const verdicts = judge(
			watch,
			run(400, needed).map((row) => ({ ...row, values: row.values.slice(0, 3) }))
		);
		// Row 360 is the first of another speed.
		const { contributors } = verdicts.at(-38)!.report;
		const flow = contributors.find(({ sensorName }) => sensorName === 'flow')!;
		const speed = [900, 1200, 1500][Math.floor((needed + 362) / 60) % 3]!;
		expect(Math.abs(flow.expected - speed / 10)).toBeLessThan(5);
		expect(Math.abs(flow.actual - flow.expected)).toBeLessThan(flow.band);
	});

	test('a large fault that shows in two sensors is not excused by either being unlike all that was learnt', () => {
		const rows = run(300, needed, 20).map((row) => ({
			...row,
			values: Float32Array.from([row.values[0]!, row.values[1]! + 400, row.values[2]!])
		}));
		expect(judge(watch, rows).some(({ alarmChange }) => alarmChange?.kind === 'raise')).toBe(true);
	});

	test('a stop in which one sensor lags behind the others is no anomaly, neither then nor after the start', () => {
		const stop = [800, 500, 250, ...new Array<number>(20).fill(0)].map((speed): number[] => [speed, 0, 0]);
		const rows = [
			...run(300, needed).map(({ values }) => values.slice(0, 3)),
			...stop,
			...run(300, needed + 300).map(({ values }) => values.slice(0, 3))
		].map((values, r) => ({
			time: (needed + r) * stepMs,
			values: Float32Array.from(values),
			breakBefore: r === 0
		}));
		const verdicts = judge(watch, rows);
		expect(verdicts.at(-1)!.report.score).toBeLessThan(1);
		expect(verdicts.some(({ report }) => report.anomalous)).toBe(false);
	});

	test('judges the same after it has been stored', () => {
		const rows = run(300, needed, 0.6).map((row) => ({ ...row, values: row.values.slice(0, 3) }));
		const scores = (from: LevelWatch) => judge(from, rows).map(({ report }) => report.score);
		expect(scores(JSON.parse(JSON.stringify(watch)) as LevelWatch)).toEqual(scores(watch));
	});

	test('of a short recording rests on levels alone', () => {
		const { watch } = learn(run(450, 0), true);
		expect(watch?.relations).toBeUndefined();
		expect(watch?.ensemble?.members.map(({ name }) => name)).toEqual(['levels']);
	});
});
