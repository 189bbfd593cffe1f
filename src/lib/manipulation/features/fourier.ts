/**
 * Data Manipulation, features: from samples to spectra.
 *
 * In: a waveform (any length from 2 on) and, where known, its sampling rate. Out: one-sided spectra. Samples are freed of their
 * mean and padded with zeros to the next power of two; plans and windows are kept per size, so a repeated size costs no set-up.
 */
import FFT from 'fft.js';

export interface Spectrum {
	/** Distance of two lines, Hz (cycles per sample when the sampling rate is unknown and given as 1). */
	readonly stepHz: number;
	/** Line k lies at k x `stepHz`; length is half the padded size plus one. */
	readonly values: Float64Array;
}

const plans = new Map<number, FFT>();
const windows = new Map<number, Float64Array>();

export function planOf(size: number): FFT {
	let plan = plans.get(size);
	if (!plan) plans.set(size, (plan = new FFT(size)));
	return plan;
}

export function nextPowerOfTwo(count: number): number {
	return 2 ** Math.max(1, Math.ceil(Math.log2(count)));
}

/** Hann window, periodic form: w[i] = 0.5 - 0.5 cos(2 pi i / n). */
function hann(count: number): Float64Array {
	let window = windows.get(count);
	if (!window) {
		window = Float64Array.from({ length: count }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / count));
		windows.set(count, window);
		if (windows.size > 16) windows.delete(windows.keys().next().value!);
	}
	return window;
}

export function meanOf(samples: ArrayLike<number>): number {
	let sum = 0;
	for (let i = 0; i < samples.length; i++) sum += samples[i]!;
	return sum / samples.length;
}

/** Magnitudes |X[k]| of the Hann-windowed samples, k = 0 ... size/2, and the window's sum and sum of squares. */
function windowedMagnitudes(samples: ArrayLike<number>): {
	magnitudes: Float64Array;
	size: number;
	gain: number;
	power: number;
} {
	const count = samples.length;
	const size = nextPowerOfTwo(count);
	const window = hann(count);
	const mean = meanOf(samples);
	const input = new Float64Array(size);
	let gain = 0;
	let power = 0;
	for (let i = 0; i < count; i++) {
		const weight = window[i]!;
		input[i] = (samples[i]! - mean) * weight;
		gain += weight;
		power += weight * weight;
	}
	const plan = planOf(size);
	const out = new Float64Array(2 * size);
	plan.realTransform(out, input);
	const magnitudes = new Float64Array(size / 2 + 1);
	for (let k = 0; k < magnitudes.length; k++) magnitudes[k] = Math.hypot(out[2 * k]!, out[2 * k + 1]!);
	return { magnitudes, size, gain, power };
}

/**
 * Amplitude spectrum: a sine of amplitude A that falls on a line reads A there (unit of the samples, peak).
 * Between two lines a Hann window loses at most 15 %, less with padding (Harris 1978, Proc. IEEE 66:51-83).
 */
export function amplitudeSpectrum(samples: ArrayLike<number>, sampleRateHz = 1): Spectrum {
	const { magnitudes, size, gain } = windowedMagnitudes(samples);
	for (let k = 0; k < magnitudes.length; k++)
		magnitudes[k] = (magnitudes[k]! * (k === 0 || k === magnitudes.length - 1 ? 1 : 2)) / gain;
	return { stepHz: sampleRateHz / size, values: magnitudes };
}

/**
 * Power spectral density, unit^2/Hz, one-sided: its sum times `stepHz` is the variance of the samples (Welch 1967, one segment).
 */
export function powerDensity(samples: ArrayLike<number>, sampleRateHz = 1): Spectrum {
	const { magnitudes, size, power } = windowedMagnitudes(samples);
	for (let k = 0; k < magnitudes.length; k++)
		magnitudes[k] = (magnitudes[k]! ** 2 * (k === 0 || k === magnitudes.length - 1 ? 1 : 2)) / (power * sampleRateHz);
	return { stepHz: sampleRateHz / size, values: magnitudes };
}

/**
 * Envelope of the samples within a band: modulus of the analytic signal (Hilbert transform), whose negative frequencies and
 * lines outside [lowHz, highHz] are zero (Randall & Antoni 2011, MSSP 25:485-520). Same length as the samples.
 */
export function envelopeOf(
	samples: ArrayLike<number>,
	sampleRateHz = 1,
	band: readonly [lowHz: number, highHz: number] = [0, sampleRateHz / 2]
): Float64Array {
	const count = samples.length;
	const size = nextPowerOfTwo(count);
	const mean = meanOf(samples);
	const input = new Float64Array(size);
	for (let i = 0; i < count; i++) input[i] = samples[i]! - mean;
	const plan = planOf(size);
	const spectrum = new Float64Array(2 * size);
	plan.realTransform(spectrum, input);
	const stepHz = sampleRateHz / size;
	for (let k = 0; k < size; k++) {
		const kept = k <= size / 2 && k * stepHz >= band[0] && k * stepHz <= band[1];
		const factor = !kept ? 0 : k === 0 || k === size / 2 ? 1 : 2;
		spectrum[2 * k] = spectrum[2 * k]! * factor;
		spectrum[2 * k + 1] = spectrum[2 * k + 1]! * factor;
	}
	const analytic = new Float64Array(2 * size);
	plan.inverseTransform(analytic, spectrum);
	return Float64Array.from({ length: count }, (_, i) => Math.hypot(analytic[2 * i]!, analytic[2 * i + 1]!));
}

/**
 * Real cepstrum, inverse transform of ln|X|: a family of lines f0 apart shows as a peak at quefrency 1/f0
 * (Bogert, Healy & Tukey 1963; Randall 2017, MSSP 97:3-19). First half; index is the quefrency in samples.
 */
export function realCepstrum(samples: ArrayLike<number>): Float64Array {
	const { magnitudes, size } = windowedMagnitudes(samples);
	let largest = 0;
	for (const value of magnitudes) largest = Math.max(largest, value);
	const floor = largest * 1e-6 || 1e-300;
	const logs = new Float64Array(2 * size);
	for (let k = 0; k < size; k++) {
		const magnitude = magnitudes[k <= size / 2 ? k : size - k]!;
		logs[2 * k] = Math.log(Math.max(magnitude, floor));
	}
	const out = new Float64Array(2 * size);
	planOf(size).inverseTransform(out, logs);
	return Float64Array.from({ length: size / 2 }, (_, i) => out[2 * i]!);
}
