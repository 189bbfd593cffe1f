/**
 * Prognostics: a machine's history and what is known of how its kind fails in; time to failure with its interval and the
 * probabilities out, or that it runs as it should; nothing where its course is like none of the known ones.
 */
import type { EpochMs, FailureCalibration, FailureLibrary, Prognosis } from '../../contracts';
import { calibrated } from '../risk/calibrate-probabilities';
import { beginningOf, matchFailures, type LevelPoint } from './match-failures';

/** Probability from which a known fault is said to be at work. */
const sayFrom = 0.25;
/** A machine whose last points are this near to how it began is not compared: it saves the work for those that need it. */
const nearNormal = 1;
const lastPoints = 6;
const hourMs = 3_600_000;
export const fewestLevels = 12;
/** Hours beyond which an interval has no end. */
const furthestHours = 90 * 24;
/** Intervals are stretched in ln(hours + this): the last half day is not told apart finely. */
export const soonHours = 12;
/** ...nor the last quarter of the time watched, where that is shorter: a fault of minutes, as in a demonstration, has no half day. */
const soonShare = 0.25;

export type FailureSaying = Pick<
	Prognosis,
	'method' | 'rulHours' | 'eventProbability' | 'failure' | 'missing' | 'nothingInSight'
>;

const nothingInSight = (missing: string): FailureSaying => ({ method: 'none', missing, nothingInSight: true });

export class FailureOutlooks {
	constructor(private readonly library: FailureLibrary) {}

	/** `points` oldest first; hours are told from `now` on, which is later than the last point. */
	look(points: readonly LevelPoint[], now: EpochMs): FailureSaying | undefined {
		if (points.length < fewestLevels) return undefined;
		if (this.isNormal(points))
			return nothingInSight('It runs as machines of its kind do while nothing is wrong with them');
		const match = matchFailures(this.library, points, now);
		if (!match.known) return undefined;
		if (match.faulty < sayFrom)
			return nothingInSight('Its course is not yet like that of any fault known of this kind of machine');
		const { calibration } = this.library;
		const curves = calibration?.within ?? [];
		const within = (hours: number, curve: number) =>
			calibrated(curves[curve] ?? undefined, match.faulty * shareUpTo(match, hours));
		return {
			method: 'failure-library',
			rulHours: intervalOf(
				{ median: quantile(match, 0.5), low: quantile(match, 0.05), high: quantile(match, 0.95) },
				calibration,
				Math.min(soonHours, (soonShare * (now - points[0]!.time)) / hourMs)
			),
			eventProbability: orderly(within(24, 0), within(72, 1), within(168, 2)),
			failure: { faults: match.faults.slice(0, 3), lives: this.library.lives, calibration }
		};
	}

	private isNormal(points: readonly LevelPoint[]): boolean {
		const { between, covariance } = this.library;
		const beginning = beginningOf(between, points);
		const last = points.slice(-lastPoints);
		return beginning.every((began, d) => {
			const level = last.reduce((sum, { levels }) => sum + levels[d]!, 0) / last.length;
			const variance = covariance[((d + 1) * (d + 2)) / 2 - 1]!;
			return Math.abs(level - began) < nearNormal * Math.sqrt(variance);
		});
	}
}

/** Where the truth proved to be when such a median was said. */
function intervalOf(
	said: { readonly median: number; readonly low: number; readonly high: number },
	calibration: FailureCalibration | undefined,
	soon: number
): NonNullable<Prognosis['rulHours']> {
	const { shift, low, high } = calibration?.interval.find(({ below }) => said.median < below) ??
		calibration?.interval.at(-1) ?? { shift: 0, low: 1, high: 1 };
	const log = (hours: number) => Math.log(hours + soon);
	const hours = (value: number) => Math.max(0, Math.exp(value) - soon);
	const middle = log(said.median) + shift;
	const last = hours(middle + high * (log(said.high) - log(said.median)));
	return {
		median: hours(middle),
		low: hours(middle - low * (log(said.median) - log(said.low))),
		high: last > furthestHours ? Infinity : last
	};
}

/** Each horizon has a curve of its own: what comes within a day comes within a week. */
function orderly(within24h: number, within72h: number, within7d: number): NonNullable<Prognosis['eventProbability']> {
	const days3 = Math.max(within24h, within72h);
	return { within24h, within72h: days3, within7d: Math.max(days3, within7d) };
}

interface Distribution {
	readonly hours: Float64Array;
	readonly weights: Float64Array;
}

/** Between neighbouring hypotheses the time is interpolated: the grid is coarse. */
function quantile({ hours, weights }: Distribution, level: number): number {
	let sum = 0;
	for (let i = 0; i < hours.length; i++) {
		const next = sum + weights[i]!;
		if (next >= level) {
			const before = i > 0 ? hours[i - 1]! : hours[i]!;
			return before + ((hours[i]! - before) * (level - sum)) / Math.max(1e-12, weights[i]!);
		}
		sum = next;
	}
	return hours.at(-1) ?? 0;
}

function shareUpTo({ hours, weights }: Distribution, limit: number): number {
	let sum = 0;
	for (let i = 0; i < hours.length && hours[i]! <= limit; i++) sum += weights[i]!;
	return sum;
}
