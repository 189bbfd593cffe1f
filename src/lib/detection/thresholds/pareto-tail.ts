/**
 * State Detection: the generalised Pareto distribution, which the excesses of nearly anything over a high level follow.
 *
 * In: excesses. Out: its shape and scale, the level exceeded at a chosen rate, and how uncertain that is. Fitted by probability-weighted
 * moments (Hosking and Wallis, Technometrics 29(3), 1987), which for up to some hundred excesses are steadier than Grimshaw's maximum likelihood.
 */

export interface ParetoTail {
	/** Above 0 heavy, below 0 with an end. */
	readonly shape: number;
	readonly scale: number;
	/** Excesses that it was fitted to. */
	readonly excesses: number;
}

/** Fewer excesses are not fitted. */
export const leastExcesses = 20;
/** Outside of these the moments say little. */
const shapeBounds = [-0.5, 0.4] as const;

/** `excesses`: above 0, in rising order. Undefined with fewer than 20, and where they have no spread. */
export function fitPareto(excesses: ArrayLike<number>): ParetoTail | undefined {
	const n = excesses.length;
	if (n < leastExcesses) return undefined;
	let a0 = 0;
	let a1 = 0;
	for (let i = 0; i < n; i++) {
		a0 += excesses[i]! / n;
		a1 += (excesses[i]! * (n - 1 - i)) / (n - 1) / n;
	}
	if (a0 <= 0 || a0 - 2 * a1 <= 0) return undefined;
	const [least, most] = shapeBounds;
	return {
		shape: Math.min(most, Math.max(least, 2 - a0 / (a0 - 2 * a1))),
		scale: (2 * a0 * a1) / (a0 - 2 * a1),
		excesses: n
	};
}

/** Excess that one in `ratio` excesses goes beyond. */
export function paretoQuantile({ shape, scale }: ParetoTail, ratio: number): number {
	return Math.abs(shape) < 1e-6 ? scale * Math.log(ratio) : (scale / shape) * (ratio ** shape - 1);
}

/**
 * Standard error of `paretoQuantile`: the delta method on the estimators' asymptotic covariance (Hosking and Wallis 1987, table of section 4, with
 * k = -shape), and on the number of excesses, which is a Poisson count.
 */
export function paretoQuantileError(tail: ParetoTail, ratio: number): number {
	const { scale, excesses } = tail;
	// The limits at shape 0 are reached smoothly.
	const shape = Math.abs(tail.shape) < 1e-4 ? 1e-4 : tail.shape;
	const k = -shape;
	const power = ratio ** shape;
	const byScale = (power - 1) / shape;
	const byShape = (scale / shape) * (power * Math.log(ratio) - byScale);
	const byCount = scale * power;
	const common = 1 / ((1 + 2 * k) * (3 + 2 * k));
	const scaleVariance = scale ** 2 * (7 + 18 * k + 11 * k ** 2 + 2 * k ** 3) * common;
	const shapeVariance = (1 + k) * (2 + k) ** 2 * (1 + k + 2 * k ** 2) * common;
	// Scale and k rise together, scale and shape against each other.
	const covariance = -scale * (2 + k) * (2 + 6 * k + 7 * k ** 2 + 2 * k ** 3) * common;
	const variance =
		byScale ** 2 * scaleVariance + byShape ** 2 * shapeVariance + 2 * byScale * byShape * covariance + byCount ** 2;
	return Math.sqrt(Math.max(0, variance) / excesses);
}
