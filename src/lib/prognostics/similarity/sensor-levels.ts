/**
 * Prognostics: where a machine's sensors stand, freed from its load. In: rows as measured. Out: per sensor its level - how far it is from
 * where the others say it should be, in deviations of normal running, in a logarithm on both sides of zero.
 *
 * A predictor of the next row follows a slow fault; this does not, since a sensor's own past is not asked. Heat comes with a lag: the
 * others count as they are now and smoothed over some time.
 */
import type { HealthReport, LevelExpectation, JudgingBasis } from '../../contracts';

/** Far outside anything seen in normal running a straight line leads astray. */
const furthest = 8;

export class SensorLevels {
	private readonly sensors: number;
	private readonly width: number;
	/** [1 + sensors * (1 + smoothings)]: what the others are. */
	private readonly inputs: Float64Array;
	private readonly scaled: Float64Array;
	private rows = 0;

	constructor(private readonly expectation: LevelExpectation) {
		this.sensors = expectation.mean.length;
		this.width = 1 + this.sensors * (1 + expectation.smoothingRows.length);
		this.inputs = new Float64Array(this.width);
		this.inputs[0] = 1;
		this.scaled = new Float64Array(this.sensors);
	}

	/** `values`: [sensors], own units; NaN is held at what it was. `afterGap`: smoothing begins anew. */
	take(values: ArrayLike<number>, afterGap: boolean): void {
		const { mean, deviation, smoothingRows } = this.expectation;
		if (afterGap) this.rows = 0;
		for (let i = 0; i < this.sensors; i++) {
			const value = values[i]!;
			if (!Number.isNaN(value)) this.scaled[i] = (value - mean[i]!) / deviation[i]!;
			const bounded = Math.max(-furthest, Math.min(furthest, this.scaled[i]!));
			this.inputs[1 + i] = bounded;
			smoothingRows.forEach((span, s) => {
				const at = 1 + this.sensors * (1 + s) + i;
				this.inputs[at]! += (this.rows === 0 ? 1 : 1 / span) * (bounded - this.inputs[at]!);
			});
		}
		this.rows++;
	}

	/** Values now and smoothed, for whoever learns the weights. */
	get regressors(): Float64Array {
		return this.inputs;
	}

	/** [sensors], scaled. */
	get now(): Float64Array {
		return this.scaled;
	}

	/** Smoothing is still filling. */
	get warmingUp(): boolean {
		return this.rows < Math.max(...this.expectation.smoothingRows) / 2;
	}

	/**
	 * [2 * sensors]: by the others, then by what the predictor expected (`residuals`, [sensors], in deviations of normal running): slow faults show
	 * in the first, how far a strong one has come in the second.
	 */
	levels(residuals: ArrayLike<number>): Float64Array {
		const { weights, residual } = this.expectation;
		const levels = new Float64Array(2 * this.sensors);
		for (let i = 0; i < this.sensors; i++) {
			let off = this.scaled[i]!;
			for (let j = 0; j < this.width; j++) off -= weights[i * this.width + j]! * this.inputs[j]!;
			levels[i] = signedLog(off / residual[i]!);
			levels[this.sensors + i] = signedLog(residuals[i]!);
		}
		return levels;
	}
}

const signedLog = (value: number) => Math.sign(value) * Math.log1p(Math.abs(value));

/** [sensors]: own units of one deviation of a version's residual in normal running. */
export function residualUnits({ scaler, calibration }: JudgingBasis): Float64Array {
	return Float64Array.from(scaler.sensorNames, (_, i) => scaler.deviation[i]! * calibration.residualDeviation[i]!);
}

/** [sensors]: smoothed actual less expected value of each sensor, in `units`; 0 where the report says nothing of it. */
export function residualsOf(
	report: HealthReport,
	sensorNames: readonly string[],
	units: ArrayLike<number>
): Float64Array {
	const residuals = new Float64Array(sensorNames.length);
	for (const deviation of report.contributors) {
		const at = sensorNames.indexOf(deviation.sensorName);
		const { expected } = deviation.ofNetwork ?? deviation;
		const off = (deviation.actual - expected) / units[at]!;
		if (at >= 0 && Number.isFinite(off)) residuals[at] = off;
	}
	return residuals;
}
