/**
 * Diagnosis worker: which vibration levels of a machine a standard can grade, and why not the others.
 *
 * In: sensors with their newest values, newest waveforms per channel. Out: levels in mm/s RMS, or the reason for a refusal.
 */
import type { SensorRecord, Waveform } from '../../contracts';
import type { VibrationLevel } from '../../health';
import { leastGradingRateHz, measureWaveform, vibrationUnit } from '../../manipulation';

type Latest = ReadonlyMap<string, { readonly time: number; readonly value: number; readonly quality: number }>;

export function sensorLevels(sensors: readonly SensorRecord[], latest: Latest): VibrationLevel[] {
	return sensors
		.filter(({ kind }) => kind === 'vibration')
		.map(({ id, name, unit }) => {
			const newest = latest.get(id);
			const known = vibrationUnit(unit);
			const refuse = (refused: string) => ({ channel: name, ...(newest && { time: newest.time }), refused });
			if (unit === undefined) return refuse('its unit is unknown: state it (mm/s RMS is what the standard grades)');
			if (!known) return refuse(`its unit is ${unit}: the standard grades velocity in mm/s RMS`);
			if (known.quantity === 'acceleration')
				return refuse(
					`it is a level of acceleration (${unit}): velocity cannot be had from a level, publish a waveform`
				);
			if (!newest) return refuse('it has sent no value yet');
			if (newest.quality === 2) return refuse('its newest value has bad quality');
			return { channel: name, time: newest.time, velocityRms: newest.value * known.factor };
		});
}

export function waveformLevel(waveform: Waveform): VibrationLevel {
	const { channel, time, sampleRateHz, unit } = waveform;
	const known = vibrationUnit(unit);
	if (sampleRateHz === undefined)
		return { channel, time, refused: 'the sampling rate of its waveforms is unknown: send `sampleRate` with them' };
	if (unit === undefined)
		return { channel, time, refused: 'the unit of its waveforms is unknown: send `unit` with them' };
	if (!known)
		return {
			channel,
			time,
			refused: `its waveforms are in ${unit}, no unit of acceleration or velocity that is known`
		};
	const { velocityRms } = measureWaveform(waveform);
	if (velocityRms === undefined)
		return {
			channel,
			time,
			refused: `its waveforms are sampled at ${sampleRateHz} Hz: 10 to 1,000 Hz need at least ${leastGradingRateHz} Hz`
		};
	return { channel, time, velocityRms };
}
