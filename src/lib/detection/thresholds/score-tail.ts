/**
 * State Detection: how high one machine's score comes in its normal running (SPOT: Siffer et al., Anomaly Detection in Streams with Extreme Value
 * Theory, KDD 2017).
 *
 * In: scores over the calibrated threshold, row by row. Out: the peaks that a threshold for a chosen rate of false alarms is read from. Neighbouring
 * scores say the same, so a peak is the largest of a run and the next one is at least a run away. Bounded: some hundred numbers.
 */
import type { EpochMs, JudgingBasis } from '../../contracts';
import { watchWindows } from '../ensemble/learn-watch';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Days of running whose hours are counted, and of which the newest are evidence: machines change. */
const mostDays = 91;
export const evidenceDays = 28;
/** Of a day's peaks the largest are kept; above the least of them all are known. */
export const mostPeaksPerDay = 24;
/** A peak waits for so long before it counts: one shortly before an anomaly may be its beginning. */
const waitMs = hourMs;

export interface ScoreDay {
	/** Days since 1970, UTC. */
	readonly day: number;
	/** Hours of normal running, and the runs that they were. */
	readonly hours: number;
	readonly runs: number;
	/** Largest first. */
	readonly peaks: readonly number[];
}

/** A peak that does not count yet. */
interface WaitingPeak {
	readonly at: EpochMs;
	readonly peak: number;
	readonly hours: number;
}

/** Kept over a reload. Oldest first. */
export interface ScoreTailRecord {
	readonly runRows: number;
	readonly days: readonly ScoreDay[];
	readonly waiting: readonly WaitingPeak[];
}

export interface TailEvidence {
	/** Begin of the days that it is of. */
	readonly since: EpochMs;
	/** Hours of normal running, their runs, and every peak of theirs above `floor`. */
	readonly hours: number;
	readonly runs: number;
	readonly floor: number;
	readonly peaks: readonly number[];
}

/** Rows after which a score says something new: twice the time that its slowest smoothing looks back on, or three of the longest moving means. */
export function runRowsOf({ ensemble, relations, calibration }: JudgingBasis): number {
	if (ensemble || relations) return 3 * Math.max(...watchWindows);
	const { statistics = [], ownLevel, ownValues } = calibration;
	const smoothings = [...statistics, ...(ownLevel?.statistics ?? []), ...(ownValues?.statistics ?? [])];
	return Math.ceil(2 / Math.min(calibration.smoothing, ...smoothings.map(({ smoothing }) => smoothing)));
}

export class ScoreTail {
	private days: ScoreDay[] = [];
	private waiting: WaitingPeak[] = [];
	private peak = Number.NEGATIVE_INFINITY;
	private rowsSincePeak = 0;
	private rowsToRest = 0;
	private hours = 0;
	private lastTime: EpochMs = 0;
	private readonly stepHours: number;

	constructor(
		private readonly runRows: number,
		stepMs: number
	) {
		this.stepHours = stepMs / hourMs;
	}

	/** `standing`: an alarm stands. What is one is no normal running until somebody judges it to be. */
	take(time: EpochMs, score: number, standing: boolean): void {
		if (standing) {
			this.waiting = [];
			this.startRun();
			this.rowsToRest = this.runRows;
			return;
		}
		// The way back from an anomaly is a part of it.
		if (this.rowsToRest > 0) {
			this.rowsToRest--;
			return;
		}
		this.hours += this.stepHours;
		this.lastTime = time;
		if (score > this.peak) {
			this.peak = score;
			this.rowsSincePeak = 0;
		} else if (++this.rowsSincePeak >= this.runRows) {
			this.waiting.push({ at: time, peak: this.peak, hours: this.hours });
			this.startRun();
		}
		if (this.waiting[0] && time - this.waiting[0].at >= waitMs) this.count(this.waiting.shift()!);
	}

	/** Days as they are if its rows end here without an anomaly: what waits counts, and a run that is cut off if it was as long as one must be. */
	get endedDays(): readonly ScoreDay[] {
		const ended = new ScoreTail(this.runRows, this.stepHours * hourMs);
		ended.recall(this.record);
		const { hours, peak, lastTime: at } = this;
		const last = hours >= this.runRows * this.stepHours ? [{ at, peak, hours }] : [];
		for (const one of [...this.waiting, ...last]) ended.count(one);
		return ended.days;
	}

	get record(): ScoreTailRecord {
		return { runRows: this.runRows, days: this.days, waiting: this.waiting.slice() };
	}

	/** Replaces what has been seen by what an earlier run saw; a record of other runs is of another calibration. */
	recall({ runRows, days, waiting }: ScoreTailRecord): void {
		this.forget();
		if (runRows !== this.runRows) return;
		this.days = [...days];
		this.waiting = [...waiting];
	}

	forget(): void {
		this.days = [];
		this.waiting = [];
		this.rowsToRest = 0;
		this.startRun();
	}

	/** Takes in what another pass over other rows of this machine saw. */
	absorb({ days }: Pick<ScoreTailRecord, 'days'>): void {
		for (const day of days) this.add(day);
	}

	/** Begin of the first day and hours of normal running since; undefined: none yet. */
	get watched(): { readonly since: EpochMs; readonly hours: number } | undefined {
		const first = this.days[0];
		return first && { since: first.day * dayMs, hours: this.days.reduce((sum, { hours }) => sum + hours, 0) };
	}

	/** Of the newest days. */
	get evidence(): TailEvidence {
		const newest = this.days.slice(-evidenceDays);
		const full = newest.filter(({ peaks }) => peaks.length === mostPeaksPerDay);
		const floor = Math.max(Number.NEGATIVE_INFINITY, ...full.map(({ peaks }) => peaks[mostPeaksPerDay - 1]!));
		return {
			since: (newest[0]?.day ?? 0) * dayMs,
			hours: newest.reduce((sum, { hours }) => sum + hours, 0),
			runs: newest.reduce((sum, { runs }) => sum + runs, 0),
			floor,
			peaks: newest.flatMap(({ peaks }) => peaks.filter((peak) => peak > floor))
		};
	}

	private startRun(): void {
		this.peak = Number.NEGATIVE_INFINITY;
		this.rowsSincePeak = 0;
		this.hours = 0;
	}

	private count({ at, hours, peak }: WaitingPeak): void {
		this.add({ day: Math.floor(at / dayMs), hours, runs: 1, peaks: [peak] });
	}

	private add(added: ScoreDay): void {
		const before = this.days.find(({ day }) => day === added.day);
		const sum: ScoreDay = {
			day: added.day,
			hours: added.hours + (before?.hours ?? 0),
			runs: added.runs + (before?.runs ?? 0),
			peaks: [...added.peaks, ...(before?.peaks ?? [])].sort((a, b) => b - a).slice(0, mostPeaksPerDay)
		};
		this.days = [...this.days.filter((day) => day !== before), sum].sort((a, b) => a.day - b.day).slice(-mostDays);
		// Days that are no longer evidence only keep their hours.
		const spent = this.days[this.days.length - evidenceDays - 1];
		if (spent && spent.peaks.length > 0)
			this.days = this.days.map((day) => (day.day <= spent.day ? { ...day, peaks: [] } : day));
	}
}
