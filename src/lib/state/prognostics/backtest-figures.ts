/**
 * State, pure: a backtest as figures and lines for the screen. In: what was said of each unit, row by row. Out: one unit's life, errors
 * by lead time, the share of units inside the alpha cone by lambda (Saxena et al. 2008, "Metrics for evaluating performance of
 * prognostic techniques"). Every unit weighs the same, however long it lived.
 */
import type { RulBacktest } from '$lib/contracts';

/** Half-width of the cone of accuracy, as a share of the true remaining life. */
export const alpha = 0.2;

export interface UnitPoint {
	/** Row of the life. */
	readonly row: number;
	/** 0 at the first row judged, 1 at the last. */
	readonly lambda: number;
	readonly actual: number;
	readonly predicted: number;
	readonly low: number;
	readonly high: number;
	readonly ridge: number;
}

export interface UnitLife {
	readonly index: number;
	readonly unitId: string;
	readonly points: readonly UnitPoint[];
	readonly rmse: number;
}

export interface LeadError {
	/** True remaining life, steps: above `from`, up to `to`. */
	readonly from: number;
	readonly to: number;
	readonly units: number;
	readonly model: number;
	readonly ridge: number;
	readonly constant: number;
	readonly coverage: number;
}

export interface ConeShare {
	readonly lambda: number;
	readonly model: number;
	readonly ridge: number;
}

/** Lives of all judged units, in the order of the file. */
export function livesOf(backtest: RulBacktest): UnitLife[] {
	const places = new Map<number, number[]>();
	backtest.unit.forEach((unit, i) => {
		const list = places.get(unit);
		if (list) list.push(i);
		else places.set(unit, [i]);
	});
	return [...places].map(([index, list]) => {
		const last = Math.max(1, list.length - 1);
		const points = list.map((i, k): UnitPoint => ({
			row: backtest.row[i]!,
			lambda: k / last,
			actual: backtest.actual[i]!,
			predicted: backtest.predicted[i]!,
			low: backtest.low[i]!,
			high: backtest.high[i]!,
			ridge: backtest.ridge[i]!
		}));
		return { index, unitId: backtest.unitIds[index] ?? String(index), points, rmse: rms(points.map(errorOf)) };
	});
}

/** In five spans of the true remaining life up to the cap; rows at the cap itself, where truth is "or more", are not judged. */
export function errorsByLead(lives: readonly UnitLife[], backtest: RulBacktest): LeadError[] {
	const { capSteps, constant } = backtest;
	const spans = 5;
	return Array.from({ length: spans }, (_, b) => {
		const [from, to] = [(b * capSteps) / spans, ((b + 1) * capSteps) / spans];
		const inside = lives
			.map(({ points }) =>
				points.filter(({ actual }) => (b === 0 ? actual >= 0 : actual > from) && actual <= to && actual < capSteps)
			)
			.filter((points) => points.length > 0);
		const over = (of: (point: UnitPoint) => number) =>
			Math.sqrt(mean(inside.map((points) => mean(points.map((point) => of(point) ** 2)))));
		return {
			from,
			to,
			units: inside.length,
			model: over(errorOf),
			ridge: over(({ ridge, actual }) => ridge - actual),
			constant: over(({ actual }) => constant - actual),
			coverage: mean(
				inside.map((points) => mean(points.map(({ actual, low, high }) => (actual >= low && actual <= high ? 1 : 0))))
			)
		};
	});
}

/** Share of units whose prediction lies within `alpha` of the truth, at each tenth of the life that was judged. */
export function coneShares(lives: readonly UnitLife[]): ConeShare[] {
	const inCone = (said: number, actual: number) => Math.abs(said - actual) <= alpha * actual;
	return Array.from({ length: 10 }, (_, k) => {
		const lambda = k / 10;
		const at = lives.map(({ points }) => points[Math.round(lambda * (points.length - 1))]!);
		return {
			lambda,
			model: mean(at.map(({ predicted, actual }) => (inCone(predicted, actual) ? 1 : 0))),
			ridge: mean(at.map(({ ridge, actual }) => (inCone(ridge, actual) ? 1 : 0)))
		};
	});
}

const errorOf = ({ predicted, actual }: UnitPoint) => predicted - actual;
const mean = (values: readonly number[]) =>
	values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
const rms = (values: readonly number[]) => Math.sqrt(mean(values.map((value) => value ** 2)));
