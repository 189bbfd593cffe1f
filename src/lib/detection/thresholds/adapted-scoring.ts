/**
 * State Detection: a model's scoring, moved a little by live operation (bounded and logged by whoever sets it).
 *
 * In: rows on their way to the detector, and what it says. Out: rows with each sensor's level moved back to where training had it, and
 * states judged by the adapted threshold.
 */
import type { Adaptation, DetectedState, JudgingBasis } from '../../contracts';
import { normalBand } from '../explain/expected-course';

export class AdaptedScoring {
	private factor = 1;
	/** Per sensor, own units; undefined: none has moved. */
	private shifts: Float64Array | undefined;

	constructor(private readonly version: JudgingBasis) {}

	set({ thresholdFactor, residualShift }: Pick<Adaptation, 'thresholdFactor' | 'residualShift'>): void {
		this.factor = thresholdFactor;
		const { sensorNames } = this.version.scaler;
		const moved = sensorNames.some((name) => residualShift[name]);
		const band = normalBand(this.version);
		this.shifts = moved
			? Float64Array.from(sensorNames, (name, i) => (residualShift[name] ?? 0) * band[i]!)
			: undefined;
	}

	/** The row as the model is to see it. */
	before<Row extends { readonly values: ArrayLike<number> }>(row: Row): Row {
		const { shifts } = this;
		return shifts ? { ...row, values: Float32Array.from(row.values, (value, i) => value - shifts[i]!) } : row;
	}

	/** What the detector says, in terms of what was measured and of the adapted threshold. */
	after(state: DetectedState): DetectedState {
		const { shifts, factor } = this;
		if (factor === 1 && !shifts) return state;
		const score = state.score / factor;
		const anomalous = score >= 1;
		if (!shifts) return { ...state, score, anomalous };
		const { sensorNames } = this.version.scaler;
		const deviations = state.deviations.map((one) => {
			const shift = shifts[sensorNames.indexOf(one.sensorName)] ?? 0;
			return { ...one, actual: one.actual + shift, expected: one.expected + shift };
		});
		return { ...state, score, anomalous, deviations };
	}
}
