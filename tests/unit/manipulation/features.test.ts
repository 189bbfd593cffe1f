/** Every feature of the catalogue on a signal whose value can be worked out by hand; spectra, envelope and cepstrum likewise. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
	amplitudeAt,
	amplitudeSpectrum,
	bearingFrequencies,
	cycleProfile,
	envelopeOf,
	extractFeatures,
	featureCatalogue,
	featureIds,
	featureIndex,
	namedFrequencies,
	powerDensity,
	realCepstrum,
	velocityRms
} from '../../../src/lib/manipulation';

const count = 4096;
const make = (at: (i: number) => number) => Float64Array.from({ length: count }, (_, i) => at(i));
const turn = 2 * Math.PI;

/** Amplitude 2 about a level of 5, 32 samples a period. */
const sine = make((i) => 5 + 2 * Math.sin((turn * i) / 32));
/** Even from -1 to 1. */
const ramp = make((i) => -1 + (2 * i) / (count - 1));
/** A carrier of 4 samples a period whose amplitude swings by half, 64 samples a swing. */
const modulated = make((i) => (1 + 0.5 * Math.cos((turn * i) / 64)) * Math.cos((turn * i) / 4));
/** A click every 50 samples. */
const clicks = make((i) => (i % 50 === 25 ? 1 : 0));
let state = 1;
const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
/** Normal noise (sum of twelve uniforms), deviation 1. */
const noise = make(() => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b, -6));

const value = (samples: Float64Array, id: string) => extractFeatures(samples)[featureIndex(id)]!;
type Known = readonly [signal: Float64Array, expected: number, within: number];
const meanAbs = 4 / Math.PI;
/** (mean of sqrt|sin|)^2 = (0.76276)^2 */
const rootMean = 2 * 0.762759763 ** 2;

const known: Record<string, Known> = {
	mean: [sine, 5, 1e-9],
	rms: [sine, Math.SQRT2, 1e-9],
	peak: [sine, 2, 1e-9],
	peakToPeak: [sine, 4, 1e-9],
	meanAbsolute: [sine, meanAbs, 0.005],
	squareRootMean: [sine, rootMean, 0.04],
	min: [sine, 3, 1e-9],
	max: [sine, 7, 1e-9],
	median: [ramp, 0, 1e-9],
	p05: [ramp, -0.9, 1e-9],
	p25: [ramp, -0.5, 1e-9],
	p75: [ramp, 0.5, 1e-9],
	p95: [ramp, 0.9, 1e-9],
	interquartileRange: [ramp, 1, 1e-9],
	// the difference of a sine is a sine of amplitude 2 A sin(pi f)
	differenceDeviation: [sine, (4 * Math.sin(Math.PI / 32)) / Math.SQRT2, 1e-3],
	trend: [ramp, 2, 1e-9],
	skewness: [clicks, 0.96 / Math.sqrt(0.02 * 0.98), 0.02],
	kurtosis: [sine, 1.5, 1e-9],
	crestFactor: [sine, Math.SQRT2, 1e-9],
	shapeFactor: [sine, Math.PI / (2 * Math.SQRT2), 0.005],
	impulseFactor: [sine, Math.PI / 2, 0.01],
	clearanceFactor: [sine, 2 / rootMean, 0.06],
	histogramEntropy: [ramp, 1, 1e-3],
	zeroCrossingRate: [sine, 2 / 32, 1e-3],
	slopeChangeRate: [sine, 2 / 32, 1e-3],
	mobility: [sine, 2 * Math.sin(Math.PI / 32), 1e-3],
	complexity: [sine, 1, 1e-3],
	autocorrelation1: [sine, Math.cos(turn / 32), 1e-2],
	autocorrelation8: [sine, 0, 1e-2],
	// of clicks of height 1 the energy is 1 at each and 0 elsewhere, less what the mean of 0.02 does
	energyKurtosis: [clicks, 50, 3],
	centroid: [sine, 1 / 32, 1e-4],
	spread: [noise, 1 / (2 * Math.sqrt(12)), 0.01],
	spectralSkewness: [noise, 0, 0.15],
	spectralKurtosis: [noise, 1.8, 0.1],
	// of a periodogram of noise: exp(-Euler's constant), less with neighbouring lines smoothed together
	flatness: [noise, 0.56, 0.05],
	spectralEntropy: [noise, 0.95, 0.03],
	medianFrequency: [noise, 0.25, 0.02],
	rolloff: [noise, 0.85 / 2, 0.02],
	peakFrequency: [sine, 1 / 32, 1e-9],
	peakShare: [sine, 1, 1e-6],
	spectralCrest: [sine, 2048 / 1.5, 1],
	spectralSlope: [noise, 0, 0.1],
	...Object.fromEntries(
		Array.from({ length: 16 }, (_, i) => [`band${String(i + 1).padStart(2, '0')}`, [noise, Math.log(1 / 16), 0.35]])
	),
	envelopeMean: [modulated, 1, 0.01],
	envelopeDeviation: [modulated, 0.5 / Math.SQRT2, 0.01],
	envelopeModulation: [modulated, 0.5 / Math.SQRT2, 0.01],
	envelopeKurtosis: [modulated, 1.5, 0.05],
	envelopeCrest: [modulated, 1.5 / Math.sqrt(1.125), 0.05],
	envelopePeakFrequency: [modulated, 1 / 64, 1e-9],
	envelopePeakShare: [modulated, 1, 0.01],
	envelopeEntropy: [modulated, 0.14, 0.06],
	...Object.fromEntries(
		Array.from({ length: 6 }, (_, i) => [
			`envelopeBand${i + 1}`,
			[modulated, i === 0 ? 0 : Math.log(1e-9), i === 0 ? 0.01 : 18]
		])
	),
	cepstrumPeak: [clicks, 1, 1.2],
	cepstrumQuefrency: [clicks, 50, 1]
};

