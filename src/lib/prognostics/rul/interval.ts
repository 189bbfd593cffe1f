/**
 * Prognostics: how sure. In: predictions and truths on units that the model had not seen. Out: quantiles of the residual by
 * predicted remaining life, and from them intervals and probabilities for a new prediction.
 *
 * Cross-conformal prediction split by unit (Vovk 2015; Barber et al. 2021, "Predictive inference with the jackknife+"), within
 * bins of the prediction (Mondrian), since a unit near its end is known far better than one in mid-life.
 */
import type { RulCalibration, RulEstimate } from '../../contracts';

/** What a member said of a unit it had not seen, and what was true, steps (truth capped). */
export interface HeldOutPrediction {
	/** Index of the unit. */
	readonly unit: number;
	readonly predicted: number;
	readonly actual: number;
}

const levels = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99];
const mostBins = 10;
/** Units a bin must hold at least, so that its 5% quantile rests on more than one of them. */
const fewestUnits = 20;

/** Bins of equal weight, each unit weighing the same within all. */
export function calibrateInterval(held: readonly HeldOutPrediction[]): RulCalibration {
	const units = new Set(held.map(({ unit }) => unit)).size;
	const sorted = [...held].sort((a, b) => a.predicted - b.predicted);
	const bins = Math.max(1, Math.min(mostBins, Math.floor(units / fewestUnits) * 2));
	const upTo: number[] = [];
	const residuals: number[][] = [];
	for (let b = 0; b < bins; b++) {
		const part = sorted.slice(
			Math.floor((b * sorted.length) / bins),
			Math.max(Math.floor(((b + 1) * sorted.length) / bins), b + 1)
		);
		if (part.length === 0) continue;
		upTo.push(part[part.length - 1]!.predicted);
		residuals.push(quantilesByUnit(part));
	}
	return { upTo, residuals, levels, units };
}

/** Quantiles of the residual in which every unit weighs the same, however many rows it has in the bin. */
function quantilesByUnit(part: readonly HeldOutPrediction[]): number[] {
	const rows = new Map<number, number>();
	for (const { unit } of part) rows.set(unit, (rows.get(unit) ?? 0) + 1);
	const weighted = part
		.map(({ unit, predicted, actual }) => ({ residual: actual - predicted, weight: 1 / rows.get(unit)! }))
		.sort((a, b) => a.residual - b.residual);
	// One more unit, the new one, could lie beyond either end (Lei et al. 2018, split conformal).
	const total = rows.size;
	return levels.map((level) => {
		const rank = level < 0.5 ? level * (total + 1) - 1 : level * (total + 1);
		let sum = 0;
		for (const { residual, weight } of weighted) if ((sum += weight) >= rank - 1e-9) return residual;
		return weighted[weighted.length - 1]!.residual;
	});
}

/** The residual quantiles at a prediction, interpolated between the middles of the bins. */
function residualsAt(calibration: RulCalibration, predicted: number): readonly number[] {
	const { upTo, residuals } = calibration;
	const middle = (b: number) => (upTo[b]! + (b > 0 ? upTo[b - 1]! : 0)) / 2;
	let b = 0;
	while (b < upTo.length - 1 && predicted > middle(b + 1)) b++;
	if (b === upTo.length - 1 || predicted <= middle(b)) return residuals[b]!;
	const share = (predicted - middle(b)) / (middle(b + 1) - middle(b));
	return residuals[b]!.map((value, k) => value + share * (residuals[b + 1]![k]! - value));
}

/**
 * Interval of a prediction. Where its upper end reaches the cap nothing can lie above it, so that all of the 10% left out
 * lies below: the interval then says "at least", with the same 90%.
 */
export function estimateFrom(calibration: RulCalibration, predicted: number, capSteps: number): RulEstimate {
	const quantiles = residualsAt(calibration, predicted);
	const reach = (level: number) =>
		Math.max(0, Math.min(capSteps, predicted + quantiles[calibration.levels.indexOf(level)]!));
	const high = Math.max(predicted, reach(0.95));
	const beyondCap = high >= capSteps * 0.995;
	return { median: predicted, low: Math.min(predicted, reach(beyondCap ? 0.1 : 0.05)), high, beyondCap };
}

/** P(remaining life <= steps), by interpolating the residual's distribution; at least half a unit's weight away from 0 and 1. */
export function probabilityWithin(
	calibration: RulCalibration,
	predicted: number,
	steps: number,
	capSteps: number
): number {
	const least = 0.5 / (calibration.units + 1);
	if (steps >= capSteps) return 1 - least;
	const quantiles = residualsAt(calibration, predicted);
	const wanted = steps - predicted;
	const { levels: at } = calibration;
	let probability: number;
	if (wanted <= quantiles[0]!) probability = at[0]! * Math.exp(-(quantiles[0]! - wanted) / 5);
	else if (wanted >= quantiles[at.length - 1]!)
		probability = 1 - (1 - at[at.length - 1]!) * Math.exp(-(wanted - quantiles[at.length - 1]!) / 5);
	else {
		let k = 0;
		while (k < at.length - 2 && wanted > quantiles[k + 1]!) k++;
		const width = quantiles[k + 1]! - quantiles[k]!;
		probability = at[k]! + (width > 0 ? ((wanted - quantiles[k]!) / width) * (at[k + 1]! - at[k]!) : 0);
	}
	return Math.max(least, Math.min(1 - least, probability));
}
