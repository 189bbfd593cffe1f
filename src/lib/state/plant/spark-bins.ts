/**
 * The last half hour of one figure for a tile's sparkline: one bin per half minute, the lowest value of each, since a
 * dip in health is what must not be averaged away. In: points in any order. Out: points in time order.
 */
import type { EpochMs } from '../../contracts';

export interface SparkPoint {
	readonly time: EpochMs;
	readonly value: number;
}

export const sparkSpanMs = 30 * 60_000;
export const sparkBinMs = 30_000;

export class SparkBins {
	#bins = new Map<number, number>();
	#newest = -Infinity;

	/** Returns true when a bin was added or lowered, that is when the sparkline looks different. */
	add(time: EpochMs, value: number): boolean {
		if (!Number.isFinite(time) || !Number.isFinite(value)) return false;
		const bin = Math.floor(time / sparkBinMs);
		if (bin <= this.#newest - sparkSpanMs / sparkBinMs) return false;
		const known = this.#bins.get(bin);
		if (known !== undefined && known <= value) return false;
		this.#bins.set(bin, value);
		if (bin > this.#newest) {
			this.#newest = bin;
			for (const old of this.#bins.keys()) if (old <= bin - sparkSpanMs / sparkBinMs) this.#bins.delete(old);
		}
		return true;
	}

	points(): SparkPoint[] {
		return [...this.#bins].sort((a, b) => a[0] - b[0]).map(([bin, value]) => ({ time: bin * sparkBinMs, value }));
	}
}
