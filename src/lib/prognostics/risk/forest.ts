/**
 * Prognostics: a random forest for failure probability. In: rows of features with 0/1 labels. Out: trees in typed arrays, the
 * probability of a row, and how much each feature moved it along the trees' paths. For workers: no object per row.
 *
 * Breiman 2001, "Random Forests", Machine Learning 45:5-32: bootstrap per tree, best Gini split among a random part of the
 * features, out-of-bag probabilities as an honest look at the training rows. Contributions after Saabas 2014 (change of the
 * node's probability along the path, credited to the feature split on).
 */
import { MillwrightError, type RiskForest, type RiskTree } from '../../contracts';
import { randomFrom, seedOf } from '../../neural/random';
import { rankColumn, SplitFinder, type RankedColumn } from './best-split';

export interface ForestOptions {
	readonly trees: number;
	/** Share of the features looked at per split. */
	readonly featureShare: number;
	readonly leastLeaf: number;
	readonly seed: number;
	/** Per row, which group it belongs to: whole groups are drawn, so that "out of bag" means a group never seen. */
	readonly groups?: ArrayLike<number>;
	readonly signal?: AbortSignal;
	readonly onTree?: (done: number) => void;
}

export interface GrownForest extends RiskForest {
	/** Probability of each training row by the trees that had not drawn it; NaN where all had. */
	readonly outOfBag: Float64Array;
}

/**
 * Grows a forest on `rows` [labels.length, features], row-major, finite.
 * @throws MillwrightError `invalid-input` for sizes that do not fit, values that are no numbers or labels of one kind; `aborted`
 */
export function growForest(
	rows: Float64Array,
	features: number,
	labels: Uint8Array,
	options: ForestOptions
): GrownForest {
	check(rows, features, labels);
	const count = labels.length;
	const sums = new Float64Array(count);
	const votes = new Uint16Array(count);
	const trees: RiskTree[] = [];
	const members = options.groups && membersOf(options.groups);
	const columns = Array.from({ length: features }, (_, f) =>
		rankColumn(Float64Array.from({ length: count }, (_, i) => rows[i * features + f]!))
	);
	const finder = new SplitFinder(labels, options.leastLeaf, columns);
	for (let t = 0; t < options.trees; t++) {
		if (options.signal?.aborted) throw new MillwrightError('aborted', 'Training was cancelled');
		const random = randomFrom(seedOf(options.seed, t));
		const drawn = new Uint16Array(count);
		if (members) {
			for (let g = 0; g < members.length; g++)
				for (const i of members[Math.floor(random() * members.length)]!) drawn[i]!++;
		} else for (let i = 0; i < count; i++) drawn[Math.floor(random() * count)]!++;
		const tree = growTree(columns, finder, drawn, options, random);
		trees.push(tree);
		for (let i = 0; i < count; i++) {
			if (drawn[i]! > 0) continue;
			sums[i]! += tree.share[leafOf(tree, rows, i * features)]!;
			votes[i]!++;
		}
		options.onTree?.(t + 1);
	}
	return { features, trees, outOfBag: sums.map((sum, i) => (votes[i]! > 0 ? sum / votes[i]! : Number.NaN)) };
}

/** Rows of each group. */
function membersOf(groups: ArrayLike<number>): readonly (readonly number[])[] {
	const rows = new Map<number, number[]>();
	for (let i = 0; i < groups.length; i++) {
		const own = rows.get(groups[i]!);
		if (own) own.push(i);
		else rows.set(groups[i]!, [i]);
	}
	return [...rows.values()];
}

/** Mean over the trees of the share of positives in the row's leaf. */
export function forestProbability(forest: RiskForest, rows: Float64Array, row: number): number {
	let sum = 0;
	for (const tree of forest.trees) sum += tree.share[leafOf(tree, rows, row * forest.features)]!;
	return sum / forest.trees.length;
}

