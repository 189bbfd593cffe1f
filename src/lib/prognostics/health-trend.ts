/**
 * Prognostics: where a degradation signal is going. In: the history of the anomaly score. Out: the distribution of the time at
 * which it reaches a limit, or nothing when it goes nowhere.
 *
 * Bayesian degradation model after Gebraeel, Lawley, Li & Ryan 2005, "Residual-life distributions from component degradation
 * signals", IIE Transactions 37:543-557: the signal is a constant until a change point, then grows exponentially (a line in its logarithm)
 * or linearly; with a flat prior the coefficients are t-distributed, and P(T <= t) is the probability that the signal at t lies above
 * the limit. The two growths are weighed by their likelihood (BIC). Neighbouring errors are alike: their correlation is estimated
 * and the sample counted as that much smaller.
 */
import type { EpochMs } from '../contracts';
import type { ScorePoint } from './score-history';

const hourMs = 3_600_000;
/** Points before a trend is looked for. */
export const fewestPoints = 24;
/** Change points tried. */
const candidates = 40;
/** Points after the change before its slope is believed. */
const fewestAfter = 8;
/** Slope over its standard error from which a trend is one. */
const leastSignificance = 4;
/** Rise since the change, in ln(score), below which it is none. */
const leastRise = 0.35;
/** A slope seen so far may change by this share while it goes on: degradation is not one law for ever. */
const slopeDrift = 0.2;

interface Growth {
	readonly kind: 'exponential' | 'linear';
	/** ln of the weight. */
	readonly logWeight: number;
	readonly since: EpochMs;
	readonly level: number;
	/** Per hour. */
	readonly slope: number;
	readonly significance: number;
	/** Of level, of slope, and their covariance. */
	readonly variances: readonly [level: number, slope: number, both: number];
	/** Residual variance of one point. */
	readonly noise: number;
	readonly freedom: number;
}

export interface TrendFit {
	readonly growths: readonly (Growth & { readonly weight: number })[];
	readonly since: EpochMs;
	/** The likelier growth. */
	readonly growth: 'exponential' | 'linear';
}

/** The trend that the score follows since its last change; undefined when it is steady or getting better. */
export function fitTrend(points: readonly ScorePoint[]): TrendFit | undefined {
	if (points.length < fewestPoints) return undefined;
	const logs = points.map(({ logScore }) => logScore);
	const scores = logs.map(Math.exp);
	const exponential = fitGrowth('exponential', points, logs);
	const linear = fitGrowth('linear', points, scores);
	if (!exponential || !linear) return undefined;
	const last = points.at(-1)!.time;
	const rise = exponential.slope * ((last - exponential.since) / hourMs);
	if (exponential.slope <= 0 || exponential.significance < leastSignificance || rise < leastRise) return undefined;
	// Densities of the score itself: d(ln s) = ds / s.
	const jacobian = logs.reduce((sum, log) => sum + log, 0);
	const first = exponential.logWeight - jacobian;
	const second = linear.slope > 0 ? linear.logWeight : -Infinity;
	const top = Math.max(first, second);
	const [a, b] = [Math.exp(first - top), Math.exp(second - top)];
	const likelier = a >= b ? exponential : linear;
	return {
		growths: [
			{ ...exponential, weight: a / (a + b) },
			{ ...linear, weight: b / (a + b) }
		].filter(({ weight }) => weight > 1e-3),
		since: likelier.since,
		growth: likelier.kind
	};
}

/** P(the score has reached `limit` by `time`), `now` being the last point. */
export function reachedBy(fit: TrendFit, limit: number, now: EpochMs, time: EpochMs): number {
	let probability = 0;
	for (const growth of fit.growths) {
		const { mean, deviation } = valueAt(growth, now, time);
		const wanted = growth.kind === 'exponential' ? Math.log(limit) : limit;
		probability += growth.weight * studentCdf((mean - wanted) / deviation, growth.freedom);
	}
	return probability;
}

