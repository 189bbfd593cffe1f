/**
 * Data Manipulation, features: how the frequencies that a machine's geometry names stand in its spectra.
 *
 * In: a waveform, geometry, shaft speed. Out: both spectra and, per named frequency, its line, the noise around it and its sidebands. Lines are
 * looked for within 1.5 % of the frequency: speed is never known exactly and rolling elements slip (Randall & Antoni 2011).
 */
import type { FrequencyFinding, MachineGeometry, Waveform } from '../../contracts';
import { amplitudeSpectrum, envelopeOf, type Spectrum } from './fourier';
import { namedFrequencies } from './machine-frequencies';
import { amplitudeAt, floorAround } from './spectral';
import { envelopeBand, vibrationUnit } from './waveform-measure';

const tolerance = 0.015;

export interface ReadSpectra {
	readonly spectrum: Spectrum;
	readonly envelope: Spectrum;
	readonly findings: readonly FrequencyFinding[];
}

export function readSpectra(waveform: Waveform, geometry: MachineGeometry, shaftHz: number | undefined): ReadSpectra {
	const rate = waveform.sampleRateHz ?? 1;
	const spectrum = amplitudeSpectrum(waveform.samples, rate);
	const envelope = amplitudeSpectrum(envelopeOf(waveform.samples, rate, envelopeBand(rate)), rate);
	if (waveform.sampleRateHz === undefined) return { spectrum, envelope, findings: [] };
	const unit = vibrationUnit(waveform.unit);
	const findings = namedFrequencies(geometry, shaftHz ?? 0)
		.filter(({ hz }) => hz < rate / 2 && hz > 2 * spectrum.stepHz)
		.map(({ id, title, hz, seenIn, sidebandHz }) => {
			const where = seenIn === 'envelope' ? envelope : spectrum;
			const reach = Math.max(tolerance * hz, where.stepHz);
			const amplitude = amplitudeAt(where, hz, reach);
			const floor = floorAround(where, hz, Math.max(20 * where.stepHz, 0.25 * hz), reach);
			const sides =
				sidebandHz !== undefined && amplitude > 0
					? (amplitudeAt(where, hz - sidebandHz, reach) + amplitudeAt(where, hz + sidebandHz, reach)) / amplitude
					: undefined;
			return {
				id,
				title,
				hz,
				seenIn,
				amplitude,
				floor,
				prominence: floor > 0 ? amplitude / floor : 0,
				...(unit && seenIn === 'spectrum' && { velocityRms: velocityOf(amplitude * unit.factor, hz, unit.quantity) }),
				...(sides !== undefined && { sidebandShare: sides })
			};
		});
	return { spectrum, envelope, findings };
}

/** mm/s RMS of a line with so many m/s^2 (or mm/s) peak. */
function velocityOf(peak: number, hz: number, quantity: 'acceleration' | 'velocity'): number {
	return (quantity === 'velocity' ? peak : (1000 * peak) / (2 * Math.PI * hz)) / Math.SQRT2;
}

/** Largest value of each of `lines` equal groups: a spectrum at the resolution of a chart, no line lost. */
export function thinSpectrum(
	{ values, stepHz }: Spectrum,
	lines: number,
	upToHz: number
): { stepHz: number; values: Float32Array } {
	const used = Math.min(values.length, Math.max(2, Math.floor(upToHz / stepHz) + 1));
	const group = Math.max(1, Math.ceil(used / lines));
	const thin = new Float32Array(Math.ceil(used / group));
	for (let k = 0; k < used; k++) {
		const at = Math.floor(k / group);
		thin[at] = Math.max(thin[at]!, values[k]!);
	}
	return { stepHz: stepHz * group, values: thin };
}
