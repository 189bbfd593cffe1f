/** Failure probability on machines over time: who is learnt from and who is judged, and what calibration does. */
import { describe, expect, test } from 'vitest';
import { brierScore, calibrateProbabilities, calibrated, growForest } from '../../../src/lib/prognostics';
import { dealRows } from '../../../src/lib/training/risk/risk-folds';
import { randomFrom } from '../../../src/lib/neural/random';
import type { RiskRequest } from '../../../src/lib/contracts';

const machines = 6;
const days = 20;
const request = (change: Partial<RiskRequest> = {}): RiskRequest => ({
	featureNames: ['level'],
	rows: new Float64Array(machines * days),
	labels: Uint8Array.from({ length: machines * days }, (_, i) => (i % days === 5 ? 1 : 0)),
	folds: 3,
	seed: 1,
	machines: {
		machine: Uint16Array.from({ length: machines * days }, (_, i) => Math.floor(i / days)),
		role: Uint8Array.from({ length: machines * days }, (_, i) => (i % days < 10 ? 1 : i % days < 13 ? 0 : 2)),
		steps: 4
	},
	...change
});

describe('folds by machine and time', () => {
	test('no machine is on both sides, no judged day is learnt from, every judged day once', () => {
		const task = request();
		const deal = dealRows(task);
		const rows = Array.from({ length: machines * days }, (_, i) => i);
		for (let k = 0; k < task.folds; k++) {
			const machinesOf = (wanted: (row: number) => boolean) =>
				new Set(rows.filter(wanted).map((row) => task.machines!.machine[row]));
			const learnt = machinesOf((row) => deal.learns(row, k));
			for (const machine of machinesOf((row) => deal.judges(row, k))) expect(learnt.has(machine)).toBe(false);
			for (const row of rows.filter((row) => deal.learns(row, k))) expect(row % days).toBeLessThan(10);
		}
		for (const row of rows) expect([0, 1, 2].filter((k) => deal.judges(row, k))).toHaveLength(row % days >= 13 ? 1 : 0);
	});

	test('rows that are learnt from and judged change sides with their machine; failures of one machine alone are refused', () => {
		const task = request({ machines: { ...request().machines!, role: new Uint8Array(machines * days).fill(3) } });
		const deal = dealRows(task);
		for (let row = 0; row < machines * days; row++)
			for (let k = 0; k < task.folds; k++) expect(deal.learns(row, k)).toBe(!deal.judges(row, k));
		const one = Uint8Array.from({ length: machines * days }, (_, i) => (i < 4 ? 1 : 0));
		expect(() => dealRows({ ...task, labels: one })).toThrow(/one part of the data/);
	});

	test('too few machines are refused, with how many there are', () => {
		expect(() => dealRows(request({ folds: 7 }))).toThrow(/7 folds.*there are 6/);
	});
});

test('a forest that draws whole machines judges each row without its machine', () => {
	// The label is the machine's own: told from other days of it at once, from other machines never.
	const random = randomFrom(3);
	const of = Array.from({ length: 200 }, (_, i) => Math.floor(i / 10));
	const labels = Uint8Array.from(of, (m) => m % 2);
	const rows = Float64Array.from(of, (m) => ((m * 7919) % 20) + random() * 0.1);
	const options = { trees: 40, featureShare: 1, leastLeaf: 1, seed: 1 };
	const byRow = brierScore(growForest(rows, 1, labels, options).outOfBag, labels);
	const byMachine = brierScore(growForest(rows, 1, labels, { ...options, groups: of }).outOfBag, labels);
	expect(byRow).toBeLessThan(0.02);
	expect(byMachine).toBeGreaterThan(0.2);
});

test('calibration brings what is said to what comes, and leaves what cannot be told alone', () => {
	const random = randomFrom(5);
	const truth = Array.from({ length: 4000 }, () => random() * 0.5);
	const came = truth.map((p) => (random() < p ? 1 : 0));
	const timid = truth.map((p) => 0.25 + (p - 0.25) * 0.2);
	const curve = calibrateProbabilities(timid, came);
	expect(
		brierScore(
			timid.map((p) => calibrated(curve, p)),
			came
		)
	).toBeLessThan(brierScore(timid, came) - 0.005);
	expect(calibrateProbabilities([0.2, 0.4], [0, 0])).toBeUndefined();
});
