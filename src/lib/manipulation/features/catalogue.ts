/**
 * Data Manipulation, features: the catalogue of what can be said of a waveform in numbers.
 *
 * In: samples and, where known, the sampling rate. Out: one vector in the catalogue's order. Frequencies in it are shares of the
 * sampling rate and powers are shares of the whole, so that a vector means the same at any rate; only levels carry the unit.
 */
import { MillwrightError, minimumWaveformSamples } from '../../contracts';
import { envelopeOf, powerDensity, realCepstrum } from './fourier';
import { logBandShares, shapeOf } from './spectral';
import {
	amplitudesOf,
	autocorrelationAt,
	crossingRates,
	differenceDeviations,
	energyOperatorKurtosis,
	histogramEntropy,
	momentsOf,
	quantileOf,
	trendOf
} from './statistical';

export interface FeatureDefinition {
	readonly id: string;
	readonly title: string;
	readonly group: 'level' | 'shape' | 'time' | 'spectrum' | 'envelope' | 'cepstrum';
	/** 'unit': that of the samples. */
	readonly unit: 'unit' | '-' | '1/sample' | 'samples';
	/** x: samples freed of their mean m; s: standard deviation; P: power density; p: P over its sum; f: frequency. */
	readonly formula: string;
	readonly source: string;
}

const spectrumBands = 16;
const envelopeBands = 6;

const iso = 'ISO 13373-2; ISO 18431-1';
const indicators = 'Lei et al. 2008, MSSP 22:1250-1264 (time-domain indicators)';
const peeters = 'Peeters 2004, CUIDADO (spectral descriptors)';
const randall = 'Randall & Antoni 2011, MSSP 25:485-520';
const define = (
	group: FeatureDefinition['group'],
	rows: readonly (readonly [
		id: string,
		title: string,
		unit: FeatureDefinition['unit'],
		formula: string,
		source: string
	])[]
): FeatureDefinition[] =>
	rows.map(([id, title, unit, formula, source]) => ({ id, title, group, unit, formula, source }));

