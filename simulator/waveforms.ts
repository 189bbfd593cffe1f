/**
 * Simulator: what an accelerometer on the drive end records - physics of shaft, bearing, gear and flow, seeded.
 *
 * In: class, shaft speed, severities, seed and time. Out: samples in m/s^2. Apart from the machine's own physics and random streams: whether a
 * waveform is made changes no other value. Shaft lines carry the velocities that the RMS sensor shows; bearing defects ring a
 * resonance at every strike (McFadden & Smith 1984), a cracked tooth modulates the mesh once a turn (McFadden 1986).
 */
import type { BearingGeometry, MachineClassId, MachineDeclaration } from '../src/lib/contracts';
import { bellOf, hash, uniformOf } from './random';

export const waveformSampleRateHz = 12_800;
export const waveformSamples = 8_192;
export const waveformChannel = 'driveEnd';

/** An SKF 6309-like and a 6205-like deep-groove ball bearing. */
const large: BearingGeometry = {
	name: '6309',
	rollingElements: 8,
	rollerDiameterMm: 17.5,
	pitchDiameterMm: 72.5,
	contactAngleDegrees: 0
};
const small: BearingGeometry = {
	name: '6205',
	rollingElements: 9,
	rollerDiameterMm: 7.94,
	pitchDiameterMm: 39.04,
	contactAngleDegrees: 0
};

interface WaveformClass {
	/** Name of the sensor that shows the shaft's speed, rpm. */
	readonly speedSensor: string;
	readonly declared: MachineDeclaration;
	/** Velocity of 1x on a healthy machine at full speed, mm/s RMS. */
	readonly imbalance: number;
}

/** Classes whose machines carry an accelerometer. */
export const waveformClasses: Partial<Record<MachineClassId, WaveformClass>> = {
	'centrifugal-pump': {
		speedSensor: 'speed',
		declared: {
			vibrationGroup: 'group-2-rigid',
			geometry: { shaftRpm: 2900, bearing: large, blades: 6, lineFrequencyHz: 50 }
		},
		imbalance: 0.55
	},
	'electric-motor': {
		speedSensor: 'speed',
		declared: { vibrationGroup: 'group-2-rigid', geometry: { shaftRpm: 1487, bearing: large, lineFrequencyHz: 50 } },
		imbalance: 0.7
	},
	'gearbox-conveyor': {
		speedSensor: 'motorSpeed',
		declared: {
			vibrationGroup: 'group-2-rigid',
			geometry: { shaftRpm: 1486, bearing: small, gearTeeth: 23, lineFrequencyHz: 50 }
		},
		imbalance: 0.5
	}
};

/** Acceleration in m/s^2 of a machine at `shaftHz`; all quiet noise when it stands. */
export function synthesise(
	machineClass: MachineClassId,
	shaftHz: number,
	severityOf: (fault: string) => number,
	seed: number
): Float64Array {
	const kind = waveformClasses[machineClass]!;
	const samples = new Float64Array(waveformSamples);
	const turn = 2 * Math.PI;
	const dt = 1 / waveformSampleRateHz;
	const noise = shaftHz > 1 ? 0.35 : 0.02;
	const cavitation = severityOf('cavitation');
	for (let i = 0; i < samples.length; i++) samples[i] = noise * bellOf(hash(seed, 1), i);
	if (shaftHz <= 1) return samples;
	const rated = (kind.declared.geometry!.shaftRpm ?? 1500) / 60;
	const speed = shaftHz / rated;
	/** A line of so many mm/s RMS. */
	const line = (hz: number, velocity: number, key: number) => {
		const amplitude = (velocity / 1000) * Math.SQRT2 * turn * hz;
		const phase = turn * uniformOf(hash(seed, 2), key);
		for (let i = 0; i < samples.length; i++) samples[i]! += amplitude * Math.sin(turn * hz * i * dt + phase);
	};
	const eccentric = kind.imbalance + 4.5 * severityOf('imbalance') + 1.6 * severityOf('impeller-wear');
	line(shaftHz, eccentric * speed * speed, 1);
	line(2 * shaftHz, 0.15 + 4.8 * severityOf('misalignment') * speed * speed, 2);
	line(3 * shaftHz, 0.08 + 1.2 * severityOf('misalignment') * speed * speed, 3);
	line(100, 0.08, 4);
	const { bearing, gearTeeth, blades } = kind.declared.geometry!;
	if (blades) line(blades * shaftHz, 0.12 + 0.5 * cavitation, 5);
	if (cavitation > 0.01 && blades)
		for (let i = 0; i < samples.length; i++) {
			const swing = 1 + 0.6 * Math.sin(turn * blades * shaftHz * i * dt);
			samples[i]! += 7 * cavitation * swing * bellOf(hash(seed, 6), i);
		}
	if (gearTeeth) {
		const crack = severityOf('gear-crack');
		const mesh = gearTeeth * shaftHz;
		const amplitude = 1.2;
		for (let i = 0; i < samples.length; i++) {
			const angle = turn * shaftHz * i * dt;
			const dip = 1 + 0.9 * crack * Math.cos(angle) ** 9;
			samples[i]! += amplitude * (1 + 2 * crack) * dip * Math.sin(turn * mesh * i * dt) * 0.6;
		}
		if (crack > 0.02) strikes(samples, shaftHz, 0, 18 * crack, 2_600, 700, hash(seed, 7));
	}
	if (bearing) {
		const wear = Math.max(severityOf('bearing-wear'), 0.4 * severityOf('lubrication-loss'));
		const ratio = bearing.rollerDiameterMm / bearing.pitchDiameterMm;
		const outer = (bearing.rollingElements / 2) * shaftHz * (1 - ratio);
		// rolling elements slip: strikes jitter by about 1 %
		if (wear > 0.005) {
			strikes(samples, outer, 0.01, 2 + 45 * wear, 3_400, 900, hash(seed, 8));
			// the housing answers lower too: that is what a velocity level sees
			strikes(samples, outer, 0.01, 70 * wear, 640, 250, hash(seed, 8));
		}
	}
	return samples;
}

/** Decaying ringing at `resonanceHz` from strikes `rateHz` times a second; decay is per second. */
function strikes(
	samples: Float64Array,
	rateHz: number,
	jitter: number,
	amplitude: number,
	resonanceHz: number,
	decay: number,
	seed: number
): void {
	const reach = Math.ceil((5 / decay) * waveformSampleRateHz);
	for (let n = 0, time = uniformOf(seed, 0) / rateHz; time * waveformSampleRateHz < samples.length; n++) {
		const start = Math.ceil(time * waveformSampleRateHz);
		const size = amplitude * (1 + 0.15 * bellOf(hash(seed, 1), n));
		for (let i = start; i < Math.min(samples.length, start + reach); i++) {
			const since = i / waveformSampleRateHz - time;
			samples[i]! += size * Math.exp(-decay * since) * Math.sin(2 * Math.PI * resonanceHz * since);
		}
		time += (1 + jitter * bellOf(hash(seed, 2), n)) / rateHz;
	}
}
