/**
 * Data Manipulation: sensors' own units to comparable ones and back.
 *
 * In: aligned rows of normal running. Out: mean and guarded deviation per sensor, stored with the model.
 */
import { MillwrightError, type Scaler } from '../contracts';
import type { AlignedRow } from './resampler';

/** A deviation is never below this share of the mean's size, nor below `absoluteFloor`: a constant column cannot explode. */
const relativeFloor = 1e-3;
const absoluteFloor = 1e-6;

/** Mean and population deviation per sensor; NaN values are left out. Throws `not-enough-data` for a sensor without any. */
export function fitScaler(sensorNames: readonly string[], rows: Iterable<Pick<AlignedRow, 'values'>>): Scaler {
	const count = new Float64Array(sensorNames.length);
	const mean = new Float64Array(sensorNames.length);
	const squares = new Float64Array(sensorNames.length);
	// Welford's running update: stable for large offsets.
	for (const { values } of rows) {
		for (let i = 0; i < mean.length; i++) {
			const value = values[i]!;
			if (Number.isNaN(value)) continue;
			count[i]! += 1;
			const delta = value - mean[i]!;
			mean[i]! += delta / count[i]!;
			squares[i]! += delta * (value - mean[i]!);
		}
	}
	const empty = sensorNames.filter((_, i) => count[i] === 0);
	if (empty.length > 0)
		throw new MillwrightError('not-enough-data', `No usable value of ${empty.join(', ')} in this span`, {
			sensors: empty
		});
	const deviation = Array.from(mean, (m, i) =>
		Math.max(Math.sqrt(squares[i]! / count[i]!), Math.abs(m) * relativeFloor, absoluteFloor)
	);
	return { sensorNames, mean: [...mean], deviation };
}

/** [sensors] in own units -> scaled, written into `out` from `offset`. NaN stays NaN. */
export function scaleRow(scaler: Scaler, values: ArrayLike<number>, out: Float32Array, offset = 0): void {
	for (let i = 0; i < scaler.mean.length; i++) out[offset + i] = (values[i]! - scaler.mean[i]!) / scaler.deviation[i]!;
}

export function unscale(scaler: Scaler, column: number, scaled: number): number {
	return scaled * scaler.deviation[column]! + scaler.mean[column]!;
}
