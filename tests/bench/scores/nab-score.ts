/**
 * Score of streaming detectors by the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv:1510.03336).
 *
 * In: per series a score per row, the anomaly windows as index pairs, and the rows of probation. Out: the benchmark's score, 100 for every window
 * found at its first row and no false alarm, 0 for silence, at the one threshold over all series that gives the most.
 */
export interface NabSeries {
	readonly scores: readonly number[];
	/** Inclusive index pairs in order. */
	readonly windows: readonly (readonly [number, number])[];
	readonly probation: number;
}

export interface NabWeights {
	readonly found: number;
	readonly falseAlarm: number;
	readonly missed: number;
}

export const nabProfiles = {
	standard: { found: 1, falseAlarm: 0.11, missed: 1 },
	low_fp: { found: 1, falseAlarm: 0.22, missed: 1 },
	low_fn: { found: 1, falseAlarm: 0.11, missed: 2 }
} as const satisfies Record<string, NabWeights>;

export interface NabScore {
	readonly score: number;
	readonly threshold: number;
	readonly found: number;
	readonly windows: number;
	readonly falseAlarms: number;
}

export function probationRows(rows: number): number {
	return Math.min(Math.floor(0.15 * rows), 750);
}

const sigmoid = (y: number) => 2 / (1 + Math.exp(5 * y)) - 1;

export function nabScore(all: readonly NabSeries[], weights: NabWeights): NabScore {
	const flags: { score: number; worth: number; window: number }[] = [];
	let windows = 0;
	for (const { scores, windows: own, probation } of all) {
		for (let i = probation; i < scores.length; i++) {
			if (!(scores[i]! > 0)) continue;
			const inside = own.findIndex(([from, to]) => i >= from && i <= to);
			const worth = inside >= 0 ? worthInside(own[inside]!, i) : worthOutside(own, i);
			flags.push({ score: scores[i]!, worth, window: inside < 0 ? -1 : windows + inside });
		}
		windows += own.length;
	}
	flags.sort((a, b) => b.score - a.score);
	const silent = -weights.missed * windows;
	let sum = silent;
	let falseAlarms = 0;
	const found = new Map<number, number>();
	let best: NabScore = { score: 0, threshold: Number.POSITIVE_INFINITY, found: 0, windows, falseAlarms: 0 };
	for (let k = 0; k < flags.length; k++) {
		const { score, worth, window } = flags[k]!;
		if (window < 0) {
			sum += weights.falseAlarm * worth;
			falseAlarms++;
		} else {
			const before = found.get(window);
			if (before === undefined) sum += weights.missed + weights.found * worth;
			else sum += weights.found * Math.max(0, worth - before);
			found.set(window, Math.max(worth, before ?? worth));
		}
		if (flags[k + 1]?.score === score) continue;
		const now = (100 * (sum - silent)) / ((weights.found + weights.missed) * windows);
		if (now > best.score) best = { score: now, threshold: score, found: found.size, windows, falseAlarms };
	}
	return best;
}

/** 1 at the window's first row, falling to 0 past its last. */
function worthInside([from, to]: readonly [number, number], row: number): number {
	return sigmoid(-(to - row + 1) / (to - from + 1)) / sigmoid(-1);
}

/** Just past a window a false alarm costs little; anywhere else, or before the first window, all of it. */
function worthOutside(windows: readonly (readonly [number, number])[], row: number): number {
	const before = windows.filter(([, to]) => to < row).at(-1);
	if (!before) return -1;
	const y = (row - before[1]) / (before[1] - before[0]);
	return y <= 3 ? sigmoid(y) : -1;
}
