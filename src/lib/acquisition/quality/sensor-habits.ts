/**
 * Data Acquisition, quality: how each sensor usually sends, learnt from what is committed.
 *
 * In: committed batches. Out, by sensor: when it was last heard, the usual time between readings, how often its value changes and since
 * when it has not, the range of its values, bad, repeated and far-off readings of the last minutes, how far its clock is off. Columns of
 * numbers: a plant of hundreds of thousands of sensors takes about 220 bytes each.
 */
import { Quality, type EpochMs, type ReadingBatch, type SensorId } from '../../contracts';

const GAPS = 8;
/** Completed runs are remembered over about this many readings. */
const REMEMBERED = 2_000;
/** Before so many readings no range is known. */
export const RANGE_AFTER = 2_000;
/** Bad and repeated readings are counted over this much of the past. */
export const RECENT_MS = 10 * 60_000;

/** Clocks do not drift by so much from one reading to the next. */
const JUMP_MS = 60_000;

const Column = {
	lastTime: 0,
	lastReceived: 1,
	lastValue: 2,
	runStart: 3,
	runLength: 4,
	runsReadings: 5,
	runsChanges: 6,
	low: 7,
	high: 8,
	seen: 9,
	windowStart: 10,
	windowReadings: 11,
	windowBad: 12,
	windowRepeats: 13,
	lastBadAt: 14,
	lastBadValue: 15,
	lastBadQuality: 16,
	outsideAt: 17,
	outsideValue: 18,
	outsideLow: 19,
	outsideHigh: 20,
	skew: 21
} as const;
const WIDTH = 22;

export class SensorHabits {
	readonly #index = new Map<SensorId, number>();
	readonly #free: number[] = [];
	#rows = 0;
	#values = new Float64Array(WIDTH * 256);
	#gaps = new Float32Array(GAPS * 256);
	#gapCount = new Uint32Array(256);

	get size(): number {
		return this.#index.size;
	}

	/** When a sensor was heard before this session, so that its silence counts from then. */
	remember(sensorId: SensorId, time: EpochMs): void {
		const at = this.#at(sensorId);
		if (this.#values[at + Column.lastTime]! >= time) return;
		this.#values[at + Column.lastTime] = time;
		this.#values[at + Column.lastReceived] = time;
	}

	forget(sensorId: SensorId): void {
		const index = this.#index.get(sensorId);
		if (index === undefined) return;
		this.#values.fill(0, index * WIDTH, (index + 1) * WIDTH);
		this.#gapCount[index] = 0;
		this.#index.delete(sensorId);
		this.#free.push(index);
	}

	observe(batch: ReadingBatch): void {
		const rows = batch.sensorIds.map((sensorId) => this.#at(sensorId));
		for (let i = 0; i < batch.times.length; i++) this.#take(rows[batch.series[i]!]!, batch, i);
	}

	of(sensorId: SensorId): SensorHabit | undefined {
		const index = this.#index.get(sensorId);
		return index === undefined ? undefined : new SensorHabit(this.#values, index * WIDTH, this.#gapsOf(index));
	}

	/** Reading `i` of a batch: passed in its columns, since hundreds of thousands a second come by and a number passed on is a box. */
	#take(at: number, batch: ReadingBatch, i: number): void {
		const v = this.#values;
		const time = batch.times[i]!;
		const value = batch.values[i]!;
		const quality = batch.qualities[i]!;
		const { receivedAt } = batch;
		const seen = ++v[at + Column.seen]!;
		if (receivedAt - v[at + Column.windowStart]! > RECENT_MS) {
			v[at + Column.windowStart] = receivedAt;
			v[at + Column.windowReadings] = v[at + Column.windowBad] = v[at + Column.windowRepeats] = 0;
		}
		v[at + Column.windowReadings]! += 1;
		v[at + Column.lastReceived] = receivedAt;
		const gap = time - v[at + Column.lastTime]!;
		if (gap === 0) return void (v[at + Column.windowRepeats]! += 1);
		const skew = time - receivedAt;
		const before = v[at + Column.skew]!;
		// A jump is another stretch of time (history caught up with, a clock set), no noise to be smoothed.
		v[at + Column.skew] = Math.abs(skew - before) > JUMP_MS ? skew : before + (skew - before) / Math.min(seen, 10);
		// Put in its place among what is older: it tells nothing of now.
		if (gap < 0) return;
		if (v[at + Column.lastTime]! > 0) {
			const index = at / WIDTH;
			this.#gaps[index * GAPS + (this.#gapCount[index]! % GAPS)] = gap;
			this.#gapCount[index]! += 1;
		}
		v[at + Column.lastTime] = time;
		if (quality !== Quality.good) {
			v[at + Column.windowBad]! += 1;
			v[at + Column.lastBadAt] = receivedAt;
			v[at + Column.lastBadValue] = value;
			v[at + Column.lastBadQuality] = quality;
			return;
		}
		if (value === v[at + Column.lastValue]! && v[at + Column.runLength]! > 0) v[at + Column.runLength]! += 1;
		else {
			if (v[at + Column.runLength]! > 0) {
				v[at + Column.runsReadings]! += v[at + Column.runLength]!;
				v[at + Column.runsChanges]! += 1;
				if (v[at + Column.runsReadings]! > REMEMBERED) {
					v[at + Column.runsReadings]! /= 2;
					v[at + Column.runsChanges]! /= 2;
				}
			}
			v[at + Column.runStart] = receivedAt;
			v[at + Column.runLength] = 1;
			v[at + Column.lastValue] = value;
		}
		const isInside = value >= v[at + Column.low]! && value <= v[at + Column.high]!;
		if (seen === 1 || !isInside) this.#widen(at, value, receivedAt, seen);
	}

	#widen(at: number, value: number, receivedAt: EpochMs, seen: number): void {
		const v = this.#values;
		if (seen === 1) return void (v[at + Column.low] = v[at + Column.high] = value);
		const low = v[at + Column.low]!;
		const high = v[at + Column.high]!;
		const span = high - low;
		if (seen > RANGE_AFTER && span > 0 && (value < low - span || value > high + span)) {
			v[at + Column.outsideAt] = receivedAt;
			v[at + Column.outsideValue] = value;
			v[at + Column.outsideLow] = low;
			v[at + Column.outsideHigh] = high;
		}
		v[at + Column.low] = Math.min(low, value);
		v[at + Column.high] = Math.max(high, value);
	}

	/** First column of a sensor's row. */
	#at(sensorId: SensorId): number {
		let index = this.#index.get(sensorId);
		if (index === undefined) {
			index = this.#free.pop() ?? this.#rows++;
			this.#index.set(sensorId, index);
			if (this.#rows * WIDTH > this.#values.length) this.#grow();
		}
		return index * WIDTH;
	}

	#gapsOf(index: number): Float32Array {
		const filled = Math.min(GAPS, this.#gapCount[index]!);
		return this.#gaps.subarray(index * GAPS, index * GAPS + filled);
	}

	#grow(): void {
		const bigger = <T extends Float64Array | Float32Array | Uint32Array>(old: T, fresh: T): T => {
			fresh.set(old);
			return fresh;
		};
		this.#values = bigger(this.#values, new Float64Array(this.#values.length * 2));
		this.#gaps = bigger(this.#gaps, new Float32Array(this.#gaps.length * 2));
		this.#gapCount = bigger(this.#gapCount, new Uint32Array(this.#gapCount.length * 2));
	}
}

