/**
 * Data Acquisition: readings gathered in columns until they are committed.
 *
 * In: readings one by one, series by number. Out: a `ReadingBatch`. Typed arrays that grow by doubling: no object per reading.
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
	#series: Uint32Array;
	#times: Float64Array;
	#values: Float64Array;
	#qualities: Uint8Array;
	readonly #sensorIds: SensorId[] = [];

	/** `expected`: how many readings there may be; more are taken too. */
	constructor(
		private readonly numbers: BatchNumbers,
		expected = 0
	) {
		numbers.begin();
		const capacity = Math.max(1024, expected);
		this.#series = new Uint32Array(capacity);
		this.#times = new Float64Array(capacity);
		this.#values = new Float64Array(capacity);
		this.#qualities = new Uint8Array(capacity);
	}

	push(sensorIndex: number, sensorId: SensorId, time: EpochMs, value: number, quality: number): void {
		if (this.length === this.#times.length) this.#grow();
		const known = this.#sensorIds.length;
		const number = this.numbers.numberOf(sensorIndex, known);
		if (number === known) this.#sensorIds.push(sensorId);
		const at = this.length++;
		this.#series[at] = number;
		this.#times[at] = time;
		this.#values[at] = value;
		this.#qualities[at] = quality;
	}

	/** The readings so far; the columns must not be pushed to afterwards. */
	toBatch(receivedAt: EpochMs): ReadingBatch {
		const { length } = this;
		return {
			sensorIds: this.#sensorIds,
			series: this.#series.slice(0, length),
			times: this.#times.slice(0, length),
			values: this.#values.slice(0, length),
			qualities: this.#qualities.slice(0, length),
			receivedAt
		};
	}

	#grow(): void {
		const capacity = this.#times.length * 2;
		this.#series = grown(this.#series, new Uint32Array(capacity));
		this.#times = grown(this.#times, new Float64Array(capacity));
		this.#values = grown(this.#values, new Float64Array(capacity));
		this.#qualities = grown(this.#qualities, new Uint8Array(capacity));
	}
}

function grown<A extends Uint32Array | Float64Array | Uint8Array>(from: A, to: A): A {
	to.set(from as never);
	return to;
}