/** What each feature added to the probability of a row; with the base they sum to it. */
export function forestContributions(
	forest: RiskForest,
	rows: Float64Array,
	row: number
): { readonly base: number; readonly byFeature: Float64Array } {
	const byFeature = new Float64Array(forest.features);
	let base = 0;
	for (const { feature, threshold, left, share } of forest.trees) {
		base += share[0]! / forest.trees.length;
		let node = 0;
		while (feature[node]! >= 0) {
			const f = feature[node]!;
			const next = left[node]! + (rows[row * forest.features + f]! <= threshold[node]! ? 0 : 1);
			byFeature[f]! += (share[next]! - share[node]!) / forest.trees.length;
			node = next;
		}
	}
	return { base, byFeature };
}

function leafOf({ feature, threshold, left }: RiskTree, rows: Float64Array, offset: number): number {
	let node = 0;
	while (feature[node]! >= 0) node = left[node]! + (rows[offset + feature[node]!]! <= threshold[node]! ? 0 : 1);
	return node;
}

function growTree(
	columns: readonly RankedColumn[],
	finder: SplitFinder,
	drawn: Uint16Array,
	options: ForestOptions,
	random: () => number
): RiskTree {
	const members = Uint32Array.from({ length: drawn.length }, (_, i) => i).filter((i) => drawn[i]! > 0);
	const feature: number[] = [];
	const threshold: number[] = [];
	const left: number[] = [];
	const share: number[] = [];
	const cover: number[] = [];
	const add = () => {
		left.push(0);
		threshold.push(0);
		share.push(0);
		cover.push(0);
		return feature.push(-1) - 1;
	};
	const looked = Math.max(1, Math.round(columns.length * options.featureShare));
	const order = Uint16Array.from(columns, (_, f) => f);
	const waiting: [node: number, from: number, to: number][] = [[add(), 0, members.length]];
	while (waiting.length > 0) {
		const [node, from, to] = waiting.pop()!;
		const { all, positive } = finder.enter(members.subarray(from, to), drawn);
		share[node] = positive / all;
		cover[node] = all;
		if (positive === 0 || positive === all || all < 2 * options.leastLeaf) continue;
		let best = { gain: 1e-12, feature: -1, threshold: 0 };
		for (let k = 0; k < order.length; k++) {
			// A look at more features only while none of them has split anything.
			if (k >= looked && best.feature >= 0) break;
			const swap = k + Math.floor(random() * (order.length - k));
			[order[k], order[swap]] = [order[swap]!, order[k]!];
			best = finder.find(columns[order[k]!]!, order[k]!, all, positive, best);
		}
		if (best.feature < 0) continue;
		const { values, rank } = columns[best.feature]!;
		let middle = from;
		for (let i = from; i < to; i++) {
			if (values[rank[members[i]!]!]! > best.threshold) continue;
			[members[i], members[middle]] = [members[middle]!, members[i]!];
			middle++;
		}
		feature[node] = best.feature;
		threshold[node] = best.threshold;
		left[node] = add();
		add();
		waiting.push([left[node]!, from, middle], [left[node]! + 1, middle, to]);
	}
	return {
		feature: Int16Array.from(feature),
		threshold: Float64Array.from(threshold),
		left: Int32Array.from(left),
		share: Float64Array.from(share),
		cover: Uint32Array.from(cover)
	};
}

function check(rows: Float64Array, features: number, labels: Uint8Array): void {
	if (labels.length === 0 || rows.length !== labels.length * features)
		throw new MillwrightError(
			'invalid-input',
			`Expected ${labels.length} rows of ${features} features, found ${rows.length} values`,
			{ rows: labels.length, features, values: rows.length }
		);
	const bad = rows.findIndex((value) => !Number.isFinite(value));
	if (bad >= 0)
		throw new MillwrightError(
			'invalid-input',
			`Row ${Math.floor(bad / features) + 1}, feature ${(bad % features) + 1} is no number`,
			{ row: Math.floor(bad / features), feature: bad % features }
		);
	const positives = labels.reduce((sum, label) => sum + label, 0);
	if (positives === 0 || positives === labels.length)
		throw new MillwrightError(
			'invalid-input',
			`Every row has the same label (${positives === 0 ? 'no failure' : 'failure'}): there is nothing to tell apart`,
			{ rows: labels.length, positives }
		);
}
