/**
 * Data Acquisition: what to make of a source's clock, one instance per machine.
 *
 * In: the time a source states and the time of arrival. Out: the time to store and, when it is not the stated one or the
 * clock is off for good, the reason. Stated times are kept wherever they make sense, so that a replayed recording is stored
 * at its own time and a message delivered twice is stored once.
 */
import type { EpochMs, IntakeReason } from '../contracts';

/** More than this ahead of us is a wrong clock: nothing is measured in the future. */
export const MAX_AHEAD_MS = 10 * 60_000;
/** Further behind than this is a recording, a long buffered outage or a wrong clock: see `SourceClock`. */
export const MAX_BEHIND_MS = 7 * 86_400_000;
/** A clock that shows a time before this was never set (devices start at 1970 or 2000). */
const NEVER_SET_BEFORE = Date.UTC(2001, 0, 1);
/** Steps smaller than this continue the same stretch of time. */
const SAME_STRETCH_MS = 86_400_000;
/** An old stretch is believed from the first message of a source on, or after this many steps in a row. */
const BELIEVE_AFTER = 3;

export interface ClockVerdict {
	readonly time: EpochMs;
	readonly reason?: IntakeReason;
	/** The stated time is kept although it is far behind; `reason` then is said once. */
	readonly kept?: boolean;
}

/**
 * - Within [arrival - 7 days, arrival + 10 min]: the stated time.
 * - Ahead: stated time minus a fixed offset learnt once (whole quarter hours when it is a time zone), so that spacing and order
 *   survive and a repeat gets the same time again. `time-in-future`.
 * - Behind: a source that is so from its first message, or three messages in a row, plays a recording: the stated time is kept and
 *   `time-too-old` said once. A single outlier gets the time of arrival. A clock that was never set gets the fixed offset.
 */
export class SourceClock {
	#offset: number | undefined;
	#seenInBounds = false;
	#believed = false;
	#oldInRow = 0;
	#lastOld: EpochMs = 0;

	constructor(private readonly maxBehindMs = MAX_BEHIND_MS) {}

	/** What stated times are corrected by, milliseconds ahead of this device; undefined: they are taken as they are. */
	get correctionMs(): number | undefined {
		return this.#offset;
	}

	/** The usual case, without allocating: true if the stated time is to be stored as it is. */
	accepts(stated: EpochMs, receivedAt: EpochMs): boolean {
		const behind = receivedAt - stated;
		if (behind < -MAX_AHEAD_MS || behind > this.maxBehindMs) return false;
		this.#seenInBounds = true;
		this.#offset = undefined;
		this.#believed = false;
		this.#oldInRow = 0;
		return true;
	}

	judge(stated: EpochMs, receivedAt: EpochMs): ClockVerdict {
		if (this.accepts(stated, receivedAt)) return { time: stated };
		if (stated > receivedAt) return { time: this.#shifted(stated, receivedAt), reason: 'time-in-future' };
		if (stated < NEVER_SET_BEFORE) return { time: this.#shifted(stated, receivedAt), reason: 'time-too-old' };
		if (this.#believed) return { time: stated };

		const continues = this.#oldInRow > 0 && Math.abs(stated - this.#lastOld) <= SAME_STRETCH_MS;
		this.#oldInRow = continues ? this.#oldInRow + 1 : 1;
		this.#lastOld = stated;
		if (this.#seenInBounds && this.#oldInRow < BELIEVE_AFTER) return { time: receivedAt, reason: 'time-too-old' };
		this.#believed = true;
		return { time: stated, reason: 'time-too-old', kept: true };
	}

	#shifted(stated: EpochMs, receivedAt: EpochMs): EpochMs {
		const offset = stated - receivedAt;
		// The clock was set meanwhile, or runs away: learn again.
		if (this.#offset === undefined || Math.abs(offset - this.#offset) > MAX_AHEAD_MS)
			this.#offset = roundOffset(offset);
		return stated - this.#offset;
	}
}

function roundOffset(offset: number): number {
	const quarter = 15 * 60_000;
	const whole = Math.round(offset / quarter) * quarter;
	return Math.abs(offset - whole) < 60_000 ? whole : Math.round(offset / 1000) * 1000;
}
