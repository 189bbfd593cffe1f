/**
 * State Detection: one member's verdict on one machine, kept over time.
 *
 * In: its residual rows. Out: a score, 1 and more while an anomaly stands. One begins when the watch's score passes 1, and ends when
 * that is well below 1 or the machine has come back half of the way along the direction in which it left: other sensors may have
 * drifted meanwhile. One that leaves again in that direction before the level is learnt anew was not over: a fault often begins with
 * a swing. The level follows only while nothing stands.
 */
import type { MemberName, WatchCalibration } from '../../contracts';
import { levelDelay } from './moving-level';
import { ResidualWatch } from './residual-watch';

/** Score under which a standing anomaly is over. */
const endScore = 0.6;
/** Share of its deviation that is left when a machine counts as being back. */
const backShare = 0.5;
/** Share of its deviation at which one that had come back counts as having left again. */
const againShare = 0.6;
/** Rows that an anomaly lasts at least: the longest window has to see its end. */
const leastRows = 60;
/** Under this score the level follows: what may be the beginning of a slow fault is not learnt. */
const followScore = 0.5;
const middleRows = 30;

export class Member {
	readonly watch: ResidualWatch;
	/** At or above 1 while an anomaly stands, else below; NaN while the watch's means fill. */
	score = Number.NaN;
	private anomalous = false;
	private direction: Float64Array | undefined;
	private standing = 0;
	private settling = 0;

	constructor(
		readonly name: MemberName,
		calibration: WatchCalibration
	) {
		this.watch = new ResidualWatch(calibration);
	}

	/** After a gap: rows before it are no part of any mean. What was anomalous stays so until rows say otherwise. */
	forgetRows(): void {
		this.watch.forgetRows();
		this.score = Number.NaN;
	}

	take(row: ArrayLike<number>): void {
		this.watch.take(row);
		const { score } = this.watch;
		if (Number.isNaN(score)) {
			this.watch.pass(!this.anomalous);
			return;
		}
		this.decide(score);
		this.watch.pass(!this.anomalous && this.settling <= middleRows && (this.settling > 0 || score < followScore));
		this.score = this.anomalous ? Math.max(1, score) : Math.min(0.999, score);
	}

	/** While the level is still where it was before an anomaly that seemed over. */
	private leavesAgain(score: number): boolean {
		if (this.settling <= middleRows || this.direction === undefined || score <= endScore) return false;
		return this.watch.remaining(this.direction) > againShare;
	}

	private decide(score: number): void {
		this.settling = Math.max(0, this.settling - 1);
		if (!this.anomalous) {
			if (this.leavesAgain(score)) {
				this.anomalous = true;
				this.settling = 0;
			}
			if (this.anomalous || score <= 1 || this.settling > 0) return;
			this.anomalous = true;
			this.standing = 0;
			this.direction = this.watch.deviation();
			return;
		}
		this.standing++;
		const back = this.direction !== undefined && this.watch.remaining(this.direction) < backShare;
		if (this.standing > leastRows && (score < endScore || back)) {
			this.anomalous = false;
			this.settling = middleRows + levelDelay;
			return;
		}
		const now = this.watch.deviation();
		if (this.standing <= middleRows) this.direction = now;
		else {
			const weight = Math.max(0.02, 1 / (this.standing - middleRows + 1));
			this.direction = this.direction!.map((value, i) => value + weight * (now[i]! - value));
		}
	}
}
