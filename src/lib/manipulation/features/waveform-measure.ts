/**
 * Data Manipulation, features: the few figures of a waveform that are kept over time.
 *
 * In: a waveform. Out: RMS, crest factor, kurtosis, RMS of the high-frequency envelope's swing, and, where unit and sampling rate allow
 * it, velocity in mm/s RMS from 10 to 1,000 Hz, which is what ISO 20816 grades.
 */
import type { Waveform, WaveformSeriesFeature } from '../../contracts';
import { envelopeOf, meanOf, powerDensity } from './fourier';
import { velocityRms } from './spectral';
import { amplitudesOf, momentsOf } from './statistical';

/** How many m/s2 (acceleration) or mm/s (velocity) one unit is; undefined: no vibration unit that is known. */
export function vibrationUnit(
	unit: string | undefined
): { readonly quantity: 'acceleration' | 'velocity'; readonly factor: number } | undefined {
	const plain = unit
		?.trim()
		.toLowerCase()
		.replace(/²|\^2/g, '2')
		.replace(/\s+/g, '')
		.replace(/rms$|pk$|peak$/, '');
	if (plain === 'g' || plain === 'gn') return { quantity: 'acceleration', factor: 9.80665 };
	if (plain === 'mg') return { quantity: 'acceleration', factor: 0.00980665 };
	if (plain === 'm/s2') return { quantity: 'acceleration', factor: 1 };
	if (plain === 'mm/s2') return { quantity: 'acceleration', factor: 0.001 };
	if (plain === 'mm/s') return { quantity: 'velocity', factor: 1 };
	if (plain === 'm/s') return { quantity: 'velocity', factor: 1000 };
	if (plain === 'in/s' || plain === 'ips') return { quantity: 'velocity', factor: 25.4 };
	return undefined;
}

/** Half of the lines up to the Nyquist frequency: resonances that bearing impacts ring, above shaft and gear lines. */
export function envelopeBand(sampleRateHz: number): readonly [lowHz: number, highHz: number] {
	return [sampleRateHz / 8, sampleRateHz * 0.45];
}

/** Lines up to 1,000 Hz need a sampling rate of 2,000 Hz and a filter's room above it (ISO 2954). */
export const leastGradingRateHz = 2_560;

export function measureWaveform(waveform: Waveform): Partial<Record<WaveformSeriesFeature, number>> {
	const { samples, sampleRateHz } = waveform;
	const moments = momentsOf(samples);
	const { rms, peak } = amplitudesOf(samples, moments.mean);
	const envelope = envelopeOf(samples, sampleRateHz ?? 1, envelopeBand(sampleRateHz ?? 1));
	const unit = vibrationUnit(waveform.unit);
	const graded = unit && sampleRateHz !== undefined && sampleRateHz >= leastGradingRateHz;
	return {
		rms,
		crestFactor: rms > 0 ? peak / rms : 0,
		kurtosis: moments.kurtosis,
		envelopeRms: amplitudesOf(envelope, meanOf(envelope)).rms,
		...(graded && {
			velocityRms: unit.factor * velocityRms(powerDensity(samples, sampleRateHz), [10, 1000], unit.quantity)
		})
	};
}
