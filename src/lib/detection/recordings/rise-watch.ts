/**
 * State Detection: an early warning on levels that only damage raises (vibration of a bearing, envelope of a gearbox).
 *
 * In: rows of positive levels, seldom (a waveform's features every ten minutes, say), the first of them known to be normal. Out: per row how
 * far the smoothed level stands above normal running, and the channel that does. No model and no knob: an exponentially weighted
 * moving average of the logarithm (Roberts 1959, Technometrics 1:239-250) against what normal running reached. From three channels
 * on each is also watched against the middle one: load and temperature move all of them, damage moves one.
 */
import { MillwrightError, type EpochMs } from '../../contracts';

/** Rows that the running median sees: a single spike is none of a level's business. */
const medianRows = 5;
const smoothing = 0.1;
/** A warning needs this many rows in a row above the threshold. */
const persistence = 5;
/** The threshold is the largest of these: so many times the highest excursion and so many robust deviations of normal running, and 1 %. */
const excursionFactor = 1.6;
const deviations = 6;
const leastRise = 0.01;
/** Below this share of the normal level a channel is not rising, it is switched off. */
const stoppedShare = 0.2;
export const leastTrainingRows = 30;

export interface RiseState {
	readonly time: EpochMs;
	/** Smoothed rise over its threshold; 1 is the threshold. NaN while the machine stands. */
	readonly score: number;
	/** True once the rise has lasted. */
	readonly warning: boolean;
	/** Index of the channel that stands highest. */
	readonly channel: number;
	/** Its smoothed level over the normal level, e.g. 1.12 for 12 % above. */
	readonly ratio: number;
}

export class RiseWatch {
	/** Logarithm of the normal level, per channel. */
	readonly normal: Float64Array;
	/** Logarithm of the rise that is a finding: of the channels, then of the channels against the middle one. */
	readonly threshold: Float64Array;
	private readonly recent: number[][];
	private readonly smoothed: Float64Array;
	private readonly lasting: Uint32Array;
	private readonly channels: number;

	/**
	 * @param training [rows][channels], levels of normal running in time order; rows with a level at or below 0 are left out
	 * @throws MillwrightError `not-enough-data` with fewer than 30 rows
	 */
	constructor(training: readonly ArrayLike<number>[]) {
		const rows = training.filter((row) => Array.from(row).every((level) => level > 0));
		if (rows.length < leastTrainingRows)
			throw new MillwrightError(
				'not-enough-data',
				`A level needs ${leastTrainingRows} rows of normal running to be watched; there are ${rows.length}`
			);
		this.channels = rows[0]!.length;
		this.normal = new Float64Array(this.channels);
		const watched = this.channels >= 3 ? 2 * this.channels : this.channels;
		this.threshold = new Float64Array(watched);
		this.recent = Array.from({ length: this.channels }, () => []);
		this.smoothed = new Float64Array(watched);
		this.lasting = new Uint32Array(watched);
		for (let c = 0; c < this.channels; c++) this.normal[c] = middle(rows.map((row) => Math.log(row[c]!)));
		const seen: number[][] = Array.from(this.threshold, () => []);
		for (const row of rows) {
			this.smooth(row);
			this.smoothed.forEach((value, i) => seen[i]!.push(value));
		}
		for (const [i, values] of seen.entries()) {
			const centre = middle(values);
			const spread = 1.4826 * middle(values.map((value) => Math.abs(value - centre)));
			this.threshold[i] = Math.max(excursionFactor * Math.max(...values), deviations * spread, leastRise);
		}
	}

	/** @throws MillwrightError `invalid-input` for a row of another width */
	observe(time: EpochMs, row: ArrayLike<number>): RiseState {
		if (row.length !== this.channels)
			throw new MillwrightError('invalid-input', `The watch has ${this.channels} levels; the row has ${row.length}`);
		for (let c = 0; c < this.channels; c++)
			if (!(row[c]! > stoppedShare * Math.exp(this.normal[c]!)))
				return { time, score: Number.NaN, warning: false, channel: c, ratio: Number.NaN };
		this.smooth(row);
		let channel = 0;
		let score = Number.NEGATIVE_INFINITY;
		let warning = false;
		for (let i = 0; i < this.threshold.length; i++) {
			const own = this.smoothed[i]! / this.threshold[i]!;
			this.lasting[i] = own > 1 ? this.lasting[i]! + 1 : 0;
			if (this.lasting[i]! >= persistence) warning = true;
			if (own > score) [score, channel] = [own, i % this.channels];
		}
		return { time, score, warning, channel, ratio: Math.exp(this.smoothed[channel]!) };
	}

	private smooth(row: ArrayLike<number>): void {
		const levels = this.recent.map((recent, c) => {
			recent.push(Math.log(row[c]!) - this.normal[c]!);
			if (recent.length > medianRows) recent.shift();
			return middle(recent);
		});
		const common = middle(levels);
		for (let i = 0; i < this.smoothed.length; i++) {
			const level = i < this.channels ? levels[i]! : levels[i - this.channels]! - common;
			this.smoothed[i]! += smoothing * (level - this.smoothed[i]!);
		}
	}
}

function middle(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const half = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
