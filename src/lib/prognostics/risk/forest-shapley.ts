/**
 * Prognostics: why a forest says what it says of one row. In: a forest and the row. Out: each feature's Shapley value: its part in the
 * difference between the row's probability and the forest's mean, fair whatever the order in which features are revealed.
 *
 * Lundberg, Erion & Lee 2018, "Consistent individualized feature attribution for tree ensembles" (TreeSHAP, algorithm 2): exact in
 * time leaves x depth^2 per tree. A feature that is not known is averaged over as the tree's training rows went.
 */
import type { RiskForest, RiskTree } from '../../contracts';

/** With the base they sum to the forest's probability of the row. */
export function forestShapley(
	forest: RiskForest,
	rows: Float64Array,
	row: number
): { readonly base: number; readonly byFeature: Float64Array } {
	const byFeature = new Float64Array(forest.features);
	const values = rows.subarray(row * forest.features, (row + 1) * forest.features);
	let base = 0;
	for (const tree of forest.trees) {
		base += tree.share[0]! / forest.trees.length;
		new TreeShapley(tree, values, byFeature, 1 / forest.trees.length).run();
	}
	return { base, byFeature };
}

/** The path from the root: per feature on it, the share of unknowing rows that come through, whether this row does, and the weights. */
class TreeShapley {
	readonly #feature: Int16Array;
	readonly #zero: Float64Array;
	readonly #one: Float64Array;
	readonly #weight: Float64Array;

	constructor(
		private readonly tree: RiskTree,
		private readonly values: Float64Array,
		private readonly byFeature: Float64Array,
		private readonly scale: number
	) {
		const longest = depthOf(tree) + 2;
		// Each level of the descent has its own copy of the path, one longer than the last.
		const size = (longest * (longest + 1)) / 2 + longest;
		this.#feature = new Int16Array(size);
		this.#zero = new Float64Array(size);
		this.#one = new Float64Array(size);
		this.#weight = new Float64Array(size);
	}

	run(): void {
		this.#visit(0, 0, 0, 1, 1, -1);
	}

	#visit(node: number, parent: number, length: number, zero: number, one: number, feature: number): void {
		const at = parent + length;
		for (let i = 0; i < length; i++) {
			this.#feature[at + i] = this.#feature[parent + i]!;
			this.#zero[at + i] = this.#zero[parent + i]!;
			this.#one[at + i] = this.#one[parent + i]!;
			this.#weight[at + i] = this.#weight[parent + i]!;
		}
		this.#extend(at, length, zero, one, feature);
		const { tree } = this;
		const split = tree.feature[node]!;
		if (split < 0) {
			for (let i = 1; i <= length; i++) {
				const weight = this.#unwoundSum(at, length, i);
				this.byFeature[this.#feature[at + i]!]! +=
					this.scale * weight * (this.#one[at + i]! - this.#zero[at + i]!) * tree.share[node]!;
			}
			return;
		}
		const left = tree.left[node]!;
		const hot = this.values[split]! <= tree.threshold[node]! ? left : left + 1;
		const cold = hot === left ? left + 1 : left;
		let [comesZero, comesOne, depth] = [1, 1, length];
		for (let i = 1; i <= length; i++)
			if (this.#feature[at + i] === split) {
				comesZero = this.#zero[at + i]!;
				comesOne = this.#one[at + i]!;
				this.#unwind(at, length, i);
				depth--;
				break;
			}
		const share = (child: number) => (comesZero * tree.cover[child]!) / tree.cover[node]!;
		this.#visit(hot, at, depth + 1, share(hot), comesOne, split);
		this.#visit(cold, at, depth + 1, share(cold), 0, split);
	}

	#extend(at: number, length: number, zero: number, one: number, feature: number): void {
		this.#feature[at + length] = feature;
		this.#zero[at + length] = zero;
		this.#one[at + length] = one;
		this.#weight[at + length] = length === 0 ? 1 : 0;
		for (let i = length - 1; i >= 0; i--) {
			this.#weight[at + i + 1]! += (one * this.#weight[at + i]! * (i + 1)) / (length + 1);
			this.#weight[at + i] = (zero * this.#weight[at + i]! * (length - i)) / (length + 1);
		}
	}

	/** Takes entry `place` out of the path of entries 0 to `length`. */
	#unwind(at: number, length: number, place: number): void {
		const one = this.#one[at + place]!;
		const zero = this.#zero[at + place]!;
		let next = this.#weight[at + length]!;
		for (let i = length - 1; i >= 0; i--) {
			const held = this.#weight[at + i]!;
			if (one !== 0) {
				this.#weight[at + i] = (next * (length + 1)) / ((i + 1) * one);
				next = held - (this.#weight[at + i]! * zero * (length - i)) / (length + 1);
			} else this.#weight[at + i] = (held * (length + 1)) / (zero * (length - i));
		}
		for (let i = place; i < length; i++) {
			this.#feature[at + i] = this.#feature[at + i + 1]!;
			this.#zero[at + i] = this.#zero[at + i + 1]!;
			this.#one[at + i] = this.#one[at + i + 1]!;
		}
	}

	/** Sum of the weights as they would be without entry `place`. */
	#unwoundSum(at: number, length: number, place: number): number {
		const one = this.#one[at + place]!;
		const zero = this.#zero[at + place]!;
		let next = this.#weight[at + length]!;
		let total = 0;
		for (let i = length - 1; i >= 0; i--) {
			if (one !== 0) {
				const weight = (next * (length + 1)) / ((i + 1) * one);
				total += weight;
				next = this.#weight[at + i]! - (weight * zero * (length - i)) / (length + 1);
			} else total += (this.#weight[at + i]! * (length + 1)) / (zero * (length - i));
		}
		return total;
	}
}

function depthOf({ feature, left }: RiskTree): number {
	const depth = new Uint16Array(feature.length);
	let deepest = 0;
	// A child stands after its parent.
	for (let node = 0; node < feature.length; node++) {
		deepest = Math.max(deepest, depth[node]!);
		if (feature[node]! < 0) continue;
		depth[left[node]!] = depth[left[node]! + 1] = depth[node]! + 1;
	}
	return deepest;
}
