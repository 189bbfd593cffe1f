/**
 * State Detection: rows without their spikes.
 *
 * In: a row of one machine. Out: per sensor the median of its last five values, two rows late where it moves. A telegram that is wrong once
 * cannot carry what is smoothed afterwards over a threshold.
 */
const medianWidth = 5;

export class MiddleOfFive {
	private readonly history: Float32Array;
	private readonly sorted = new Float32Array(medianWidth);
	private seen = 0;

	constructor(private readonly sensors: number) {
		this.history = new Float32Array(sensors * medianWidth);
	}

	reset(): void {
		this.seen = 0;
	}

	/** NaN: nothing known of that sensor in this row. */
	take(row: ArrayLike<number>): void {
		const slot = (this.seen % medianWidth) * this.sensors;
		for (let i = 0; i < this.sensors; i++) this.history[slot + i] = row[i]!;
		this.seen++;
	}

	/** Of the rows taken so far, at most the last five; NaN where none of them has a value. */
	of(sensor: number): number {
		const { sorted } = this;
		const have = Math.min(this.seen, medianWidth);
		let count = 0;
		for (let row = 0; row < have; row++) {
			const value = this.history[row * this.sensors + sensor]!;
			if (Number.isNaN(value)) continue;
			let at = count++;
			while (at > 0 && sorted[at - 1]! > value) {
				sorted[at] = sorted[at - 1]!;
				at--;
			}
			sorted[at] = value;
		}
		if (count === 0) return Number.NaN;
		return count % 2 === 1 ? sorted[count >> 1]! : (sorted[(count >> 1) - 1]! + sorted[count >> 1]!) / 2;
	}
}
