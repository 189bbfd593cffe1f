/**
 * State Detection: multivariate control charts (Montgomery, Statistical Quality Control, ch. 9 and 11).
 *
 * In: rows of normal running. Out: detectors of later rows: an EWMA per sensor, the Mahalanobis distance of a moving mean, and
 * Hotelling's T-squared with the residual Q of a principal component model.
 */
import { invert, quadraticForm } from '../ensemble/symmetric-matrix';
import { principalComponents } from './principal-components';
import { covarianceOf, quantile, rowsOf, standardiserOf, type RowDetector, type Rows } from './row-detector';

/** Largest smoothed deviation of any sensor, over `limit` deviations of single rows. */
export function ewmaChart(normal: Rows, smoothing = 0.1, limit = 3): RowDetector {
	const standard = standardiserOf(normal);
	let smoothed: Float64Array | undefined;
	return (row) => {
		const now = standard.apply(row);
		smoothed ??= now.slice();
		let most = 0;
		for (let i = 0; i < now.length; i++) {
			smoothed[i]! += smoothing * (now[i]! - smoothed[i]!);
			most = Math.max(most, Math.abs(smoothed[i]!));
		}
		return most / limit;
	};
}

/** Distance of the mean of the last `window` rows, over `factor` times its 99.9th percentile in normal running. */
export function movingMahalanobis(normal: Rows, window = 30, factor = 3): RowDetector {
	const { sensors, values } = normal;
	const standard = standardiserOf(normal);
	const meanOver = () => {
		const ring: Float64Array[] = [];
		const sum = new Float64Array(sensors);
		return (row: ArrayLike<number>) => {
			const now = standard.apply(row).slice();
			const old = ring.length === window ? ring.shift() : undefined;
			ring.push(now);
			for (let i = 0; i < sensors; i++) sum[i]! += now[i]! - (old?.[i] ?? 0);
			return sum.map((value) => value / ring.length);
		};
	};
	const training = meanOver();
	const means = Array.from({ length: rowsOf(normal) }, (_, r) =>
		training(Array.from({ length: sensors }, (__, i) => values[r * sensors + i]!))
	).slice(window - 1);
	const inverse = invert(covarianceOf(means, sensors), sensors);
	const threshold =
		factor *
		quantile(
			means.map((mean) => Math.sqrt(quadraticForm(inverse, mean))),
			0.999
		);
	const live = meanOver();
	return (row) => Math.sqrt(quadraticForm(inverse, live(row))) / threshold;
}

/** T-squared in the space of the components that explain `explained` of the variance, Q outside it; limits: 99.9th percentiles. */
export function hotelling(normal: Rows, explained = 0.9): RowDetector {
	const { sensors, values } = normal;
	const standard = standardiserOf(normal);
	const rows = Array.from({ length: rowsOf(normal) }, (_, r) =>
		standard.apply(Array.from({ length: sensors }, (__, i) => values[r * sensors + i]!)).slice()
	);
	const { vectors, variances } = principalComponents(covarianceOf(rows, sensors), sensors);
	const total = variances.reduce((sum, variance) => sum + variance, 0);
	let kept = 0;
	for (let sum = 0; kept < sensors && sum < explained * total; kept++) sum += variances[kept]!;
	const statistics = (row: ArrayLike<number>): [number, number] => {
		let tSquared = 0;
		let q = 0;
		for (let c = 0; c < sensors; c++) {
			let score = 0;
			for (let i = 0; i < sensors; i++) score += vectors[c]![i]! * row[i]!;
			if (c < kept) tSquared += (score * score) / Math.max(variances[c]!, 1e-9);
			else q += score * score;
		}
		return [tSquared, q];
	};
	const seen = rows.map(statistics);
	const limits = [0, 1].map((k) =>
		Math.max(
			1e-9,
			quantile(
				seen.map((pair) => pair[k]!),
				0.999
			)
		)
	);
	return (row) => {
		const [tSquared, q] = statistics(standard.apply(row));
		return Math.max(tSquared / limits[0]!, q / limits[1]!);
	};
}
