/** Types of the npm package fft.js: radix-4 FFT of power-of-two size on interleaved complex arrays [re, im, re, im, ...]. */
declare module 'fft.js' {
	export default class FFT {
		constructor(size: number);
		createComplexArray(): number[];
		transform(out: ArrayLike<number>, input: ArrayLike<number>): void;
		realTransform(out: ArrayLike<number>, input: ArrayLike<number>): void;
		completeSpectrum(spectrum: ArrayLike<number>): void;
		inverseTransform(out: ArrayLike<number>, input: ArrayLike<number>): void;
	}
}
