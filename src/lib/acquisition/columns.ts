/**
 * Data Acquisition: readings gathered in columns until they are committed.
 *
 * In: readings one by one, series by number. Out: a `ReadingBatch`. Typed arrays that grow by doubling: no object per reading.
 */
import type { EpochMs, ReadingBatch, SensorId } from '../contracts';

export class ReadingColumns {
	length = 0;
	#series = new Uint32Array(1024);
	#times = new Float64Array(1024);
	#values = new Float64Array(1024);
	#qualities = new Uint8Array(1024);
	readonly #sensorIds: SensorId[] = [];
	/** Number of a sensor in this batch, by its number in the intake. */
	readonly #local = new Map<number, number>();

	push(sensorIndex: number, sensorId: SensorId, time: EpochMs, value: number, quality: number): void {
		if (this.length === this.#times.length) this.#grow();
		let local = this.#local.get(sensorIndex);
		if (local === undefined) {
			local = this.#sensorIds.push(sensorId) - 1;
			this.#local.set(sensorIndex, local);
		}
		const at = this.length++;
		this.#series[at] = local;
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
		const grown = <A extends Uint32Array | Float64Array | Uint8Array>(from: A, to: A): A => (to.set(from as never), to);
		this.#series = grown(this.#series, new Uint32Array(capacity));
		this.#times = grown(this.#times, new Float64Array(capacity));
		this.#values = grown(this.#values, new Float64Array(capacity));
		this.#qualities = grown(this.#qualities, new Uint8Array(capacity));
	}
}
