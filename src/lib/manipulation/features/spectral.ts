/**
 * Data Manipulation, features: what a spectrum says.
 *
 * In: a spectrum (fourier.ts). Out: moments, shares of bands, amplitudes at frequencies that the machine's geometry names. Shape
 * measures are of the power spectrum without line 0, frequencies in Hz (cycles per sample where the rate is unknown).
 */
import type { Spectrum } from './fourier';

export interface SpectralShape {
	readonly centroidHz: number;
	readonly spreadHz: number;
	readonly skewness: number;
	readonly kurtosis: number;
	/** Geometric over arithmetic mean: 1 white noise, near 0 a tone. */
	readonly flatness: number;
	/** 0 one line, 1 white. */
	readonly entropy: number;
	/** Half the power lies below. */
	readonly medianHz: number;
	/** 85 % of the power lies below. */
	readonly rolloffHz: number;
	readonly peakHz: number;
	/** Share of the power in the strongest line and its two neighbours. */
	readonly peakShare: number;
	/** Strongest line over the mean line. */
	readonly crest: number;
	/** Slope of log power over log frequency. */
	readonly slope: number;
}

export function shapeOf({ values, stepHz }: Spectrum): SpectralShape {
	const lines = values.length - 1;
	let [total, logs, strongest, peak] = [0, 0, 0, 1];
	for (let k = 1; k <= lines; k++) {
		total += values[k]!;
		if (values[k]! > strongest) [strongest, peak] = [values[k]!, k];
	}
	const flat: SpectralShape = {
		centroidHz: 0,
		spreadHz: 0,
		skewness: 0,
		kurtosis: 0,
		flatness: 0,
		entropy: 0,
		medianHz: 0,
		rolloffHz: 0,
		peakHz: 0,
		peakShare: 0,
		crest: 0,
		slope: 0
	};
	if (!(total > 0)) return flat;
	const floor = strongest * 1e-15;
	let [first, entropy] = [0, 0];
	let [sx, sy, sxx, sxy] = [0, 0, 0, 0];
	for (let k = 1; k <= lines; k++) {
		const value = Math.max(values[k]!, floor);
		const share = value / total;
		const log = Math.log(value);
		const x = Math.log(k);
		first += k * share;
		entropy -= share * Math.log(share);
		logs += log;
		sx += x;
		sy += log;
		sxx += x * x;
		sxy += x * log;
	}
	let [second, third, fourth, below] = [0, 0, 0, 0];
	let [median, rolloff] = [0, 0];
	for (let k = 1; k <= lines; k++) {
		const share = values[k]! / total;
		const d = k - first;
		second += d * d * share;
		third += d * d * d * share;
		fourth += d * d * d * d * share;
		below += share;
		if (!median && below >= 0.5) median = k;
		if (!rolloff && below >= 0.85) rolloff = k;
	}
	const spread = Math.sqrt(second);
	const around = values[peak]! + (values[peak - 1] ?? 0) * (peak > 1 ? 1 : 0) + (values[peak + 1] ?? 0);
	const spreadX = sxx - (sx * sx) / lines;
	return {
		centroidHz: first * stepHz,
		spreadHz: spread * stepHz,
		skewness: spread > 0 ? third / spread ** 3 : 0,
		kurtosis: spread > 0 ? fourth / spread ** 4 : 0,
		flatness: Math.exp(logs / lines) / (total / lines),
		entropy: lines > 1 ? entropy / Math.log(lines) : 0,
		medianHz: median * stepHz,
		rolloffHz: rolloff * stepHz,
		peakHz: peak * stepHz,
		peakShare: around / total,
		crest: strongest / (total / lines),
		slope: spreadX > 0 ? (sxy - (sx * sy) / lines) / spreadX : 0
	};
}

/** Natural logarithm of the share of power in each of `bands` equal bands up to the last line; never below ln 1e-9. */
export function logBandShares({ values }: Spectrum, bands: number): Float64Array {
	const lines = values.length - 1;
	const shares = new Float64Array(bands);
	let total = 0;
	for (let k = 1; k <= lines; k++) {
		shares[Math.min(bands - 1, Math.floor(((k - 1) * bands) / lines))]! += values[k]!;
		total += values[k]!;
	}
	return shares.map((value) => Math.log(Math.max(total > 0 ? value / total : 0, 1e-9)));
}

/** Largest line within `toleranceHz` of a frequency (at least the nearest line); 0 beyond the spectrum. */
export function amplitudeAt({ values, stepHz }: Spectrum, hz: number, toleranceHz: number): number {
	const reach = Math.max(1, Math.round(toleranceHz / stepHz));
	const centre = Math.round(hz / stepHz);
	let largest = 0;
	for (let k = Math.max(1, centre - reach); k <= Math.min(values.length - 1, centre + reach); k++)
		largest = Math.max(largest, values[k]!);
	return largest;
}

/** Median of the lines around a frequency, the family itself left out: what noise reads there. */
export function floorAround({ values, stepHz }: Spectrum, hz: number, widthHz: number, toleranceHz: number): number {
	const centre = hz / stepHz;
	const own = Math.max(1, Math.round(toleranceHz / stepHz)) + 1;
	const reach = Math.max(own + 8, Math.round(widthHz / stepHz));
	const around: number[] = [];
	for (let k = Math.max(1, Math.ceil(centre - reach)); k <= Math.min(values.length - 1, centre + reach); k++)
		if (Math.abs(k - centre) > own) around.push(values[k]!);
	if (around.length === 0) return 0;
	around.sort((a, b) => a - b);
	return around[around.length >> 1]!;
}

/**
 * RMS of vibration velocity in mm/s within a band, from the amplitude spectrum of acceleration in m/s^2: each line is divided by
 * 2 pi f (ISO 20816-1: 10 to 1,000 Hz). Correct for the Hann window's noise bandwidth of 1.5 lines and for zero padding.
 */
export function velocityRms(
	density: Spectrum,
	[lowHz, highHz]: readonly [number, number] = [10, 1000],
	quantity: 'acceleration' | 'velocity' = 'acceleration'
): number {
	let sum = 0;
	for (let k = Math.max(1, Math.ceil(lowHz / density.stepHz)); k < density.values.length; k++) {
		const hz = k * density.stepHz;
		if (hz > highHz) break;
		sum += quantity === 'velocity' ? density.values[k]! : (density.values[k]! * 1e6) / (2 * Math.PI * hz) ** 2;
	}
	return Math.sqrt(sum * density.stepHz);
}
