/**
 * Training: which rows a fold learns from and which it judges. In: labelled rows, with their machines and stretches of time where they
 * have some. Out: the deal, and parts of the rows. A fold never learns from a machine that it judges, nor from days that it judges.
 */
import { MillwrightError, type RiskRequest } from '../../contracts';
import { seedOf, shuffledIndices } from '../../neural/random';

export interface RiskDeal {
	learns(row: number, fold: number): boolean;
	judges(row: number, fold: number): boolean;
}

export interface RiskPart {
	/** [places.length, features]. */
	readonly rows: Float64Array;
	readonly labels: Uint8Array;
	/** Index of each row among all. */
	readonly places: number[];
}

/** @throws MillwrightError `invalid-input` for sizes that do not fit and too few failures or machines */
export function dealRows({ labels, folds, seed, machines }: RiskRequest): RiskDeal {
	if (!machines) {
		const fold = stratify(labels, folds, seed);
		return { learns: (row, k) => fold[row] !== k, judges: (row, k) => fold[row] === k };
	}
	const { machine, role } = machines;
	if (machine.length !== labels.length || role.length !== labels.length)
		throw new MillwrightError(
			'invalid-input',
			`Expected a machine and a role for each of ${labels.length} rows, found ${machine.length} and ${role.length}`,
			{ rows: labels.length }
		);
	const names = [...new Set(machine)];
	const failing = new Set(machine.filter((_, row) => labels[row] === 1 && role[row] !== 0));
	if (names.length < folds)
		throw new MillwrightError(
			'invalid-input',
			`${folds} folds by machine need at least ${folds} machines; there are ${names.length}`,
			{ folds, machines: names.length }
		);
	if (failing.size < 2)
		throw new MillwrightError(
			'invalid-input',
			failing.size === 0
				? 'No failure is among the rows that can be judged'
				: 'All failures lie in one part of the data: there is no other part to judge them on',
			{ failing: failing.size }
		);
	const fold = new Map<number, number>();
	// Those with failures first, so that every fold has its share of them.
	[...shuffledIndices(names.length, seedOf(seed, 9))]
		.map((n) => names[n]!)
		.sort((a, b) => Number(failing.has(b)) - Number(failing.has(a)))
		.forEach((name, place) => fold.set(name, place % folds));
	return {
		learns: (row, k) => (role[row]! & 1) !== 0 && fold.get(machine[row]!) !== k,
		judges: (row, k) => (role[row]! & 2) !== 0 && fold.get(machine[row]!) === k
	};
}

export function pickRows(
	{ rows, labels, featureNames }: RiskRequest,
	wanted: (row: number) => boolean,
	from?: readonly number[]
): RiskPart {
	const features = featureNames.length;
	const places = (from ?? Array.from(labels, (_, i) => i)).filter(wanted);
	const part = new Float64Array(places.length * features);
	places.forEach((place, i) => part.set(rows.subarray(place * features, (place + 1) * features), i * features));
	return { rows: part, labels: Uint8Array.from(places, (place) => labels[place]!), places };
}

/** Fold of each row; failures and the rest are dealt apart. */
function stratify(labels: Uint8Array, folds: number, seed: number): Uint8Array {
	const positives = labels.reduce((sum, label) => sum + label, 0);
	if (positives < folds || labels.length - positives < folds)
		throw new MillwrightError(
			'invalid-input',
			`${folds} folds need at least ${folds} rows with and ${folds} without a failure; there are ${positives} and ${labels.length - positives}`,
			{ folds, positives }
		);
	const fold = new Uint8Array(labels.length);
	const dealt = [0, 0];
	for (const i of shuffledIndices(labels.length, seedOf(seed, 9))) fold[i] = dealt[labels[i]!]!++ % folds;
	return fold;
}
