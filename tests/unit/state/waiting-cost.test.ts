/** Expected cost of waiting: probability times what planning would save. */
import { expect, test } from 'vitest';
import type { Prognosis } from '../../../src/lib/contracts';
import { defaultCosts, rankByWaiting, readCost, type WaitingMachine } from '../../../src/lib/state/plant/waiting-cost';

const machine = (id: string, within7d: number | undefined, machineClass?: 'centrifugal-pump'): WaitingMachine => ({
	id,
	record: { machineClass },
	outlook:
		within7d === undefined
			? { machineId: id, time: 0, method: 'none', missing: 'Not enough scored running yet' }
			: ({
					machineId: id,
					time: 0,
					method: 'health-trend',
					eventProbability: { within24h: 0, within72h: 0, within7d }
				} as Prognosis)
});

test('a cheap machine sure to fail may come after a dear one that might', () => {
	const rows = rankByWaiting(
		[machine('sure', 0.9), machine('dear', 0.3, 'centrifugal-pump'), machine('unknown', undefined)],
		{ none: { unplanned: 1500, planned: 500 }, 'centrifugal-pump': { unplanned: 20_000, planned: 5000 } }
	);
	expect(rows.map(({ id, cost }) => [id, cost])).toEqual([
		['dear', 4500],
		['sure', 900],
		['unknown', undefined]
	]);
	expect(rows[2]!.missing).toMatch(/Not enough/);
});

test('without costs of its own a class has the stated default; a failure cheaper than its repair costs nothing to wait for', () => {
	expect(rankByWaiting([machine('a', 0.5)], {})[0]!.cost).toBe((defaultCosts.unplanned - defaultCosts.planned) / 2);
	expect(rankByWaiting([machine('a', 0.5)], { none: { unplanned: 10, planned: 50 } })[0]!.cost).toBe(0);
});

test('what is no sum is not taken', () => {
	expect(['', 'abc', '-5', '1200', 80].map((text) => readCost(text))).toEqual([
		undefined,
		undefined,
		undefined,
		1200,
		80
	]);
});

test('a promoted classifier tells the probability; what one lacks stands beside what health says', () => {
	const [risk] = rankByWaiting(
		[
			{
				...machine('a', 0.5),
				outlook: {
					machineId: 'a',
					time: 0,
					method: 'failure-classifier',
					eventProbability: { within24h: 0.4, within72h: 0.4, within7d: 0.4 },
					tellsUpToHours: 0
				}
			}
		],
		{}
	);
	expect(risk).toMatchObject({ method: 'failure-classifier', probability: 0.4, atLeast: true, rulHours: undefined });
	const [lacking] = rankByWaiting([{ ...machine('b', 0.5), unsaid: 'Fans reads sensors that are not there' }], {});
	expect(lacking).toMatchObject({ method: 'health-trend', unsaid: 'Fans reads sensors that are not there' });
});
