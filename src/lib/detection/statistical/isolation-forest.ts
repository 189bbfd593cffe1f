/**
 * State Detection: isolation forest (Liu, Ting and Zhou, ICDM 2008). Random cuts isolate what is rare in few steps.
 *
 * In: rows of normal running and a seed. Out: a detector; its score is that of the paper over the 99.9th percentile in training.
 */
import { randomFrom, seedOf } from '../../neural/random';
import { quantile, rowsOf, type RowDetector, type Rows } from './row-detector';

type Node =
	| { readonly size: number }
	| { readonly sensor: number; readonly cut: number; readonly low: Node; readonly high: Node };

const trees = 100;
const sample = 256;

export function isolationForest(normal: Rows, seed: number): RowDetector {
	const { sensors, values } = normal;
	const count = rowsOf(normal);
	const rows = Array.from({ length: count }, (_, r) =>
		Float64Array.from({ length: sensors }, (__, i) => values[r * sensors + i]!)
	);
	const size = Math.min(sample, count);
	const deepest = Math.ceil(Math.log2(size));
	const forest = Array.from({ length: trees }, (_, k) => {
		const random = randomFrom(seedOf(seed, k));
		const chosen = Array.from({ length: size }, () => rows[Math.floor(random() * count)]!);
		return grow(chosen, sensors, deepest, random);
	});
	const normaliser = averagePath(size);
	const rawScore = (row: ArrayLike<number>) =>
		2 ** (-forest.reduce((sum, tree) => sum + pathLength(tree, row), 0) / trees / normaliser);
	const threshold = quantile(rows.map(rawScore), 0.999);
	return (row) => rawScore(row) / threshold;
}

function grow(rows: readonly Float64Array[], sensors: number, depthLeft: number, random: () => number): Node {
	if (depthLeft === 0 || rows.length <= 1) return { size: rows.length };
	const sensor = Math.floor(random() * sensors);
	let least = Number.POSITIVE_INFINITY;
	let most = Number.NEGATIVE_INFINITY;
	for (const row of rows) {
		least = Math.min(least, row[sensor]!);
		most = Math.max(most, row[sensor]!);
	}
	if (!(most > least)) return { size: rows.length };
	const cut = least + random() * (most - least);
	return {
		sensor,
		cut,
		low: grow(
			rows.filter((row) => row[sensor]! < cut),
			sensors,
			depthLeft - 1,
			random
		),
		high: grow(
			rows.filter((row) => row[sensor]! >= cut),
			sensors,
			depthLeft - 1,
			random
		)
	};
}

function pathLength(tree: Node, row: ArrayLike<number>): number {
	let node = tree;
	let depth = 0;
	while ('sensor' in node) {
		node = row[node.sensor]! < node.cut ? node.low : node.high;
		depth++;
	}
	return depth + averagePath(node.size);
}

/** Average depth of an unsuccessful search in a binary tree of n leaves. */
function averagePath(n: number): number {
	if (n <= 1) return 0;
	return 2 * (Math.log(n - 1) + 0.5772156649) - (2 * (n - 1)) / n;
}