/** One sensor's row, read only. */
export class SensorHabit {
	constructor(
		private readonly values: Float64Array,
		private readonly at: number,
		private readonly gaps: Float32Array
	) {}

	#get(column: keyof typeof Column): number {
		return this.values[this.at + Column[column]]!;
	}
	get lastReceived(): EpochMs {
		return this.#get('lastReceived');
	}
	get seen(): number {
		return this.#get('seen');
	}
	/** Median of the last gaps between readings; undefined until there are two. */
	get usualIntervalMs(): number | undefined {
		if (this.gaps.length < 2) return undefined;
		return Float32Array.from(this.gaps).sort()[(this.gaps.length - 1) >> 1];
	}
	get longestIntervalMs(): number {
		return this.gaps.length === 0 ? 0 : Math.max(...this.gaps);
	}
	get lastValue(): number {
		return this.#get('lastValue');
	}
	/** Readings of one and the same value, up to now, and since when. */
	get unchanged(): { readonly readings: number; readonly since: EpochMs } {
		return { readings: this.#get('runLength'), since: this.#get('runStart') };
	}
	/** Share of readings that differ from the one before, the present run left out; undefined before enough were seen. */
	get changeShare(): number | undefined {
		const readings = this.#get('runsReadings');
		return readings >= 50 ? this.#get('runsChanges') / readings : undefined;
	}
	get recent(): { readonly readings: number; readonly bad: number; readonly repeats: number } {
		return {
			readings: this.#get('windowReadings'),
			bad: this.#get('windowBad'),
			repeats: this.#get('windowRepeats')
		};
	}
	get lastBad(): { readonly at: EpochMs; readonly value: number; readonly quality: number } | undefined {
		const at = this.#get('lastBadAt');
		return at === 0 ? undefined : { at, value: this.#get('lastBadValue'), quality: this.#get('lastBadQuality') };
	}
	/** The last value that lay more than a whole span outside of all before it. */
	get outside():
		{ readonly at: EpochMs; readonly value: number; readonly range: readonly [number, number] } | undefined {
		const at = this.#get('outsideAt');
		if (at === 0) return undefined;
		return { at, value: this.#get('outsideValue'), range: [this.#get('outsideLow'), this.#get('outsideHigh')] };
	}
	/** Source time less time of arrival, smoothed over ten readings. */
	get skewMs(): number {
		return this.#get('skew');
	}
}
