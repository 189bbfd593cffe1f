/**
 * Prognostics: the best split of a tree's node by one feature. In: the feature's ranks, labels, and how often each row was drawn. Out: Gini
 * gain and threshold. Large nodes are counted by rank, small ones sorted by it: both give what sorting the values would.
 */

/** One feature of all rows: its distinct values, ascending, and each row's place among them. */
export interface RankedColumn {
	readonly values: Float64Array;
	readonly rank: Uint32Array;
}

export interface Split {
	readonly gain: number;
	readonly feature: number;
	readonly threshold: number;
}

/** A node counts by rank where its ranks span no more than so many times its rows. */
const widestCount = 8;

export function rankColumn(column: Float64Array): RankedColumn {
	const sorted = column.slice().sort();
	let distinct = 0;
	for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[distinct++] = sorted[i]!;
	const values = sorted.slice(0, distinct);
	return {
		values,
		rank: Uint32Array.from(column, (value) => {
			let [low, high] = [0, distinct - 1];
			while (low < high) {
				const middle = (low + high) >> 1;
				if (values[middle]! < value) low = middle + 1;
				else high = middle;
			}
			return low;
		})
	};
}

export class SplitFinder {
	readonly #rows: Uint32Array;
	readonly #positives: Uint32Array;
	readonly #keys: Float64Array;
	/** Of the node: its rows, and how often each was drawn, and drawn as a failure. */
	#members: Uint32Array = new Uint32Array(0);
	readonly #drawn: Uint16Array;
	readonly #failed: Uint16Array;

	constructor(
		private readonly labels: Uint8Array,
		private readonly leastLeaf: number,
		columns: readonly RankedColumn[]
	) {
		const widest = Math.max(0, ...columns.map(({ values }) => values.length));
		this.#rows = new Uint32Array(widest);
		this.#positives = new Uint32Array(widest);
		this.#keys = new Float64Array(labels.length);
		this.#drawn = new Uint16Array(labels.length);
		this.#failed = new Uint16Array(labels.length);
	}

	/** Turns to a node: its rows, and how often each row was drawn. Returns how often all of them were, and those that failed. */
	enter(members: Uint32Array, drawn: Uint16Array): { readonly all: number; readonly positive: number } {
		this.#members = members;
		let [all, positive] = [0, 0];
		for (let i = 0; i < members.length; i++) {
			const times = drawn[members[i]!]!;
			const failed = this.labels[members[i]!] === 1 ? times : 0;
			this.#drawn[i] = times;
			this.#failed[i] = failed;
			all += times;
			positive += failed;
		}
		return { all, positive };
	}

	/** The best split of the node by this feature; `best` where none is better. */
	find({ values, rank }: RankedColumn, feature: number, all: number, positive: number, best: Split): Split {
		const members = this.#members;
		const [drawn, failed] = [this.#drawn, this.#failed];
		const count = members.length;
		let [low, high] = [0, values.length - 1];
		if (values.length > count) {
			low = high = rank[members[0]!]!;
			for (let i = 1; i < count; i++) {
				const r = rank[members[i]!]!;
				if (r < low) low = r;
				else if (r > high) high = r;
			}
			if (low === high) return best;
		}
		const { leastLeaf } = this;
		const whole = impurity(all, positive);
		let found = best;
		let [n, p, here] = [0, 0, low];
		const look = (next: number) => {
			if (n < leastLeaf || all - n < leastLeaf) return;
			const gain = whole - impurity(n, p) - impurity(all - n, positive - p);
			if (gain <= found.gain) return;
			const middle = values[here]! + (values[next]! - values[here]!) / 2;
			// Between two neighbours among floating-point numbers there is no middle.
			found = { gain, feature, threshold: middle < values[next]! ? middle : values[here]! };
		};
		if (high - low <= widestCount * count) {
			const [rows, positives] = [this.#rows, this.#positives];
			rows.fill(0, low, high + 1);
			positives.fill(0, low, high + 1);
			for (let i = 0; i < count; i++) {
				const r = rank[members[i]!]!;
				rows[r]! += drawn[i]!;
				positives[r]! += failed[i]!;
			}
			for (let r = low; r <= high; r++) {
				if (rows[r] === 0) continue;
				if (n > 0) look(r);
				here = r;
				n += rows[r]!;
				p += positives[r]!;
			}
			return found;
		}
		const keys = this.#keys.subarray(0, count);
		for (let i = 0; i < count; i++) keys[i] = rank[members[i]!]! * count + i;
		keys.sort();
		for (let k = 0; k < count; k++) {
			const key = keys[k]!;
			const r = Math.floor(key / count);
			const i = key - r * count;
			if (r !== here) look(r);
			here = r;
			n += drawn[i]!;
			p += failed[i]!;
		}
		return found;
	}
}

const impurity = (n: number, p: number) => (2 * p * (n - p)) / n;
