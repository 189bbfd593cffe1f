/**
 * How far to trust what is said of failures. In: what libraries said, a look a day, of lives that they had not learnt from. Out: a
 * `FailureCalibration`: where the truth lay when such a median was said, and what a probability was worth.
 */
import type { FailureCalibration } from '../src/lib/contracts';
import {
	brierScore,
	calibrateProbabilities,
	calibrated,
	reliability,
	soonHours,
	type FailureSaying
} from '../src/lib/prognostics';

/** One look: what was said without calibration, and what came. */
export interface JudgedLook {
	/** Hours to the failure; Infinity where none comes. */
	readonly trueHours: number;
	/** A fault is at work. */
	readonly begun: boolean;
	readonly said: FailureSaying | undefined;
}

/** Medians below these are calibrated apart: near the end lives are told better than far from it. */
const bounds = [48, 120, 240, 480, Infinity];
const fewestLooks = 30;
/** Hours that stand for any: JSON has no Infinity. */
const furthest = 1e6;
const horizons = [
	['within24h', 24],
	['within72h', 72],
	['within7d', 168]
] as const;

export function calibrateFailures(looks: readonly JudgedLook[], lives: number): FailureCalibration {
	const curves = horizons.map(([name, hours]) => {
		const known = looks.filter(({ said }) => said?.eventProbability);
		const curve = calibrateProbabilities(
			known.map(({ said }) => said!.eventProbability![name]),
			known.map(({ trueHours }) => (trueHours <= hours ? 1 : 0))
		);
		return curve ? { slope: three(curve.slope), offset: three(curve.offset) } : null;
	});
	const said = looks.map(({ said: one }) =>
		one?.eventProbability ? calibrated(curves[2] ?? undefined, one.eventProbability.within7d) : 0
	);
	const came = looks.map(({ trueHours }) => (trueHours <= 168 ? 1 : 0));
	return {
		interval: intervals(looks),
		within: curves,
		brier: Number(brierScore(said, came).toFixed(4)),
		reliability: reliability(said, came).map((bin) => ({
			said: three(bin.said),
			came: three(bin.came),
			count: bin.count
		})),
		lives
	};
}

function intervals(looks: readonly JudgedLook[]): FailureCalibration['interval'] {
	const told = looks.flatMap(({ begun, said, trueHours }) =>
		begun && said?.rulHours ? [{ ...said.rulHours, trueHours }] : []
	);
	const log = (hours: number) => Math.log(Math.min(hours, 90 * 24) + soonHours);
	let from = 0;
	const found: { below: number; shift: number; low: number; high: number }[] = [];
	for (const below of bounds) {
		const part = told.filter(({ median }) => median >= from && median < below);
		// Too few to tell: joined with the next.
		if (part.length < fewestLooks && below !== Infinity) continue;
		// One look has no spread: what holds of the span before holds beyond it.
		if (part.length < 2 && found.length > 0) {
			found.push({ ...found.pop()!, below: furthest });
			break;
		}
		const offs = part.map(({ trueHours, median }) => log(trueHours) - log(median));
		const shift = quantile(offs, 0.5);
		const needed = (side: 1 | -1) =>
			quantile(
				part.map(({ median, low, high }, i) => {
					const width = Math.max(0.02, Math.abs(log(side < 0 ? low : high) - log(median)));
					return Math.max(0, (side * (offs[i]! - shift)) / width);
				}),
				0.95
			);
		found.push({
			below: Math.min(below, furthest),
			shift: three(shift),
			low: three(needed(-1)),
			high: three(needed(1))
		});
		from = below;
	}
	return found;
}

/** Conformal: of n + 1, so that a new one lies below with that probability. */
function quantile(values: readonly number[], level: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(level * (sorted.length + 1)) - 1))] ?? 0;
}

const three = (value: number) => Number(value.toFixed(3));
