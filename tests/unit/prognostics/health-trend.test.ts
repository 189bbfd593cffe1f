/** A machine without failure histories: the trend of its health to the limit, or why there is none. */
import { describe, expect, test } from 'vitest';
import type { HealthReport, Prognosis } from '../../../src/lib/contracts';
import { normalFrom } from '../../../src/lib/neural/random';
import { MachinePrognosis, ScoreHistory } from '../../../src/lib/prognostics';

const stepMs = 60_000;
const hourMs = 3_600_000;
/** Score at which the index is 30. */
const limit = 2 * Math.sqrt(100 / 30 - 1);

const reportAt = (time: number, score: number): HealthReport => ({
	machineId: 'p/a/l/m',
	time,
	index: 100 / (1 + (score / 2) ** 2),
	grade: 'good',
	score,
	anomalous: false,
	mode: 'running',
	contributors: []
});

/** Observes `hours` of scores; gives what was said at the end. */
function follow(scoreAt: (hours: number) => number, hours: number, seed = 1, stepMs = 60_000): Prognosis {
	const prognosis = new MachinePrognosis('p/a/l/m', stepMs);
	const normal = normalFrom(seed);
	let said!: Prognosis;
	for (let t = 0; t <= hours * hourMs; t += stepMs)
		said = prognosis.observe(reportAt(t, Math.max(0.02, scoreAt(t / hourMs) * Math.exp(0.15 * normal()))));
	return said;
}

describe('health trend', () => {
	test('growth that is exponential is carried on to the limit, with the truth inside the interval', () => {
		const growing = (hours: number) => 0.3 * Math.exp(Math.max(0, hours - 10) / 8);
		const event = 10 + 8 * Math.log(limit / 0.3);
		let inside = 0;
		for (let seed = 1; seed <= 20; seed++) {
			const said = follow(growing, 22, seed);
			expect(said.method).toBe('health-trend');
			expect(said.trend!.growth).toBe('exponential');
			const left = event - 22;
			expect(Math.abs(said.rulHours!.median - left)).toBeLessThan(0.6 * left);
			if (left >= said.rulHours!.low && left <= said.rulHours!.high) inside++;
		}
		expect(inside).toBeGreaterThanOrEqual(15);
	});

	test('the interval narrows and the probability grows as the event comes near', () => {
		const growing = (hours: number) => 0.3 * Math.exp(Math.max(0, hours - 10) / 30);
		const early = follow(growing, 50);
		const late = follow(growing, 75);
		const width = ({ rulHours }: Prognosis) => rulHours!.high - rulHours!.low;
		expect(width(late)).toBeLessThan(width(early));
		expect(late.eventProbability!.within24h).toBeGreaterThan(early.eventProbability!.within24h);
		expect(late.eventProbability!.within7d).toBeGreaterThanOrEqual(late.eventProbability!.within72h);
		expect(late.earlier!.length).toBeGreaterThan(3);
	});

	test('a steady machine gets no figure but the reason', () => {
		let said = 0;
		for (let seed = 1; seed <= 20; seed++) {
			const { method, missing } = follow(() => 0.4, 40, seed);
			if (method !== 'none') said++;
			else expect(missing).toMatch(/no lasting downward trend/);
		}
		expect(said).toBeLessThanOrEqual(1);
	});

	test('little scored running says how much is missing', () => {
		expect(follow(() => 0.4, 1).missing).toBe('Not enough scored running yet: 60 min of 4 h');
	});

	test('what is a minute and a half ahead is said to be so, and drawn where it is said', () => {
		const said = follow((hours) => 0.3 * Math.exp(Math.max(0, hours * 60 - 6) / 1.5), 8 / 60, 1, 1000);
		const left = (6 + 1.5 * Math.log(limit / 0.3) - 8) / 60;
		const { median, low, high } = said.rulHours!;
		expect(Math.abs(median - left)).toBeLessThan(0.5 * left);
		expect(low).toBeLessThan(median);
		expect(high).toBeGreaterThan(median);
		const { future } = said.trend!;
		const reached = future.find((point) => point.median <= 30)!;
		expect((reached.time - future[0]!.time) / hourMs).toBeLessThan(1.5 * median);
	});

	test('a machine past the limit is said to be there', () => {
		const said = follow((hours) => 0.3 * Math.exp(Math.max(0, hours - 10) / 4), 24);
		expect(said.rulHours!.median).toBe(0);
		expect(said.eventProbability!.within24h).toBeGreaterThan(0.95);
	});

	test('a machine that has long been past the limit, without a trend any more, is said to be there too', () => {
		const said = follow(() => 6, 30);
		expect(said.rulHours).toEqual({ median: 0, low: 0, high: 0 });
		expect(said.missing).toBeUndefined();
	});

	test('stored scores make a reload say what was said before', () => {
		const growing = (hours: number) => 0.3 * Math.exp(Math.max(0, hours - 10) / 8);
		const before = follow(growing, 22);
		const reloaded = new MachinePrognosis('p/a/l/m', stepMs);
		const normal = normalFrom(1);
		const times: number[] = [];
		const scores: number[] = [];
		for (let t = 0; t <= 22 * hourMs; t += stepMs) {
			times.push(t);
			scores.push(Math.max(0.02, growing(t / hourMs) * Math.exp(0.15 * normal())));
		}
		reloaded.recall(times, scores);
		const after = reloaded.observe(reportAt(22 * hourMs + stepMs, scores.at(-1)!));
		expect(after.rulHours!.median).toBeCloseTo(before.rulHours!.median, 0);
	});
});

describe('score history', () => {
	test('keeps its size however long the machine runs, and late scores are left out', () => {
		const history = new ScoreHistory(1000);
		for (let t = 0; t < 2_000_000; t += 500) history.add(t, 1);
		expect(history.points().length).toBeLessThanOrEqual(240);
		expect(history.points().length).toBeGreaterThan(100);
		expect(history.add(3, 5)).toBe(false);
		expect(history.points().every(({ logScore }) => Math.abs(logScore) < 1e-9)).toBe(true);
	});
});
