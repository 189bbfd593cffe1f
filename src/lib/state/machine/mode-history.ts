/**
 * State: the changes of a machine's operating mode over the span in sight.
 *
 * In: stored change points of the series `~mode`, verdicts as they are heard. Out: change points in time order, the stored ones first.
 * A mode that lasts is noted again at each heartbeat, as storage does.
 */
import { modeHeartbeatMs, type EpochMs, type SeriesSlice } from '$lib/contracts';

export class ModeHistory {
	#times: EpochMs[] = [];
	#codes: number[] = [];

	get times(): readonly EpochMs[] {
		return this.#times;
	}
	get codes(): readonly number[] {
		return this.#codes;
	}

	/** A mode heard live; true when that is a point of its own. */
	add(time: EpochMs, code: number): boolean {
		const last = this.#times.at(-1);
		if (last !== undefined && (time <= last || (this.#codes.at(-1) === code && time - last < modeHeartbeatMs)))
			return false;
		this.#times.push(time);
		this.#codes.push(code);
		return true;
	}

	/**
	 * Stored change points, and those known that are newer; none of these where what is stored ends before `coveredFrom`, where the query
	 * before began: between the two there may be changes that nobody has read.
	 */
	takeStored(stored: Pick<SeriesSlice, 'times' | 'mean'> | undefined, coveredFrom: EpochMs = -Infinity): void {
		const newest = stored?.times.at(-1) ?? -Infinity;
		const first = this.#times.findIndex((time) => time > newest);
		const live = first < 0 || newest < coveredFrom ? this.#times.length : first;
		this.#times = [...(stored?.times ?? []), ...this.#times.slice(live)];
		this.#codes = [...(stored?.mean ?? []), ...this.#codes.slice(live)];
	}
}
