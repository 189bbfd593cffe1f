/**
 * Training: how well remaining life is told. In: what networks said of units they had not seen, and the ridge regression beside them.
 * Out: the backtest, row by row with its interval, and its figures, every unit weighing the same.
 */
import type { RulBacktest, RulFigures, RulModelPackage, UnitHistory } from '../../contracts';
import type { Engine } from '../../neural/engine';
import { calibrateInterval, estimateFrom, RulEnsemble, stepsLeft, type HeldOutPrediction } from '../../prognostics';
import { fewestRows } from './plan';
import type { RidgeLife } from './ridge';

interface BacktestRow extends HeldOutPrediction {
	/** Row of the unit's life, from 0. */
	readonly row: number;
}

/** Rows that are judged: those before `fewestRows` have too little behind them. */
const judgedRows = ({ steps }: UnitHistory) =>
	Array.from({ length: Math.max(0, steps - fewestRows) }, (_, k) => k + fewestRows);

/** What members said of units they had not seen; interval and ridge from the other folds, so that nothing is its own judge. */
export function crossValidated(
	units: readonly UnitHistory[],
	held: readonly Float32Array[],
	folds: readonly number[],
	capSteps: number,
	ridge: RidgeLife
): RulBacktest {
	const rows = units.flatMap((unit, u) =>
		judgedRows(unit).map((row): BacktestRow => {
			return { unit: u, row, predicted: held[u]![row]!, actual: Math.min(capSteps, stepsLeft(unit, row)) };
		})
	);
	const sums = new Map(
		[...new Set(folds)].map((fold) => [fold, ridge.sums(units.filter((_, u) => folds[u] === fold))])
	);
	const others = (fold: number) => [...sums].flatMap(([other, part]) => (other === fold ? [] : [part]));
	const learnt = new Map(
		[...sums.keys()].map((fold) => {
			const calibration = calibrateInterval(rows.filter(({ unit }) => folds[unit] !== fold));
			return [fold, { calibration, weights: ridge.learn(others(fold)) }];
		})
	);
	const ofRidge = units.map((unit, u) => ridge.predict(learnt.get(folds[u]!)!.weights, unit, judgedRows(unit)));
	const interval = ({ unit, predicted }: BacktestRow) =>
		estimateFrom(learnt.get(folds[unit]!)!.calibration, predicted, capSteps);
	return inColumns(units, rows, ofRidge.flat(), interval, {
		judgedBy: 'cross-validation',
		capSteps,
		constant: meanActual(rows)
	});
}

export async function judgeHeldOut(
	engine: Engine,
	pkg: RulModelPackage,
	units: readonly UnitHistory[],
	ridge: RidgeLife,
	weights: Float64Array,
	constant: number
): Promise<RulBacktest> {
	const { spec, calibration } = pkg.version;
	const ensemble = new RulEnsemble(engine, pkg);
	try {
		const rows: BacktestRow[] = [];
		const ofRidge: number[] = [];
		for (const [u, unit] of units.entries()) {
			const at = judgedRows(unit);
			const predicted = await ensemble.predict(unit, at);
			at.forEach((row, k) =>
				rows.push({ unit: u, row, predicted: predicted[k]!, actual: Math.min(spec.capSteps, stepsLeft(unit, row)) })
			);
			ofRidge.push(...ridge.predict(weights, unit, at));
		}
		const interval = ({ predicted }: BacktestRow) => estimateFrom(calibration, predicted, spec.capSteps);
		return inColumns(units, rows, ofRidge, interval, { judgedBy: 'held-out', capSteps: spec.capSteps, constant });
	} finally {
		ensemble.dispose();
	}
}

function inColumns(
	units: readonly UnitHistory[],
	rows: readonly BacktestRow[],
	ridge: readonly number[],
	interval: (row: BacktestRow) => { readonly low: number; readonly high: number },
	about: Pick<RulBacktest, 'judgedBy' | 'capSteps' | 'constant'>
): RulBacktest {
	const intervals = rows.map(interval);
	return {
		...about,
		unitIds: units.map(({ unitId }) => unitId),
		unit: Uint32Array.from(rows, ({ unit }) => unit),
		row: Uint32Array.from(rows, ({ row }) => row),
		predicted: Float32Array.from(rows, ({ predicted }) => predicted),
		actual: Float32Array.from(rows, ({ actual }) => actual),
		low: Float32Array.from(intervals, ({ low }) => low),
		high: Float32Array.from(intervals, ({ high }) => high),
		ridge: Float32Array.from(ridge)
	};
}

export function rowsOf({ unit, row, predicted, actual }: RulBacktest): BacktestRow[] {
	return Array.from(unit, (u, i) => ({ unit: u, row: row[i]!, predicted: predicted[i]!, actual: actual[i]! }));
}

/** With every unit weighing the same. */
function meanActual(rows: readonly BacktestRow[]): number {
	const weights = unitWeights(rows.map(({ unit }) => unit));
	return rows.reduce((sum, { actual }, i) => sum + weights[i]! * actual, 0);
}

/** Weight of each row so that all units weigh the same and all weights add up to 1. */
function unitWeights(units: ArrayLike<number>): Float64Array {
	const rows = new Map<number, number>();
	for (let i = 0; i < units.length; i++) rows.set(units[i]!, (rows.get(units[i]!) ?? 0) + 1);
	return Float64Array.from(units, (unit) => 1 / rows.get(unit)! / rows.size);
}

/** Errors and coverage with every unit weighing the same. */
export function figuresOf({ unit, predicted, actual, low, high, ridge, constant }: RulBacktest): RulFigures {
	const weights = unitWeights(unit);
	const rmse = (said: (i: number) => number) =>
		Math.sqrt(weights.reduce((sum, weight, i) => sum + weight * (said(i) - actual[i]!) ** 2, 0));
	return {
		units: new Set(unit).size,
		rmse: rmse((i) => predicted[i]!),
		constantRmse: rmse(() => constant),
		ridgeRmse: rmse((i) => ridge[i]!),
		coverage90: weights.reduce(
			(sum, weight, i) => sum + (actual[i]! >= low[i]! && actual[i]! <= high[i]! ? weight : 0),
			0
		)
	};
}
