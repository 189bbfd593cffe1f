/**
 * How long a machine may be silent before its last value is old. In: the times of its samples as they come. Out: its
 * usual interval and when it goes stale (contracts: `staleIntervals` of them, at least `staleFloorMs`).
 */
import { staleFloorMs, staleIntervals, type EpochMs } from '../../contracts';

/** Gaps remembered; the median of an odd few is moved neither by one pause nor by one burst. */
const remembered = 9;

export class FreshnessTracker {
	#lastAt: EpochMs | undefined;
	#gaps: number[] = [];

	get lastAt(): EpochMs | undefined {
		return this.#lastAt;
	}

	/** Takes one sample's time; those that are not newer than the newest change nothing. */
	observe(time: EpochMs): void {
		if (!Number.isFinite(time)) return;
		if (this.#lastAt !== undefined) {
			const gap = time - this.#lastAt;
			if (gap <= 0) return;
			this.#gaps.push(gap);
			if (this.#gaps.length > remembered) this.#gaps.shift();
		}
		this.#lastAt = time;
	}

	/** Median of the last gaps, milliseconds; undefined until there is one. */
	get usualIntervalMs(): number | undefined {
		if (this.#gaps.length === 0) return undefined;
		const sorted = [...this.#gaps].sort((a, b) => a - b);
		return sorted[(sorted.length - 1) >> 1];
	}

	get staleAfterMs(): number {
		return Math.max(staleFloorMs, staleIntervals * (this.usualIntervalMs ?? 0));
	}
}

export function isStale(lastAt: EpochMs | undefined, staleAfterMs: number, now: EpochMs): boolean {
	return lastAt === undefined || now - lastAt > staleAfterMs;
}
