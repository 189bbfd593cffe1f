/**
 * Data Manipulation, features: the frequencies at which a machine's parts show, from their geometry.
 *
 * In: shaft speed, bearing and gear geometry as a data sheet states them. Out: named frequencies in Hz. Kinematic formulas for
 * pure rolling, inner ring turning (Randall & Antoni 2011, MSSP 25:485-520; ISO 13373-3 for the diagnosis).
 */
import { MillwrightError, type BearingGeometry, type MachineGeometry } from '../../contracts';

export interface BearingFrequencies {
	/** Ball passing the outer race. */
	readonly bpfoHz: number;
	/** Ball passing the inner race. */
	readonly bpfiHz: number;
	/** Spin of a rolling element; a defect on it strikes both races, at twice this. */
	readonly bsfHz: number;
	/** Cage (fundamental train). */
	readonly ftfHz: number;
}

/**
 * BPFO = n/2 fr (1 - d/D cos a), BPFI = n/2 fr (1 + d/D cos a), BSF = D/(2d) fr (1 - (d/D cos a)^2), FTF = fr/2 (1 - d/D cos a).
 * @throws MillwrightError `invalid-input` for a geometry that no bearing has.
 */
export function bearingFrequencies(bearing: BearingGeometry, shaftHz: number): BearingFrequencies {
	const { rollingElements: n, rollerDiameterMm: d, pitchDiameterMm: D, contactAngleDegrees: angle = 0 } = bearing;
	if (!Number.isInteger(n) || n < 3 || n > 200)
		throw new MillwrightError('invalid-input', `A bearing has 3 to 200 rolling elements, not ${n}`);
	if (!(d > 0 && D > d))
		throw new MillwrightError(
			'invalid-input',
			`The pitch diameter (${D} mm) must be larger than the rolling element's diameter (${d} mm), both above 0`
		);
	if (!(angle >= 0 && angle < 90))
		throw new MillwrightError('invalid-input', `The contact angle must be 0 to below 90 degrees, not ${angle}`);
	const ratio = (d / D) * Math.cos((angle * Math.PI) / 180);
	return {
		bpfoHz: (n / 2) * shaftHz * (1 - ratio),
		bpfiHz: (n / 2) * shaftHz * (1 + ratio),
		bsfHz: (D / (2 * d)) * shaftHz * (1 - ratio * ratio),
		ftfHz: (shaftHz / 2) * (1 - ratio)
	};
}

export interface NamedFrequency {
	readonly id: 'shaft' | 'shaft2' | 'shaft3' | 'bpfo' | 'bpfi' | 'bsf' | 'ftf' | 'mesh' | 'blade' | 'line2';
	readonly title: string;
	readonly hz: number;
	/** Distance of sidebands that go with it, Hz. */
	readonly sidebandHz?: number;
	/** Seen in the spectrum itself or in the envelope's. */
	readonly seenIn: 'spectrum' | 'envelope';
}

/** Every frequency that the geometry and the shaft speed name, in ascending order. */
export function namedFrequencies(geometry: MachineGeometry, shaftHz: number): NamedFrequency[] {
	const named: NamedFrequency[] = [];
	if (shaftHz > 0) {
		named.push({ id: 'shaft', title: '1× shaft', hz: shaftHz, seenIn: 'spectrum' });
		named.push({ id: 'shaft2', title: '2× shaft', hz: 2 * shaftHz, seenIn: 'spectrum' });
		named.push({ id: 'shaft3', title: '3× shaft', hz: 3 * shaftHz, seenIn: 'spectrum' });
		if (geometry.bearing) {
			const { bpfoHz, bpfiHz, bsfHz, ftfHz } = bearingFrequencies(geometry.bearing, shaftHz);
			named.push({ id: 'bpfo', title: 'Outer race (BPFO)', hz: bpfoHz, seenIn: 'envelope' });
			named.push({ id: 'bpfi', title: 'Inner race (BPFI)', hz: bpfiHz, sidebandHz: shaftHz, seenIn: 'envelope' });
			named.push({ id: 'bsf', title: 'Rolling element (2×BSF)', hz: 2 * bsfHz, sidebandHz: ftfHz, seenIn: 'envelope' });
			named.push({ id: 'ftf', title: 'Cage (FTF)', hz: ftfHz, seenIn: 'envelope' });
		}
		if (geometry.gearTeeth)
			named.push({
				id: 'mesh',
				title: 'Gear mesh',
				hz: geometry.gearTeeth * shaftHz,
				sidebandHz: shaftHz,
				seenIn: 'spectrum'
			});
		if (geometry.blades)
			named.push({ id: 'blade', title: 'Blade pass', hz: geometry.blades * shaftHz, seenIn: 'spectrum' });
	}
	if (geometry.lineFrequencyHz)
		named.push({ id: 'line2', title: '2× mains', hz: 2 * geometry.lineFrequencyHz, seenIn: 'spectrum' });
	return named.sort((a, b) => a.hz - b.hz);
}
