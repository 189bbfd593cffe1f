/**
 * Data Manipulation, features: statistics of a waveform or of any run of samples.
 *
 * In: samples in order. Out: one number each; definitions and sources are in the catalogue (catalogue.ts). Ratios of a flat line
 * (deviation 0) are 0, so that a stopped machine gives numbers and not NaN.
 */

/** p-quantile of sorted values, linear between order statistics (Hyndman & Fan 1996, type 7). */
export function quantileOf(sorted: ArrayLike<number>, p: number): number {
	const at = (sorted.length - 1) * p;
	const low = Math.floor(at);
	const high = Math.min(low + 1, sorted.length - 1);
	return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

export interface Moments {
	readonly mean: number;
	readonly deviation: number;
	readonly skewness: number;
	/** Normal noise has 3. */
	readonly kurtosis: number;
}

const over = (a: number, b: number) => (b > 0 ? a / b : 0);

/** Mean, population standard deviation, third and fourth standardised moments. */
export function momentsOf(samples: ArrayLike<number>): Moments {
	const n = samples.length;
	let mean = 0;
	for (let i = 0; i < n; i++) mean += samples[i]! / n;
	let [m2, m3, m4] = [0, 0, 0];
	for (let i = 0; i < n; i++) {
		const d = samples[i]! - mean;
		m2 += (d * d) / n;
		m3 += (d * d * d) / n;
		m4 += (d * d * d * d) / n;
	}
	return { mean, deviation: Math.sqrt(m2), skewness: over(m3, m2 ** 1.5), kurtosis: over(m4, m2 * m2) };
}

/** Of the samples freed of their mean. */
export interface Amplitudes {
	readonly rms: number;
	/** Largest absolute value. */
	readonly peak: number;
	readonly meanAbsolute: number;
	/** (mean of sqrt|x|)^2. */
	readonly squareRootMean: number;
}

export function amplitudesOf(samples: ArrayLike<number>, mean: number): Amplitudes {
	const n = samples.length;
	let [squares, peak, absolute, roots] = [0, 0, 0, 0];
	for (let i = 0; i < n; i++) {
		const size = Math.abs(samples[i]! - mean);
		squares += size * size;
		absolute += size;
		roots += Math.sqrt(size);
		if (size > peak) peak = size;
	}
	return { rms: Math.sqrt(squares / n), peak, meanAbsolute: absolute / n, squareRootMean: (roots / n) ** 2 };
}

/** Shares of samples at which the signal, freed of its mean, changes sign, and at which its slope does. */
export function crossingRates(samples: ArrayLike<number>, mean: number): { zero: number; slope: number } {
	let [zero, slope] = [0, 0];
	for (let i = 1; i < samples.length; i++) {
		if (samples[i]! >= mean !== samples[i - 1]! >= mean) zero++;
		if (i > 1 && (samples[i]! - samples[i - 1]!) * (samples[i - 1]! - samples[i - 2]!) < 0) slope++;
	}
	const steps = Math.max(1, samples.length - 1);
	return { zero: zero / steps, slope: slope / steps };
}

/** Shannon entropy of a histogram of 32 equal bins between minimum and maximum, over ln 32: 0 one bin, 1 even. */
export function histogramEntropy(samples: ArrayLike<number>, min: number, max: number): number {
	if (!(max > min)) return 0;
	const bins = new Float64Array(32);
	for (let i = 0; i < samples.length; i++)
		bins[Math.min(31, Math.floor((32 * (samples[i]! - min)) / (max - min)))]! += 1;
	let entropy = 0;
	for (const count of bins) if (count > 0) entropy -= (count / samples.length) * Math.log(count / samples.length);
	return entropy / Math.log(32);
}

/** Standard deviations of the first and second difference. */
export function differenceDeviations(samples: ArrayLike<number>): { first: number; second: number } {
	const n = samples.length;
	const first = Float64Array.from({ length: Math.max(1, n - 1) }, (_, i) =>
		n > 1 ? samples[i + 1]! - samples[i]! : 0
	);
	const second = Float64Array.from({ length: Math.max(1, first.length - 1) }, (_, i) =>
		first.length > 1 ? first[i + 1]! - first[i]! : 0
	);
	return { first: momentsOf(first).deviation, second: momentsOf(second).deviation };
}

/** Slope of the least-squares line times the length: how far the level moved over the samples. */
export function trendOf(samples: ArrayLike<number>): number {
	const n = samples.length;
	if (n < 2) return 0;
	const middle = (n - 1) / 2;
	let [product, squares] = [0, 0];
	for (let i = 0; i < n; i++) {
		product += (i - middle) * samples[i]!;
		squares += (i - middle) ** 2;
	}
	return (product / squares) * (n - 1);
}

/** Correlation of the samples, freed of their mean, with themselves `lag` later. */
export function autocorrelationAt(samples: ArrayLike<number>, lag: number, moments: Moments): number {
	if (!(moments.deviation > 0) || samples.length <= lag) return 0;
	let sum = 0;
	for (let i = lag; i < samples.length; i++) sum += (samples[i]! - moments.mean) * (samples[i - lag]! - moments.mean);
	return sum / (samples.length * moments.deviation ** 2);
}

/** Kurtosis of the Teager-Kaiser energy x[i]^2 - x[i-1] x[i+1] (Kaiser 1990): single impacts stand out in it. */
export function energyOperatorKurtosis(samples: ArrayLike<number>, mean: number): number {
	if (samples.length < 4) return 0;
	const energy = Float64Array.from({ length: samples.length - 2 }, (_, i) => {
		const [before, at, after] = [samples[i]! - mean, samples[i + 1]! - mean, samples[i + 2]! - mean];
		return at * at - before * after;
	});
	return momentsOf(energy).kurtosis;
}

/** Mean and standard deviation of `segments` equal pieces: the shape of a repeated cycle. [mean..., deviation...] */
export function cycleProfile(samples: ArrayLike<number>, segments: number): Float64Array {
	const profile = new Float64Array(2 * segments);
	for (let s = 0; s < segments; s++) {
		const from = Math.floor((s * samples.length) / segments);
		const to = Math.max(from + 1, Math.floor(((s + 1) * samples.length) / segments));
		let [sum, squares] = [0, 0];
		for (let i = from; i < to; i++) sum += samples[Math.min(i, samples.length - 1)]!;
		const mean = sum / (to - from);
		for (let i = from; i < to; i++) squares += (samples[Math.min(i, samples.length - 1)]! - mean) ** 2;
		profile[s] = mean;
		profile[segments + s] = Math.sqrt(squares / (to - from));
	}
	return profile;
}
