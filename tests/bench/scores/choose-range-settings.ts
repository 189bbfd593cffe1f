/**
 * Settings of the range watch chosen without labels. In: channels' training parts. Out: for a grid of settings, how well faults invented in the last part of each are found by
 * what was learnt from the first.
 */
import { allowance as ownAllowance, anomalySequences, scoreAgainstNormal } from '../../../src/lib/detection';
import { randomFrom } from '../../../src/lib/neural/random';
import { countOverlaps, overlapScore, type Sequence } from './overlap-score';

export interface RangeSettings {
	readonly allowance: number;
	readonly mergeRows: number;
	readonly leastShare: number;
}

export interface SettingsScore extends RangeSettings {
	/** F1 by overlap counting. */
	readonly overlap: number;
	/** The same where a finding counts for a fault only if a third of its rows are one. */
	readonly narrow: number;
	/** Of all rows. */
	readonly claimed: number;
}

const allowances = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5];
const merges = [0, 20, 50, 100, 200, 400, 800];
const shares = [0, 0.05, 0.13, 0.25, 0.4];
/** Of a training part, learnt from; the rest is judged. */
const learntShares = [0.5, 0.65];
const copies = 12;
const leastRows = 60;
const faultShare = 1 / 3;

interface Case {
	readonly scores: readonly number[];
	readonly faults: readonly Sequence[];
}

/** One fault of 5 to 300 rows, up to one and a half usual ranges large. */
function inventFault(values: number[], usual: readonly number[], random: () => number): Sequence | undefined {
	const between = (low: number, high: number) => low * (high / low) ** random();
	const rows = values.length;
	const sorted = [...usual].sort((a, b) => a - b);
	const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
	const range = Math.max(at(0.99) - at(0.01), 0.02);
	const length = Math.floor(between(5, Math.min(300, rows / 3)));
	const from = Math.floor(rows / 10 + random() * (rows * 0.9 - length));
	const to = from + length - 1;
	const size = range * between(0.15, 1.5) * (random() < 0.5 ? -1 : 1);
	const before = values.slice();
	const mean = before.slice(from, to + 1).reduce((sum, value) => sum + value, 0) / length;
	const spread = random() < 0.5 ? 0.2 : 2.5;
	const pace = random() < 0.5 ? 0.5 : 2;
	const kinds: ((value: number, k: number) => number)[] = [
		(value) => value + size,
		(value, k) => (k < 5 ? value + 2 * size : value),
		(value, k) => value + (size * k) / length,
		() => before[from]!,
		// Two uniform numbers are noise enough.
		(value) => value + size * 1.7 * (random() + random() - 1),
		(value) => mean + (value - mean) * spread,
		(value) => 2 * at(0.5) - value,
		(_, k) => before[Math.min(rows - 1, from + Math.floor(k * pace))]!
	];
	const change = kinds[Math.floor(random() * kinds.length)]!;
	for (let r = from; r <= to; r++) values[r] = change(before[r]!, r - from);
	return values.some((value, r) => Math.abs(value - before[r]!) > 1e-6) ? [from, to] : undefined;
}

function casesOf(channels: readonly (readonly number[])[], seed: number): Case[] {
	const random = randomFrom(seed);
	const cases: Case[] = [];
	for (const training of channels)
		for (const share of learntShares) {
			const learnt = training.slice(0, Math.floor(training.length * share));
			const rest = training.slice(learnt.length);
			if (learnt.length < leastRows || rest.length < leastRows) continue;
			for (let copy = 0; copy < copies; copy++) {
				const values = rest.slice();
				const faults = Array.from({ length: [0, 1, 1, 2][Math.floor(random() * 4)]! }, () =>
					inventFault(values, learnt, random)
				).filter((fault) => fault !== undefined);
				cases.push({ scores: scoreAgainstNormal(learnt, values), faults });
			}
		}
	return cases;
}

function judge(cases: readonly Case[], settings: RangeSettings): SettingsScore {
	const overlaps = { hits: 0, falseAlarms: 0, misses: 0 };
	const narrow = { hits: 0, falseAlarms: 0, misses: 0 };
	let claimed = 0;
	let rows = 0;
	for (const { scores, faults } of cases) {
		const scaled = scores.map((score) => (score * ownAllowance) / settings.allowance);
		const found = anomalySequences(scaled, settings).map(({ from, to }): Sequence => [from, to]);
		countOverlaps(found, faults, overlaps);
		const rightRows = ([from, to]: Sequence) =>
			faults.reduce((sum, fault) => sum + Math.max(0, Math.min(to, fault[1]) - Math.max(from, fault[0]) + 1), 0);
		const narrowly = found.filter((one) => rightRows(one) >= faultShare * (one[1] - one[0] + 1));
		countOverlaps(narrowly, faults, narrow);
		narrow.falseAlarms += found.length - narrowly.length;
		claimed += found.reduce((sum, [from, to]) => sum + to - from + 1, 0);
		rows += scores.length;
	}
	return { ...settings, overlap: overlapScore(overlaps).f1, narrow: overlapScore(narrow).f1, claimed: claimed / rows };
}

/** `channels`: training parts. Scores of all settings tried, in no order. */
export function chooseRangeSettings(channels: readonly (readonly number[])[], seed: number): SettingsScore[] {
	const cases = casesOf(channels, seed);
	return allowances.flatMap((allowance) =>
		merges.flatMap((mergeRows) => shares.map((leastShare) => judge(cases, { allowance, mergeRows, leastShare })))
	);
}
