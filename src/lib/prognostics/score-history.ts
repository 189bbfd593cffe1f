/**
 * Prognostics: the anomaly score of one machine over all its scored time in at most 240 averages. In: scores in time order. Out:
 * averages of their logarithm over bins that double in width when there are too many, so that weeks cost what minutes do. Kept in
 * columns made at once: what a machine takes in memory does not grow while it runs.
 */
import type { EpochMs } from '../contracts';

export interface ScorePoint {
	/** Mean time of the bin's scores. */
	readonly time: EpochMs;
	/** Mean of ln(score). */
	readonly logScore: number;
	/** Mean of the sensors' levels given with the scores, and of how many rows; undefined where none was. */
	readonly levels: Float64Array | undefined;
	readonly levelRows: number;
}

const mostBins = 240;
/** A score below this is as good as new. */
const leastScore = 0.05;

export class ScoreHistory {
	private count = 0;
	private firstTime: EpochMs | undefined;
	/** By bin, in time order: number of its scores, sums of their times and logarithms, rows with levels. */
	private readonly keys: Float64Array;
	private readonly scores: Float64Array;
	private readonly times: Float64Array;
	private readonly logs: Float64Array;
	private readonly levelRows: Float64Array;
	/** Sums of levels [bin, sensor], from the first levels on. */
	private levels = new Float64Array(0);
	private width = 0;

	/** `binMs` is the width to start with; `most` bins are kept. */
	constructor(
		private binMs: number,
		private readonly most = mostBins
	) {
		const column = () => new Float64Array(most + 1);
		this.keys = column();
		this.scores = column();
		this.times = column();
		this.logs = column();
		this.levelRows = column();
	}

	/** Levels known of a time from elsewhere; nothing where no score is. `levels` is the mean of `rows` rows. */
	addLevels(time: EpochMs, levels: Float64Array, rows: number): void {
		const key = Math.floor((time - (this.firstTime ?? time)) / this.binMs);
		const bin = this.keys.subarray(0, this.count).indexOf(key);
		if (bin >= 0) this.sumLevels(bin, levels, rows);
	}

	/** True when a bin has been closed by this score: the moment to look at the trend again. */
	add(time: EpochMs, score: number, levels?: Float64Array): boolean {
		this.firstTime ??= time;
		const key = Math.floor((time - this.firstTime) / this.binMs);
		const newest = this.count > 0 ? this.keys[this.count - 1]! : -Infinity;
		if (key < newest) return false;
		const isNew = key > newest;
		const bin = isNew ? this.count++ : this.count - 1;
		if (isNew) this.clear(bin, key);
		this.scores[bin]!++;
		this.times[bin]! += time;
		this.logs[bin]! += Math.log(Math.max(leastScore, score));
		if (levels) this.sumLevels(bin, levels, 1);
		if (this.count > this.most) this.halve();
		return isNew;
	}

	/** Closed bins, oldest first. */
	points(): ScorePoint[] {
		return Array.from({ length: this.closedBins }, (_, bin) => {
			const scores = this.scores[bin]!;
			const rows = this.levelRows[bin]!;
			return {
				time: this.times[bin]! / scores,
				logScore: this.logs[bin]! / scores,
				levels: rows > 0 ? this.levelsOf(bin).map((sum) => sum / rows) : undefined,
				levelRows: rows
			};
		});
	}

	get closedBins(): number {
		return Math.max(0, this.count - 1);
	}

	/** Time that the bins cover, ms. */
	get span(): number {
		return this.count === 0 ? 0 : (this.keys[this.count - 1]! - this.keys[0]!) * this.binMs;
	}

	/** Width of a bin, ms. */
	get widthMs(): number {
		return this.binMs;
	}

	private levelsOf(bin: number): Float64Array {
		return this.levels.subarray(bin * this.width, (bin + 1) * this.width);
	}

	private sumLevels(bin: number, levels: Float64Array, rows: number): void {
		if (this.width === 0) {
			this.width = levels.length;
			this.levels = new Float64Array(this.width * (this.most + 1));
		}
		this.levelRows[bin]! += rows;
		const sums = this.levelsOf(bin);
		for (let d = 0; d < sums.length; d++) sums[d]! += levels[d]! * rows;
	}

	private clear(bin: number, key: number): void {
		this.keys[bin] = key;
		for (const column of [this.scores, this.times, this.logs, this.levelRows]) column[bin] = 0;
		this.levelsOf(bin).fill(0);
	}

	private halve(): void {
		this.binMs *= 2;
		let last = -1;
		for (let bin = 0; bin < this.count; bin++) {
			const key = Math.floor(this.keys[bin]! / 2);
			if (last >= 0 && this.keys[last] === key) {
				for (const column of [this.scores, this.times, this.logs, this.levelRows]) column[last]! += column[bin]!;
				const sums = this.levelsOf(last);
				const added = this.levelsOf(bin);
				for (let d = 0; d < sums.length; d++) sums[d]! += added[d]!;
				continue;
			}
			last++;
			this.keys[last] = key;
			for (const column of [this.scores, this.times, this.logs, this.levelRows]) column[last] = column[bin]!;
			this.levels.copyWithin(last * this.width, bin * this.width, (bin + 1) * this.width);
		}
		this.count = last + 1;
	}
}
