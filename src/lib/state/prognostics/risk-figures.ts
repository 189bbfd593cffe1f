/**
 * State: a failure classifier looked back on, in figures: what a threshold catches and costs, precision over recall. In: probabilities of rows that
 * the models had not seen, and what came. Out: points for charts and tables.
 */
import type { RiskCosts } from '../../contracts';

export interface Outcome {
	readonly probability: number;
	readonly failed: boolean;
}

export interface AtThreshold {
	readonly threshold: number;
	readonly caught: number;
	readonly missed: number;
	readonly needless: number;
	readonly precision: number;
	readonly recall: number;
	/** Per 1,000 rows. */
	readonly cost: number;
}

/** Rows that were judged, the likeliest first. */
export function rankedOutcomes(probabilities: ArrayLike<number>, labels: ArrayLike<number>): Outcome[] {
	const found: Outcome[] = [];
	for (let i = 0; i < labels.length; i++)
		if (!Number.isNaN(probabilities[i]!)) found.push({ probability: probabilities[i]!, failed: labels[i] === 1 });
	return found.sort((a, b) => b.probability - a.probability);
}

/** `ranked`: likeliest first. */
export function atThreshold(ranked: readonly Outcome[], threshold: number, costs: RiskCosts): AtThreshold {
	let [caught, needless, positives] = [0, 0, 0];
	for (const { probability, failed } of ranked) {
		if (failed) positives++;
		if (probability < threshold) continue;
		if (failed) caught++;
		else needless++;
	}
	return figures(threshold, caught, needless, positives, ranked.length, costs);
}

/** What each possible threshold brings, from "never" down to "always": one entry per distinct probability, thinned to about `most`. */
export function everyThreshold(ranked: readonly Outcome[], costs: RiskCosts, most = 400): AtThreshold[] {
	const positives = ranked.reduce((sum, { failed }) => sum + (failed ? 1 : 0), 0);
	const all = [figures(1.000001, 0, 0, positives, ranked.length, costs)];
	let [caught, needless] = [0, 0];
	ranked.forEach(({ probability, failed }, i) => {
		if (failed) caught++;
		else needless++;
		if (ranked[i + 1]?.probability !== probability)
			all.push(figures(probability, caught, needless, positives, ranked.length, costs));
	});
	const stride = Math.ceil(all.length / most);
	return all.filter((_, i) => i % stride === 0 || i === all.length - 1);
}

/** The least cost that any threshold could have had on these rows, known only afterwards. */
export function cheapest(every: readonly AtThreshold[]): AtThreshold {
	return every.reduce((best, at) => (at.cost < best.cost ? at : best));
}

function figures(
	threshold: number,
	caught: number,
	needless: number,
	positives: number,
	rows: number,
	{ missed, needless: visit }: RiskCosts
): AtThreshold {
	const lost = positives - caught;
	return {
		threshold,
		caught,
		missed: lost,
		needless,
		precision: caught + needless === 0 ? Number.NaN : caught / (caught + needless),
		recall: positives === 0 ? Number.NaN : caught / positives,
		cost: rows === 0 ? Number.NaN : (1000 * (lost * missed + needless * visit)) / rows
	};
}
