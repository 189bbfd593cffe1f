/**
 * State Detection: where a person is shown that a sensor stands, and was expected to.
 *
 * In: rows and what the network expected of them. Out: both, smoothed, in the sensors' own units; NaN where nothing is known yet.
 */
import type { JudgingBasis } from '../../contracts';

const smoothing = 0.1;

export class ShownCourse {
	/** [sensors] */
	readonly actual: Float64Array;
	readonly expected: Float64Array;

	constructor(private readonly basis: JudgingBasis) {
		const sensors = basis.scaler.sensorNames.length;
		this.actual = new Float64Array(sensors).fill(Number.NaN);
		this.expected = new Float64Array(sensors).fill(Number.NaN);
	}

	forget(): void {
		this.actual.fill(Number.NaN);
		this.expected.fill(Number.NaN);
	}

	/** `own`: in own units, NaN where nothing good is known; `prediction`: scaled. */
	take(own: ArrayLike<number>, prediction: ArrayLike<number>): void {
		const { scaler, calibration } = this.basis;
		for (let i = 0; i < this.actual.length; i++) {
			const scaled = prediction[i]! + calibration.residualMean[i]!;
			follow(this.expected, i, scaled * scaler.deviation[i]! + scaler.mean[i]!);
			if (!Number.isNaN(own[i]!)) follow(this.actual, i, own[i]!);
		}
	}
}

function follow(smoothed: Float64Array, i: number, value: number): void {
	smoothed[i] = Number.isNaN(smoothed[i]!) ? value : smoothed[i]! + smoothing * (value - smoothed[i]!);
}