describe('the catalogue', () => {
	test('has more than fifty features, each with formula and source, none twice', () => {
		expect(featureCatalogue.length).toBeGreaterThanOrEqual(50);
		expect(new Set(featureIds).size).toBe(featureIds.length);
		for (const { title, formula, source } of featureCatalogue) expect([title, formula, source]).not.toContain('');
		expect(extractFeatures(noise)).toHaveLength(featureIds.length);
	});

	test.each(featureIds)('%s reads what it should on a known signal', (id) => {
		const [signal, expected, within] = known[id] ?? [];
		expect(signal, `no known signal for ${id}`).toBeDefined();
		expect(Math.abs(value(signal!, id) - expected!)).toBeLessThanOrEqual(within!);
	});

	test('stands in the README as it is', () => {
		const readme = readFileSync('src/lib/manipulation/README.md', 'utf8').replace(/ +/g, ' ');
		for (const { id, title } of featureCatalogue) expect(readme).toContain(`| \`${id}\` | ${title} |`);
	});

	test('a flat line gives numbers, a gap or too few samples a named error', () => {
		expect([...extractFeatures(new Float64Array(256).fill(3))].every(Number.isFinite)).toBe(true);
		expect(() => extractFeatures(new Float64Array(31))).toThrow(/at least 32 samples; this has 31/);
		const gap = sine.slice();
		gap[99] = Number.NaN;
		expect(() => extractFeatures(gap)).toThrow(/Sample 100 of 4096/);
	});

	test('any length will do, and levels scale with the signal while shapes stay', () => {
		const odd = noise.subarray(0, 1000);
		const [one, ten] = [extractFeatures(odd), extractFeatures(odd.map((x) => 10 * x))];
		expect(ten[featureIndex('rms')]! / one[featureIndex('rms')]!).toBeCloseTo(10, 9);
		for (const id of ['kurtosis', 'crestFactor', 'centroid', 'flatness', 'envelopeModulation', 'band05'])
			expect(ten[featureIndex(id)]).toBeCloseTo(one[featureIndex(id)]!, 6);
	});
});

test('an amplitude spectrum reads the amplitude of a sine at its frequency', () => {
	const spectrum = amplitudeSpectrum(sine, 3200);
	expect(amplitudeAt(spectrum, 100, 2)).toBeCloseTo(2, 6);
	expect(amplitudeAt(spectrum, 400, 2)).toBeLessThan(1e-6);
	const between = amplitudeSpectrum(
		make((i) => Math.sin(turn * i * 0.03005)),
		1
	);
	expect(amplitudeAt(between, 0.03005, 0.001)).toBeGreaterThan(0.84);
});

test('a power density sums to the variance', () => {
	const density = powerDensity(noise, 1000);
	const variance = density.values.reduce((sum, x) => sum + x * density.stepHz, 0);
	expect(Math.abs(variance - 1)).toBeLessThan(0.1);
});

test('the envelope within a band finds what modulates a carrier under a stronger tone', () => {
	const hidden = make((i) => modulated[i]! + 4 * Math.sin((turn * i) / 100));
	const envelope = envelopeOf(hidden, 1, [0.2, 0.3]);
	const spectrum = amplitudeSpectrum(envelope);
	expect(amplitudeAt(spectrum, 1 / 64, 0.001)).toBeCloseTo(0.5, 1);
	expect(amplitudeAt(spectrum, 1 / 100, 0.001)).toBeLessThan(0.05);
});

test('the cepstrum has a peak at the distance of a family of lines', () => {
	const cepstrum = realCepstrum(clicks);
	const peak = cepstrum.subarray(8, 80).reduce((best, x, i, all) => (x > all[best]! ? i : best), 0) + 8;
	expect(peak).toBe(50);
});

test('velocity in mm/s from acceleration: a = v 2 pi f', () => {
	const rate = 12_800;
	const velocity = 0.004 * Math.SQRT2; // m/s peak: 4 mm/s RMS
	const acceleration = make((i) => velocity * turn * 80 * Math.cos((turn * 80 * i) / rate));
	expect(velocityRms(powerDensity(acceleration, rate))).toBeCloseTo(4, 1);
	expect(velocityRms(powerDensity(acceleration, rate), [100, 1000])).toBeLessThan(0.1);
});

test('bearing frequencies of an SKF 6205 at 1797 rpm are those of the data sheet', () => {
	const bearing = { rollingElements: 9, rollerDiameterMm: 7.94, pitchDiameterMm: 39.04 };
	const f = bearingFrequencies(bearing, 1797 / 60);
	expect(f.bpfiHz).toBeCloseTo(162.2, 0);
	expect(f.bpfoHz).toBeCloseTo(107.3, 0);
	expect(2 * f.bsfHz).toBeCloseTo(141.1, 0);
	expect(f.ftfHz).toBeCloseTo(11.93, 1);
	expect(() => bearingFrequencies({ ...bearing, pitchDiameterMm: 5 }, 30)).toThrow(/pitch diameter/);
	const names = namedFrequencies({ bearing, gearTeeth: 20, lineFrequencyHz: 50 }, 30).map(({ id }) => id);
	expect(names).toEqual(['ftf', 'shaft', 'shaft2', 'shaft3', 'line2', 'bpfo', 'bsf', 'bpfi', 'mesh']);
});

test('the profile of a cycle has the mean and deviation of each piece', () => {
	const profile = cycleProfile([1, 1, 2, 4, 5, 5], 3);
	expect([...profile]).toEqual([1, 3, 5, 0, 1, 0]);
});
