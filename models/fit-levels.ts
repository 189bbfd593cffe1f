/**
 * Where each sensor of a class stands in normal running, by all the others. In: rows of lives before their fault began. Out: a
 * `LevelExpectation`: one ridge regression a sensor, on the others now and smoothed.
 */
import type { LevelExpectation } from '../src/lib/contracts';
import { factorise, substitute } from '../src/lib/health/cholesky';
import { SensorLevels } from '../src/lib/prognostics';
import { normalRows, type RecordedLife } from './recorded-lives';

/** Minutes of thermal masses; a start's first seconds. */
const smoothingRows = [8, 60, 300];
const ridge = 3;
const leastResidual = 1e-3;

export function fitLevels(
	lives: readonly RecordedLife[],
	{ mean, deviation }: { readonly mean: readonly number[]; readonly deviation: readonly number[] }
): LevelExpectation {
	const sensors = mean.length;
	const width = 1 + sensors * (1 + smoothingRows.length);
	const blank: LevelExpectation = { mean, deviation, smoothingRows, weights: [], residual: [] };
	const gram = new Float64Array(width * width);
	const moments = Array.from({ length: sensors }, () => new Float64Array(width));
	const squares = new Float64Array(sensors);
	let rows = 0;
	for (const life of lives) {
		const levels = new SensorLevels(blank);
		normalRows(life, levels, () => {
			const { regressors: x, now } = levels;
			for (let i = 0; i < width; i++) for (let j = 0; j <= i; j++) gram[i * width + j]! += x[i]! * x[j]!;
			for (let s = 0; s < sensors; s++) {
				squares[s]! += now[s]! ** 2;
				for (let j = 0; j < width; j++) moments[s]![j]! += now[s]! * x[j]!;
			}
			rows++;
		});
	}
	const weights = new Float64Array(sensors * width);
	const residual = Array.from({ length: sensors }, (_, s) => {
		const others = Array.from({ length: width }, (_, j) => j).filter((j) => j === 0 || (j - 1) % sensors !== s);
		const n = others.length;
		const matrix = new Float64Array(n * n);
		others.forEach((i, a) =>
			others.forEach((j, b) => {
				if (b <= a) matrix[a * n + b] = gram[i * width + j]! + (a === b && a > 0 ? ridge : 0);
			})
		);
		const solution = Float64Array.from(others, (j) => moments[s]![j]!);
		factorise(matrix, n);
		substitute(matrix, n, solution);
		let explained = 0;
		others.forEach((j, a) => {
			weights[s * width + j] = solution[a]!;
			explained += solution[a]! * moments[s]![j]!;
		});
		return Math.max(leastResidual, Math.sqrt(Math.max(0, squares[s]! - explained) / Math.max(1, rows)));
	});
	return { ...blank, weights: Array.from(weights, five), residual: residual.map(five) };
}

const five = (value: number) => Number(value.toPrecision(5));