export const featureCatalogue: readonly FeatureDefinition[] = [
	...define('level', [
		['mean', 'Mean', 'unit', 'm = sum of samples / n', iso],
		['rms', 'RMS', 'unit', 'sqrt(mean x^2)', iso],
		['peak', 'Peak', 'unit', 'max |x|', iso],
		['peakToPeak', 'Peak to peak', 'unit', 'max - min', iso],
		['meanAbsolute', 'Mean absolute', 'unit', 'mean |x|', indicators],
		['squareRootMean', 'Square-root amplitude', 'unit', '(mean sqrt|x|)^2', indicators],
		['min', 'Minimum', 'unit', 'min', iso],
		['max', 'Maximum', 'unit', 'max', iso],
		['median', 'Median', 'unit', '50th percentile', 'Hyndman & Fan 1996, type 7'],
		['p05', '5th percentile', 'unit', '5th percentile', 'Hyndman & Fan 1996, type 7'],
		['p25', '25th percentile', 'unit', '25th percentile', 'Hyndman & Fan 1996, type 7'],
		['p75', '75th percentile', 'unit', '75th percentile', 'Hyndman & Fan 1996, type 7'],
		['p95', '95th percentile', 'unit', '95th percentile', 'Hyndman & Fan 1996, type 7'],
		['interquartileRange', 'Interquartile range', 'unit', 'p75 - p25', 'Hyndman & Fan 1996, type 7'],
		['differenceDeviation', 'Deviation of steps', 'unit', 'standard deviation of x[i+1] - x[i]', 'Hjorth 1970'],
		['trend', 'Trend', 'unit', 'least-squares slope x length', 'least squares']
	]),
	...define('shape', [
		['skewness', 'Skewness', '-', 'mean x^3 / s^3', indicators],
		['kurtosis', 'Kurtosis', '-', 'mean x^4 / s^4', 'Dyer & Stewart 1978, J. Mech. Design 100:229-235'],
		['crestFactor', 'Crest factor', '-', 'peak / RMS', iso],
		['shapeFactor', 'Shape factor', '-', 'RMS / mean |x|', indicators],
		['impulseFactor', 'Impulse factor', '-', 'peak / mean |x|', indicators],
		['clearanceFactor', 'Clearance factor', '-', 'peak / (mean sqrt|x|)^2', indicators],
		['histogramEntropy', 'Entropy of values', '-', '-sum q ln q / ln 32 over 32 bins', 'Shannon 1948']
	]),
	...define('time', [
		[
			'zeroCrossingRate',
			'Zero crossings',
			'1/sample',
			'changes of sign of x / (n - 1)',
			'Kedem 1986, Proc. IEEE 74:1477-1493'
		],
		['slopeChangeRate', 'Slope changes', '1/sample', 'changes of sign of the slope / (n - 1)', 'Hudgins et al. 1993'],
		['mobility', 'Hjorth mobility', '-', 'sd(dx) / sd(x)', 'Hjorth 1970'],
		['complexity', 'Hjorth complexity', '-', 'mobility(dx) / mobility(x)', 'Hjorth 1970'],
		['autocorrelation1', 'Autocorrelation, lag 1', '-', 'mean x[i] x[i-1] / s^2', 'Box & Jenkins'],
		['autocorrelation8', 'Autocorrelation, lag 8', '-', 'mean x[i] x[i-8] / s^2', 'Box & Jenkins'],
		['energyKurtosis', 'Kurtosis of Teager energy', '-', 'kurtosis of x[i]^2 - x[i-1] x[i+1]', 'Kaiser 1990, ICASSP']
	]),
	...define('spectrum', [
		['centroid', 'Spectral centroid', '1/sample', 'sum f p', peeters],
		['spread', 'Spectral spread', '1/sample', 'sqrt(sum (f - centroid)^2 p)', peeters],
		['spectralSkewness', 'Spectral skewness', '-', 'sum (f - centroid)^3 p / spread^3', peeters],
		['spectralKurtosis', 'Kurtosis of the spectrum', '-', 'sum (f - centroid)^4 p / spread^4', peeters],
		['flatness', 'Spectral flatness', '-', 'geometric / arithmetic mean of P', 'Gray & Markel 1974'],
		['spectralEntropy', 'Spectral entropy', '-', '-sum p ln p / ln lines', 'Shannon 1948'],
		['medianFrequency', 'Median frequency', '1/sample', 'half of the power lies below', peeters],
		['rolloff', 'Roll-off', '1/sample', '85 % of the power lies below', peeters],
		['peakFrequency', 'Strongest frequency', '1/sample', 'f of max P', iso],
		['peakShare', 'Share of the strongest', '-', 'power in it and its two neighbours / all', iso],
		['spectralCrest', 'Spectral crest', '-', 'max P / mean P', peeters],
		['spectralSlope', 'Spectral slope', '-', 'least squares of ln P on ln f', peeters],
		...Array.from(
			{ length: spectrumBands },
			(_, i) =>
				[
					`band${String(i + 1).padStart(2, '0')}`,
					`Band ${i + 1} of ${spectrumBands}`,
					'-',
					`ln share of power from ${i}/32 to ${i + 1}/32 of the sampling rate`,
					'ISO 13373-2 (band energies)'
				] as const
		)
	]),
	...define('envelope', [
		['envelopeMean', 'Envelope mean', 'unit', 'mean of e = |analytic signal|', randall],
		['envelopeDeviation', 'Envelope deviation', 'unit', 'standard deviation of e', randall],
		['envelopeModulation', 'Modulation', '-', 'standard deviation / mean of e', randall],
		['envelopeKurtosis', 'Envelope kurtosis', '-', 'kurtosis of e', randall],
		['envelopeCrest', 'Envelope crest factor', '-', 'max e / RMS e', randall],
		[
			'envelopePeakFrequency',
			'Strongest modulation',
			'1/sample',
			'f of the largest line of the spectrum of e',
			randall
		],
		['envelopePeakShare', 'Share of it', '-', 'power in it and its two neighbours / all', randall],
		['envelopeEntropy', 'Entropy of the modulation', '-', 'spectral entropy of e', 'Shannon 1948'],
		...Array.from(
			{ length: envelopeBands },
			(_, i) =>
				[
					`envelopeBand${i + 1}`,
					`Modulation band ${i + 1} of ${envelopeBands}`,
					'-',
					`ln share of the power of e from ${i}/48 to ${i + 1}/48 of the sampling rate`,
					randall
				] as const
		)
	]),
	...define('cepstrum', [
		[
			'cepstrumPeak',
			'Cepstrum peak',
			'-',
			'largest value of IFFT(ln|X|) from quefrency 8 on',
			'Bogert, Healy & Tukey 1963'
		],
		['cepstrumQuefrency', 'Quefrency of it', 'samples', 'where that is', 'Randall 2017, MSSP 97:3-19']
	])
];

