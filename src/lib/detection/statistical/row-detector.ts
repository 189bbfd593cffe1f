/**
 * State Detection: what the plain statistical detectors have in common. They judge rows by themselves, know no time beyond their
 * smoothing, and are the floors that networks have to beat.
 */

/** Row-major [rows, sensors], any units: every detector standardises by itself. */
export interface Rows {
	readonly values: ArrayLike<number>;
	readonly sensors: number;
}

/** Scores rows in order; at or above 1 is anomalous. */
export type RowDetector = (row: ArrayLike<number>) => number;

export interface Standardiser {
	readonly mean: Float64Array;
	readonly deviation: Float64Array;
	/** Standardised row; the array is used again with the next call. */
	apply(row: ArrayLike<number>): Float64Array;
}

export function rowsOf({ values, sensors }: Rows): number {
	return Math.floor(values.length / sensors);
}

export function standardiserOf(rows: Rows): Standardiser {
	const { values, sensors } = rows;
	const count = rowsOf(rows);
	const mean = new Float64Array(sensors);
	const deviation = new Float64Array(sensors);
	for (let r = 0; r < count; r++) for (let i = 0; i < sensors; i++) mean[i]! += values[r * sensors + i]! / count;
	for (let r = 0; r < count; r++)
		for (let i = 0; i < sensors; i++) deviation[i]! += (values[r * sensors + i]! - mean[i]!) ** 2 / count;
	for (let i = 0; i < sensors; i++) deviation[i] = Math.max(Math.sqrt(deviation[i]!), 1e-9);
	const out = new Float64Array(sensors);
	return {
		mean,
		deviation,
		apply(row) {
			for (let i = 0; i < sensors; i++) out[i] = (row[i]! - mean[i]!) / deviation[i]!;
			return out;
		}
	};
}

/** The value that `share` of the values do not exceed. */
export function quantile(values: ArrayLike<number>, share: number): number {
	const sorted = Float64Array.from(values).sort();
	return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Covariance of rows around their mean, row-major [n, n]. */
export function covarianceOf(rows: readonly ArrayLike<number>[], n: number): Float64Array {
	const mean = new Float64Array(n);
	for (const row of rows) for (let i = 0; i < n; i++) mean[i]! += row[i]! / rows.length;
	const matrix = new Float64Array(n * n);
	for (const row of rows)
		for (let i = 0; i < n; i++)
			for (let j = 0; j < n; j++)
				matrix[i * n + j]! += ((row[i]! - mean[i]!) * (row[j]! - mean[j]!)) / Math.max(1, rows.length - 1);
	return matrix;
}
