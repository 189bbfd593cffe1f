/**
 * State Detection: which learnt mode a machine is in now, or that it runs as it never did in training.
 *
 * In: rows in own units and the coarse mode (off, start-up, changing, running). Out: the learnt mode's id, "new", or undefined while
 * it cannot be told. A new mode is one that was jumped to: a load that creeps away is drift, and is left to be judged.
 */
import { modeReach, type OperatingModes } from '../../contracts';
import type { OperatingMode } from './operating-mode';
import { distance } from './learn-modes';

/** A mode is left for another when that one has been nearest for this many rows. */
const settleRows = 15;
/** Running this many rows far from every mode is a new one. */
export const newModeRows = 60;
/** The way from a known mode to a new one takes no more rows than this; longer is a creep. */
export const jumpRows = 120;
/** It stands still there: its place moves by no more than this, shares of the range, from one block to the next. */
const stillWithin = modeReach / 5;

export class ModeTracker {
	/** Id of a learnt mode, "new", or undefined: not told yet. */
	modeId: string | undefined;
	/** True near a place that training showed. */
	known = false;
	/** True on the way to what may be a new mode. */
	pending = false;
	private readonly columns: readonly number[];
	private readonly ring: Float64Array;
	private readonly place: number[];
	private seen = 0;
	private candidate: string | undefined;
	private candidateRows = 0;
	private rowsSinceKnown = 0;
	/** Where the candidate for a new mode was a block of rows ago. */
	private reached: number[] = [];

	constructor(
		private readonly modes: OperatingModes,
		/** Sensors of the rows. */
		sensorNames: readonly string[]
	) {
		this.columns = modes.sensorNames.map((name) => sensorNames.indexOf(name));
		this.ring = new Float64Array(modes.blockRows * this.columns.length);
		this.place = new Array<number>(this.columns.length).fill(0);
	}

	reset(): void {
		this.seen = 0;
		this.modeId = undefined;
		this.candidate = undefined;
		this.candidateRows = 0;
		// After a gap, as after a stop, any mode may follow.
		this.rowsSinceKnown = 0;
		this.pending = false;
	}

	/** `unwell`: an anomaly is open; then nothing is taken for a new mode. */
	observe(own: ArrayLike<number>, coarse: OperatingMode, unwell: boolean): string | undefined {
		this.pending = false;
		if (coarse === 'off' || coarse === 'start-up') {
			this.seen = 0;
			this.candidate = undefined;
			this.modeId = undefined;
			// From a stop any mode may follow.
			this.rowsSinceKnown = 0;
			return undefined;
		}
		this.rowsSinceKnown++;
		if (!this.push(own)) return this.modeId;
		let nearest: string | undefined;
		let least = Number.POSITIVE_INFINITY;
		for (const { id, points } of this.modes.modes)
			for (const point of points) {
				const away = distance(point, this.place);
				if (away < least) [least, nearest] = [away, id];
			}
		this.known = least <= 1.5 * modeReach || this.isPassed(modeReach);
		if (this.known) this.rowsSinceKnown = 0;
		const far = least > 2 * modeReach && !this.isPassed(2 * modeReach);
		const wanted = least <= 1.5 * modeReach ? nearest : far ? 'new' : undefined;
		if (wanted === undefined || wanted === this.modeId) {
			this.candidate = undefined;
			this.candidateRows = 0;
			return this.modeId;
		}
		this.candidateRows = wanted === this.candidate ? this.candidateRows + 1 : 1;
		this.candidate = wanted;
		if (wanted === 'new') {
			const jumped = this.rowsSinceKnown <= jumpRows && !unwell;
			const watchFrom = newModeRows - this.modes.blockRows;
			if (jumped && this.candidateRows >= newModeRows) {
				if (distance(this.reached, this.place) <= stillWithin) this.modeId = 'new';
				else this.candidateRows = watchFrom;
			}
			if (this.candidateRows === watchFrom) this.reached = [...this.place];
			this.pending = jumped && this.modeId !== 'new';
			if (!jumped) this.modeId = undefined;
		} else if (this.candidateRows >= settleRows || this.modeId === undefined) this.modeId = wanted;
		return this.modeId;
	}

	private isPassed(within: number): boolean {
		return this.modes.passed.some((point) => distance(point, this.place) <= within);
	}

	/** Mean of the last `blockRows` rows into `place`; false until there are enough. */
	private push(own: ArrayLike<number>): boolean {
		const { blockRows, low, range } = this.modes;
		const signals = this.columns.length;
		for (let s = 0; s < signals; s++) if (!Number.isFinite(own[this.columns[s]!] ?? Number.NaN)) return false;
		const slot = (this.seen % blockRows) * signals;
		for (let s = 0; s < signals; s++) this.ring[slot + s] = (own[this.columns[s]!]! - low[s]!) / range[s]!;
		this.seen++;
		if (this.seen < blockRows) return false;
		for (let s = 0; s < signals; s++) {
			let sum = 0;
			for (let r = 0; r < blockRows; r++) sum += this.ring[r * signals + s]!;
			this.place[s] = sum / blockRows;
		}
		return true;
	}
}