export const featureIds: readonly string[] = featureCatalogue.map(({ id }) => id);
const at = new Map(featureIds.map((id, i) => [id, i]));

/** Place of a feature in the vector. @throws MillwrightError `not-found` */
export function featureIndex(id: string): number {
	const index = at.get(id);
	if (index === undefined) throw new MillwrightError('not-found', `There is no feature named "${id}"`);
	return index;
}

const over = (a: number, b: number) => (b > 0 ? a / b : 0);

/**
 * The whole catalogue for one waveform; all finite.
 * @throws MillwrightError `not-enough-data` below 32 samples, `invalid-input` where a sample is not a finite number.
 */
export function extractFeatures(samples: ArrayLike<number>): Float64Array {
	const count = samples.length;
	if (count < minimumWaveformSamples)
		throw new MillwrightError(
			'not-enough-data',
			`A waveform needs at least ${minimumWaveformSamples} samples; this has ${count}`
		);
	for (let i = 0; i < count; i++)
		if (!Number.isFinite(samples[i]!))
			throw new MillwrightError('invalid-input', `Sample ${i + 1} of ${count} is not a number`);
	const sorted = Float64Array.from(samples).sort();
	const [min, max] = [sorted[0]!, sorted[count - 1]!];
	const moments = momentsOf(samples);
	const { mean, deviation } = moments;
	const { rms, peak, meanAbsolute, squareRootMean } = amplitudesOf(samples, mean);
	const crossings = crossingRates(samples, mean);
	const differences = differenceDeviations(samples);
	const [p25, p75] = [quantileOf(sorted, 0.25), quantileOf(sorted, 0.75)];
	const density = powerDensity(samples);
	const shape = shapeOf(density);
	const envelope = envelopeOf(samples);
	const envelopeMoments = momentsOf(envelope);
	const envelopeDensity = powerDensity(envelope);
	// Modulation is far slower than what it modulates: the lowest quarter of the lines.
	const slow = {
		...envelopeDensity,
		values: envelopeDensity.values.subarray(0, (envelopeDensity.values.length >> 2) + 1)
	};
	const envelopeShape = shapeOf(slow);
	let envelopePeak = 0;
	for (const value of envelope) envelopePeak = Math.max(envelopePeak, value);
	const envelopeRms = Math.hypot(envelopeMoments.mean, envelopeMoments.deviation);
	const cepstrum = realCepstrum(samples);
	let quefrency = 8;
	for (let i = 8; i < cepstrum.length; i++) if (cepstrum[i]! > cepstrum[quefrency]!) quefrency = i;
	const mobility = over(differences.first, deviation);
	return Float64Array.of(
		mean,
		rms,
		peak,
		max - min,
		meanAbsolute,
		squareRootMean,
		min,
		max,
		quantileOf(sorted, 0.5),
		quantileOf(sorted, 0.05),
		p25,
		p75,
		quantileOf(sorted, 0.95),
		p75 - p25,
		differences.first,
		trendOf(samples),
		moments.skewness,
		moments.kurtosis,
		over(peak, rms),
		over(rms, meanAbsolute),
		over(peak, meanAbsolute),
		over(peak, squareRootMean),
		histogramEntropy(samples, min, max),
		crossings.zero,
		crossings.slope,
		mobility,
		over(over(differences.second, differences.first), mobility),
		autocorrelationAt(samples, 1, moments),
		autocorrelationAt(samples, 8, moments),
		energyOperatorKurtosis(samples, mean),
		shape.centroidHz,
		shape.spreadHz,
		shape.skewness,
		shape.kurtosis,
		shape.flatness,
		shape.entropy,
		shape.medianHz,
		shape.rolloffHz,
		shape.peakHz,
		shape.peakShare,
		shape.crest,
		shape.slope,
		...logBandShares(density, spectrumBands),
		envelopeMoments.mean,
		envelopeMoments.deviation,
		over(envelopeMoments.deviation, envelopeMoments.mean),
		envelopeMoments.kurtosis,
		over(envelopePeak, envelopeRms),
		envelopeShape.peakHz,
		envelopeShape.peakShare,
		envelopeShape.entropy,
		...logBandShares(slow, envelopeBands),
		cepstrum[quefrency] ?? 0,
		quefrency
	);
}
