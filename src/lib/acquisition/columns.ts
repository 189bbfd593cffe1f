/**
 * Data Acquisition: readings gathered in columns until they are committed.
 *
 * In: readings one by one, series by number. Out: a `ReadingBatch`. Typed arrays that grow by doubling: no object per reading. Where there is no
 * memory for more it is said, and what is there stays whole.
 */
import type { EpochMs, ReadingBatch, SensorId } from '../contracts';

/** Numbers of the intake's sensors within the batch that is being filled: one table, gone over from batch to batch. */
export class BatchNumbers {
	#batch = 0;
	/** Batch in which a sensor was last seen, by its number in the intake. */
	#lastBatch = new Uint32Array(1024);
	#numbers = new Uint32Array(1024);

	/** Numbers begin anew; batches begun before must not ask any more. */
	begin(): void {
		this.#batch++;
	}

	/** The sensor's number in this batch; `fresh` if it has none yet, which then is its own. */
	numberOf(sensorIndex: number, fresh: number): number {
		if (sensorIndex >= this.#numbers.length) this.#grow(sensorIndex);
		if (this.#lastBatch[sensorIndex] === this.#batch) return this.#numbers[sensorIndex]!;
		this.#lastBatch[sensorIndex] = this.#batch;
		return (this.#numbers[sensorIndex] = fresh);
	}

	#grow(sensorIndex: number): void {
		const size = Math.max(sensorIndex + 1, 2 * this.#numbers.length);
		this.#lastBatch = grown(this.#lastBatch, new Uint32Array(size));
		this.#numbers = grown(this.#numbers, new Uint32Array(size));
	}
}

export class ReadingColumns {
	length = 0;
	#series = new Uint32Array(0);
	#times = new Float64Array(0);
	#values = new Float64Array(0);
	#qualities = new Uint8Array(0);
	readonly #sensorIds: SensorId[] = [];

	/** `expected`: how many readings there may be; more are taken too. */
	constructor(
		private readonly numbers: BatchNumbers,
		private readonly expected = 0
	) {
		numbers.begin();
	}

	/** False: there is no memory for it. */
	push(sensorIndex: number, sensorId: SensorId, time: EpochMs, value: number, quality: number): boolean {
		if (this.length === this.#times.length && !this.#grow()) return false;
		const known = this.#sensorIds.length;
		const number = this.numbers.numberOf(sensorIndex, known);
		if (number === known) this.#sensorIds.push(sensorId);
		const at = this.length++;
		this.#series[at] = number;
		this.#times[at] = time;
		this.#values[at] = value;
		this.#qualities[at] = quality;
		return true;
	}

	/**
	 * The readings from `from` on, at most `most` of them; the columns must not be pushed to afterwards.
	 * @throws RangeError where there is no memory for so many
	 */
	toBatch(receivedAt: EpochMs, from = 0, most = this.length): ReadingBatch {
		const to = Math.min(this.length, from + most);
		return {
			sensorIds: this.#sensorIds,
			series: this.#series.slice(from, to),
			times: this.#times.slice(from, to),
			values: this.#values.slice(from, to),
			qualities: this.#qualities.slice(from, to),
			receivedAt
		};
	}

	/** All columns or none. */
	#grow(): boolean {
		const capacity = this.length === 0 ? Math.max(1024, this.expected) : 2 * this.length;
		try {
			const series = grown(this.#series, new Uint32Array(capacity));
			const times = grown(this.#times, new Float64Array(capacity));
			const values = grown(this.#values, new Float64Array(capacity));
			const qualities = grown(this.#qualities, new Uint8Array(capacity));
			[this.#series, this.#times, this.#values, this.#qualities] = [series, times, values, qualities];
			return true;
		} catch (error) {
			if (lacksMemory(error)) return false;
			throw error;
		}
	}
}

/** Whether an array of this size could not be had, here or in what this came from. */
export function lacksMemory(error: unknown): boolean {
	return error instanceof RangeError || (error instanceof Error && error.cause instanceof RangeError);
}

function grown<A extends Uint32Array | Float64Array | Uint8Array>(from: A, to: A): A {
	to.set(from as never);
	return to;
}