/** Score at `time` that it stays below with probability `level`. */
export function scoreQuantile(fit: TrendFit, now: EpochMs, time: EpochMs, level: number): number {
	let [low, high] = [1e-2, 1e3];
	for (let i = 0; i < 24; i++) {
		const middle = Math.sqrt(low * high);
		if (1 - reachedBy(fit, middle, now, time) < level) low = middle;
		else high = middle;
	}
	return high;
}

function valueAt(growth: Growth, now: EpochMs, time: EpochMs): { mean: number; deviation: number } {
	const x = Math.max(0, (time - growth.since) / hourMs);
	const ahead = Math.max(0, (time - now) / hourMs);
	const [level, slope, both] = growth.variances;
	const drift = slopeDrift * growth.slope * ahead;
	return {
		mean: growth.level + growth.slope * x,
		deviation: Math.sqrt(level + x * x * slope + 2 * x * both + drift * drift + 1e-9)
	};
}

/** y = level + slope * max(0, t - since), the change point that leaves the least error. */
function fitGrowth(kind: Growth['kind'], points: readonly ScorePoint[], y: readonly number[]): Growth | undefined {
	const n = points.length;
	let best: { since: number; error: number; level: number; slope: number; xx: number; x: number } | undefined;
	const stride = Math.max(1, Math.floor((n - fewestAfter) / candidates));
	for (let k = 0; k <= n - fewestAfter; k += stride) {
		const since = points[k]!.time;
		let [sx, sxx, sy, sxy, syy] = [0, 0, 0, 0, 0];
		for (let i = 0; i < n; i++) {
			const x = Math.max(0, (points[i]!.time - since) / hourMs);
			sx += x;
			sxx += x * x;
			sy += y[i]!;
			sxy += x * y[i]!;
			syy += y[i]! * y[i]!;
		}
		const spread = sxx - (sx * sx) / n;
		if (!(spread > 0)) continue;
		const slope = (sxy - (sx * sy) / n) / spread;
		const level = (sy - slope * sx) / n;
		const error = Math.max(1e-12, syy - (sy * sy) / n - slope * slope * spread);
		if (!best || error < best.error) best = { since, error, level, slope, xx: spread, x: sx / n };
	}
	if (!best) return undefined;
	const { since, level, slope } = best;
	let [lagged, squares, before] = [0, 0, NaN];
	for (let i = 0; i < n; i++) {
		const residual = y[i]! - level - slope * Math.max(0, (points[i]!.time - since) / hourMs);
		if (!Number.isNaN(before)) lagged += residual * before;
		squares += residual * residual;
		before = residual;
	}
	const alike = Math.max(0, Math.min(0.95, lagged / squares));
	const shrink = (1 - alike) / (1 + alike);
	const effective = Math.max(5, n * shrink);
	const freedom = Math.max(2, effective - 3);
	const noise = best.error / Math.max(1, n - 3);
	const inflated = noise / Math.max(shrink, 5 / n);
	const slopeVariance = inflated / best.xx;
	return {
		kind,
		logWeight: (-effective / 2) * Math.log(best.error / n),
		since,
		level,
		slope,
		significance: slope / Math.sqrt(slopeVariance),
		variances: [inflated / n + best.x * best.x * slopeVariance, slopeVariance, -best.x * slopeVariance],
		noise,
		freedom
	};
}

/** Distribution function of Student's t, by Hill's normalising transformation (1970, Algorithm 395), good to 1e-3. */
function studentCdf(t: number, freedom: number): number {
	const magnitude = Math.sqrt(freedom * Math.log1p((t * t) / freedom) * (1 - 3 / (4 * freedom + 1)));
	return normalCdf(Math.sign(t) * magnitude);
}

/** Abramowitz & Stegun 26.2.17, 7.5e-8. */
function normalCdf(z: number): number {
	const u = 1 / (1 + 0.2316419 * Math.abs(z));
	const tail =
		(Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
		u *
		(0.31938153 + u * (-0.356563782 + u * (1.781477937 + u * (-1.821255978 + u * 1.330274429))));
	return z > 0 ? 1 - tail : tail;
}
