/**
 * State Detection: moving means of residual rows, and the level they are compared with.
 *
 * In: rows [sensors] one by one. Out: means over several windows, and a level per sensor that follows slowly: a local-level
 * Kalman filter (Durbin and Koopman 2012, ch. 2) fed with rows of `levelDelay` ago, so that a fault is noticed before it is learnt.
 */

/** Rows by which the level lags behind, so that what is being judged is not yet part of what it is judged by. */
export const levelDelay = 30;
/** A sensor further out than this, in scaled units, says no more than that it is far out. */
const clipAt = 25;

export interface LevelModel {
	readonly noise: ArrayLike<number>;
	readonly diffusion: ArrayLike<number>;
}

export class MovingLevel {
	readonly level: Float64Array;
	readonly variance: Float64Array;
	readonly means: readonly Float64Array[];
	private readonly ring: Float64Array;
	private readonly sums: readonly Float64Array[];
	private readonly size: number;
	private seen = 0;

	constructor(
		private readonly windows: readonly number[],
		private readonly model: LevelModel,
		level: ArrayLike<number>,
		variance: ArrayLike<number>
	) {
		this.level = Float64Array.from(level);
		this.variance = Float64Array.from(variance);
		this.size = Math.max(levelDelay + 1, ...windows);
		this.ring = new Float64Array(this.size * this.level.length);
		this.sums = windows.map(() => new Float64Array(this.level.length));
		this.means = windows.map(() => new Float64Array(this.level.length));
	}

	/** Rows since the last break, at most the longest window. */
	get rows(): number {
		return Math.min(this.seen, this.size);
	}

	/** Forgets the rows, not the level. */
	forgetRows(): void {
		this.seen = 0;
		this.sums.forEach((sum) => sum.fill(0));
	}

	/** Takes a row; a sensor without a value counts as being where its level is. */
	take(row: ArrayLike<number>): void {
		const n = this.level.length;
		const { ring, size } = this;
		const slot = (this.seen % size) * n;
		for (let w = 0; w < this.windows.length; w++) {
			const width = this.windows[w]!;
			if (this.seen < width) continue;
			const old = ((this.seen - width) % size) * n;
			for (let i = 0; i < n; i++) this.sums[w]![i]! -= ring[old + i]!;
		}
		for (let i = 0; i < n; i++) {
			const value = row[i]!;
			ring[slot + i] = Number.isNaN(value) ? this.level[i]! : Math.max(-clipAt, Math.min(clipAt, value));
		}
		this.seen++;
		for (let w = 0; w < this.windows.length; w++) {
			const count = Math.min(this.seen, this.windows[w]!);
			for (let i = 0; i < n; i++) {
				this.sums[w]![i]! += ring[slot + i]!;
				this.means[w]![i] = this.sums[w]![i]! / count;
			}
		}
	}

	/** Lets one row pass: the level follows the row of `levelDelay` ago, or is held while its variance grows. */
	pass(follow: boolean): void {
		const n = this.level.length;
		const from = Math.max(0, this.seen - 1 - levelDelay);
		const slot = (from % this.size) * n;
		for (let i = 0; i < n; i++) {
			const variance = this.variance[i]! + this.model.diffusion[i]!;
			if (!follow || this.seen === 0) {
				this.variance[i] = variance;
				continue;
			}
			const gain = variance / (variance + this.model.noise[i]!);
			this.level[i]! += gain * (this.ring[slot + i]! - this.level[i]!);
			this.variance[i] = (1 - gain) * variance;
		}
	}
}
