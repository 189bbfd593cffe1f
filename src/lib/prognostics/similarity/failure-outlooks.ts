/**
 * Prognostics: a machine's history and a library of lives that ended in failure in; time to failure with its interval and the
 * probabilities out, or that it runs as it should; nothing where its
 * course is like none of them.
 */
import type { FailureLibrary, HealthReport, Prognosis } from '../../contracts';
import type { ScorePoint } from '../score-history';
import { calibrated } from '../risk/calibrate-probabilities';
import { matchFailures, pathOf, type PathPoint } from './match-failures';

/** Probability from which a known fault is said to be at work. */
const sayFrom = 0.25;
/** A machine whose last points are this near to normal running is not compared: it saves the work for those that need it. */
const nearNormal = 1.5;
const lastPoints = 3;
const fewestPaths = 12;
/** Hours beyond which an interval has no end. */
const furthestHours = 90 * 24;

/** A report as a point of a path; undefined where it has no score. */
export function reportPath(
	sensorNames: readonly string[],
	{ score, contributors }: HealthReport
): Float64Array | undefined {
	if (!Number.isFinite(score) || contributors.length === 0) return undefined;
	const shares = new Float64Array(sensorNames.length);
	for (const { sensorName, share } of contributors) {
		const at = sensorNames.indexOf(sensorName);
		if (at >= 0) shares[at] = share;
	}
	return pathOf(score, shares);
}

export class FailureOutlooks {
	constructor(private readonly library: FailureLibrary) {}

	pathOf(report: HealthReport): Float64Array | undefined {
		return reportPath(this.library.sensorNames, report);
	}

	look(
		points: readonly ScorePoint[]
	): Pick<Prognosis, 'method' | 'rulHours' | 'eventProbability' | 'failure' | 'missing'> | undefined {
		const width = this.library.normal.length;
		const paths = points.map(({ time, logScore, path }): PathPoint => ({
			time,
			path: path ?? Float64Array.from({ length: width }, (_, d) => (d === 0 ? logScore : Number.NaN))
		}));
		if (points.filter(({ path }) => path).length < fewestPaths) return undefined;
		if (this.isNormal(paths))
			return { method: 'none', missing: 'It runs as machines of its kind do while nothing is wrong with them' };
		const match = matchFailures(this.library, paths);
		if (!match.known) return undefined;
		if (match.faulty < sayFrom)
			return { method: 'none', missing: 'Its course is not yet like that of any fault known of this kind of machine' };
		const { widen = 1, shift = 0, within: curves = [] } = this.library.calibration ?? {};
		const said = quantile(match, 0.5);
		const median = Math.max(0, (said + 1) * Math.exp(shift) - 1);
		const stretched = (level: number) =>
			Math.max(0, (median + 1) * ((quantile(match, level) + 1) / (said + 1)) ** widen - 1);
		const within = (hours: number, curve: number) =>
			calibrated(curves[curve] ?? undefined, match.faulty * shareUpTo(match, hours));
		const high = stretched(0.95);
		return {
			method: 'failure-library',
			rulHours: { median, low: stretched(0.05), high: high > furthestHours ? Infinity : high },
			eventProbability: orderly(within(24, 0), within(72, 1), within(168, 2)),
			failure: {
				faults: match.faults.slice(0, 3),
				lives: this.library.lives.length,
				calibration: this.library.calibration
			}
		};
	}

	private isNormal(paths: readonly PathPoint[]): boolean {
		const last = paths.slice(-lastPoints);
		const { normal, spread } = this.library;
		return normal.every((mean, d) => {
			const known = last.map(({ path }) => path[d]!).filter((value) => !Number.isNaN(value));
			const level = known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
			return known.length === 0 || Math.abs(level - mean) < nearNormal * spread[d]!;
		});
	}
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
