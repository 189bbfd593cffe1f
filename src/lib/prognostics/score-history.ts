/**
 * Prognostics: the anomaly score of one machine over all its scored time in at most 240 averages. In: scores in time order. Out:
 * averages of their logarithm over bins that double in width when there are too many, so that weeks cost what minutes do.
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

interface Bin {
	readonly key: number;
	count: number;
	times: number;
	logs: number;
	/** Sum of the levels given, and how many were. */
	levels: Float64Array | undefined;
	levelRows: number;
}

export class ScoreHistory {
	private bins: Bin[] = [];
	private firstTime: EpochMs | undefined;

	/** `binMs` is the width to start with; `most` bins are kept. */
	constructor(
		private binMs: number,
		private readonly most = mostBins
	) {}

	/** Levels known of a time from elsewhere; nothing where no score is. `levels` is the mean of `rows` rows. */
	addLevels(time: EpochMs, levels: Float64Array, rows: number): void {
		const key = Math.floor((time - (this.firstTime ?? time)) / this.binMs);
		const bin = this.bins.find((one) => one.key === key);
		if (bin)
			addLevels(
				bin,
				levels.map((mean) => mean * rows),
				rows
			);
	}

	/** True when a bin has been closed by this score: the moment to look at the trend again. */
	add(time: EpochMs, score: number, levels?: Float64Array): boolean {
		this.firstTime ??= time;
		const key = Math.floor((time - this.firstTime) / this.binMs);
		const last = this.bins.at(-1);
		if (last && key < last.key) return false;
		const log = Math.log(Math.max(leastScore, score));
		if (last && key === last.key) {
			last.count++;
			last.times += time;
			last.logs += log;
			if (levels) addLevels(last, levels, 1);
			return false;
		}
		this.bins.push({ key, count: 1, times: time, logs: log, levels: levels?.slice(), levelRows: levels ? 1 : 0 });
		if (this.bins.length > this.most) this.halve();
		return true;
	}

	/** Closed bins, oldest first. */
	points(): ScorePoint[] {
		return this.bins.slice(0, -1).map(({ count, times, logs, levels, levelRows }) => ({
			time: times / count,
			logScore: logs / count,
			levels: levels?.map((sum) => sum / levelRows),
			levelRows
		}));
	}

	get closedBins(): number {
		return Math.max(0, this.bins.length - 1);
	}

	/** Time that the bins cover, ms. */
	get span(): number {
		return this.bins.length === 0 ? 0 : (this.bins.at(-1)!.key - this.bins[0]!.key) * this.binMs;
	}

	get width(): number {
		return this.binMs;
	}

	private halve(): void {
		this.binMs *= 2;
		const merged: Bin[] = [];
		for (const bin of this.bins) {
			const key = Math.floor(bin.key / 2);
			const last = merged.at(-1);
			if (last?.key === key) {
				last.count += bin.count;
				last.times += bin.times;
				last.logs += bin.logs;
				if (bin.levels) addLevels(last, bin.levels, bin.levelRows);
			} else merged.push({ ...bin, key });
		}
		this.bins = merged;
	}
}

function addLevels(bin: Bin, levels: Float64Array, rows: number): void {
	bin.levelRows += rows;
	if (!bin.levels) bin.levels = levels.slice();
	else for (let d = 0; d < levels.length; d++) bin.levels[d]! += levels[d]!;
}
