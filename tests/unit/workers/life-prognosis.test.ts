/** What is said of a machine's life, and what of it is kept. */
import { describe, expect, test } from 'vitest';
import type { EarlierPrognosis } from '../../../src/lib/contracts';
import { sayLife } from '../../../src/lib/workers/inference/life-prognosis';

/** Says 100 steps less its age. */
const ensemble = {
	estimate: (_: unknown, ends: readonly number[]) =>
		Promise.resolve(ends.map((end) => ({ median: 99 - end, low: 90 - end, high: 110 - end, beyondCap: false }))),
	failureProbability: (predicted: number, steps: number) => (steps >= predicted ? 0.9 : 0.1)
};
const life = (steps: number) => ({
	unit: {
		unitId: 'm',
		steps,
		sensors: new Float32Array(steps),
		settings: new Float32Array(),
		failed: false
	},
	times: Array.from({ length: steps }, (_, i) => (i + 1) * 7_200_000)
});
const say = (steps: number, before: readonly EarlierPrognosis[] = []) =>
	sayLife(ensemble, life(steps), { stepName: 'cycle', stepHours: 2, capSteps: 50, now: 5 }, before);

describe('the life of a machine', () => {
	test('is told in hours, with probabilities, and how far they reach', async () => {
		const { prognosis } = await say(70);
		expect(prognosis).toMatchObject({ method: 'rul-model', rulHours: { median: 60, low: 42, high: 82 } });
		expect(prognosis.time).toBe(70 * 7_200_000);
		expect(prognosis.eventProbability).toEqual({ within24h: 0.1, within72h: 0.9, within7d: 0.9 });
		// Steps of two hours, 50 of them told apart: a week is not.
		expect(prognosis.tellsUpToHours).toBeLessThan(168);
	});

	test('too short a life is no figure', async () => {
		const { prognosis, said } = await say(9);
		expect(prognosis).toMatchObject({ method: 'none', missing: 'Too short a life to judge yet: 9 of 10 cycles' });
		expect(said).toEqual([]);
	});

	test('what was said stays as it was said; what nobody was there to say is looked back on', async () => {
		const first = await say(60);
		expect(first.said.length).toBeGreaterThan(20);
		const marked = first.said.map((point) => ({ ...point, median: -1 }));
		const next = await say(64, marked);
		expect(next.said.slice(0, marked.length)).toEqual(marked);
		expect(next.said.slice(marked.length).map(({ time }) => time / 7_200_000)).toEqual([61, 62, 63, 64]);
	});

	test('of very many points an even selection is kept, the newest always', async () => {
		let said: readonly EarlierPrognosis[] = [];
		for (let steps = 10; steps < 400; steps++) said = (await say(steps, said)).said;
		expect(said.length).toBeLessThanOrEqual(96);
		expect(said.at(-1)!.time).toBe(399 * 7_200_000);
	});
});
