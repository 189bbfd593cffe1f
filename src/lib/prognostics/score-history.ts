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
	/** Mean of the paths given with the scores (ln(score) and each sensor's part in it); NaN where none was. */
	readonly path: Float64Array | undefined;
}

const mostBins = 240;
/** A score below this is as good as new. */
const leastScore = 0.05;

interface Bin {
	readonly key: number;
	count: number;
	times: number;
	logs: number;
	/** Sum of the paths given, and how many were. */
	path: Float64Array | undefined;
	paths: number;
}

export class ScoreHistory {
	private bins: Bin[] = [];
	private firstTime: EpochMs | undefined;

	/** `binMs` is the width to start with. */
	constructor(private binMs: number) {}

	/** True when a bin has been closed by this score: the moment to look at the trend again. */
	add(time: EpochMs, score: number, path?: Float64Array): boolean {
		this.firstTime ??= time;
		const key = Math.floor((time - this.firstTime) / this.binMs);
		const last = this.bins.at(-1);
		if (last && key < last.key) return false;
		const log = Math.log(Math.max(leastScore, score));
		if (last && key === last.key) {
			last.count++;
			last.times += time;
			last.logs += log;
			if (path) addPath(last, path, 1);
			return false;
		}
		this.bins.push({ key, count: 1, times: time, logs: log, path: path?.slice(), paths: path ? 1 : 0 });
		if (this.bins.length > mostBins) this.halve();
		return true;
	}

	/** Closed bins, oldest first. */
	points(): ScorePoint[] {
		return this.bins.slice(0, -1).map(({ count, times, logs, path, paths }) => ({
			time: times / count,
			logScore: logs / count,
			path: path?.map((sum) => sum / paths)
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
				if (bin.path) addPath(last, bin.path, bin.paths);
			} else merged.push({ ...bin, key });
		}
		this.bins = merged;
	}
}

function addPath(bin: Bin, path: Float64Array, paths: number): void {
	bin.paths += paths;
	if (!bin.path) bin.path = path.slice();
	else for (let d = 0; d < path.length; d++) bin.path[d]! += path[d]!;
}
