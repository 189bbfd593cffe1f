/**
 * State Detection: a single stream that goes where it has not been.
 *
 * In: values one by one, nothing known of them before. Out: by how much the newest one, and the means over the newest rows, lie beyond all that
 * was seen, in units of the usual range. What has been seen once is no longer new, so a stream teaches its own normal running and no model,
 * season or threshold has to be given. Records of independent values get rare by themselves (Renyi 1962: 1/n).
 */
import { MillwrightError } from '../../contracts';

export interface RecordWatchPlan {
	/** Rows of the moving means that are watched; 1 is the value itself. */
	readonly windows: readonly number[];
	/** Rows after a finding in which only a far greater one counts: it is the same event. */
	readonly quietRows: number;
	/** Share of the usual range by which extremes come back per row: what was long ago may be new again. */
	readonly forgetting: number;
	/** Values of which the usual range is known. */
	readonly rememberedRows: number;
}

export const standardPlan: RecordWatchPlan = {
	windows: [1, 6, 24],
	quietRows: 150,
	forgetting: 1e-4,
	rememberedRows: 32_768
};
/** Rows before anything can be called new. */
const leastRows = 50;
/** Within the quiet rows a finding has to be this many times as large as the last. */
const greater = 4;

export class RecordWatch {
	private readonly means: readonly MovingMean[];
	private readonly seen: readonly SeenRange[];
	private sinceFinding = Number.POSITIVE_INFINITY;
	private lastFinding = 0;

	constructor(private readonly plan: RecordWatchPlan = standardPlan) {
		this.means = plan.windows.map((rows) => new MovingMean(rows));
		this.seen = plan.windows.map(() => new SeenRange(plan));
	}

	/**
	 * Takes the next value; gives its novelty: 0 for nothing new, 1 for one usual range beyond everything seen (summed over the windows).
	 * @throws MillwrightError `invalid-input` for a value that is no finite number
	 */
	observe(value: number): number {
		if (!Number.isFinite(value))
			throw new MillwrightError('invalid-input', `A stream's value must be a number, not ${value}`);
		let novelty = 0;
		this.means.forEach((mean, w) => {
			const level = mean.take(value);
			if (level !== undefined) novelty += this.seen[w]!.take(level);
		});
		this.sinceFinding++;
		if (novelty === 0 || (this.sinceFinding < this.plan.quietRows && novelty <= greater * this.lastFinding)) return 0;
		this.sinceFinding = 0;
		this.lastFinding = novelty;
		return novelty;
	}
}

class MovingMean {
	private readonly ring: Float64Array;
	private sum = 0;
	private count = 0;

	constructor(rows: number) {
		this.ring = new Float64Array(rows);
	}

	take(value: number): number | undefined {
		const slot = this.count % this.ring.length;
		this.sum += value - this.ring[slot]!;
		this.ring[slot] = value;
		this.count++;
		// Sums of differences drift by rounding: once a round the sum is taken anew.
		if (slot === this.ring.length - 1) this.sum = this.ring.reduce((sum, one) => sum + one, 0);
		return this.count < this.ring.length ? undefined : this.sum / this.ring.length;
	}
}

/** Extremes seen, slowly forgotten, and the range in which 98 % of the values lie. */
class SeenRange {
	private readonly sorted: Float64Array;
	private readonly ring: Float64Array;
	private count = 0;
	private size = 0;
	private highest = Number.NEGATIVE_INFINITY;
	private lowest = Number.POSITIVE_INFINITY;

	constructor(private readonly plan: RecordWatchPlan) {
		this.sorted = new Float64Array(plan.rememberedRows);
		this.ring = new Float64Array(plan.rememberedRows);
	}

	/** How far the value lies beyond the extremes, in usual ranges; then it is part of them. */
	take(value: number): number {
		const beyond =
			this.count < leastRows ? 0 : Math.max(0, value - this.highest, this.lowest - value) / (this.range() || 1e-9);
		this.remember(value);
		const forgotten = this.plan.forgetting * (this.at(0.99) - this.at(0.01));
		this.highest = Math.max(this.highest - forgotten, value);
		this.lowest = Math.min(this.lowest + forgotten, value);
		return beyond;
	}

	private range(): number {
		const usual = this.at(0.99) - this.at(0.01);
		return usual > 0 ? usual : this.sorted[this.size - 1]! - this.sorted[0]!;
	}

	private at(share: number): number {
		return this.sorted[Math.min(this.size - 1, Math.floor(share * this.size))]!;
	}

	private remember(value: number): void {
		const slot = this.count++ % this.ring.length;
		if (this.size === this.ring.length) {
			const gone = this.placeOf(this.ring[slot]!);
			this.sorted.copyWithin(gone, gone + 1, this.size--);
		}
		this.ring[slot] = value;
		const place = this.placeOf(value);
		this.sorted.copyWithin(place + 1, place, this.size++);
		this.sorted[place] = value;
	}

	/** First index whose value is not below. */
	private placeOf(value: number): number {
		let low = 0;
		let high = this.size;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.sorted[middle]! < value) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}
