import { describe, expect, it } from 'vitest';
import {
	formatAge,
	formatBytes,
	formatDuration,
	formatQuantity,
	formatShare,
	formatTime,
	formatUnit,
	formatValue,
	sensorLabel
} from '$lib/words';

describe('values', () => {
	it('are shown to what the sensor resolves', () => {
		expect(formatValue(12.3456, 0.01)).toBe('12.35');
		expect(formatValue(12.3456, 5)).toBe('12');
		expect(formatQuantity(0.5, 'bar', 0.1)).toBe('0.5 bar');
	});
	it('are shown to about four digits when the resolution is not known', () => {
		expect([1234.5678, 12.345678, 0.012345678].map((value) => formatValue(value))).toEqual([
			'1235',
			'12.35',
			'0.01235'
		]);
	});
	it('use a minus sign, and none before zero', () => {
		expect(formatValue(-3.2, 0.1)).toBe('\u22123.2');
		expect(formatValue(-0.001, 0.1)).toBe('0.0');
	});
	it('are a dash when there is none', () => {
		expect(formatValue(undefined)).toBe('–');
		expect(formatValue(NaN, 0.1)).toBe('–');
		expect(formatShare(NaN)).toBe('–');
	});
});

describe('times', () => {
	const now = new Date(2026, 10, 23, 14, 2, 11).getTime();
	it('carry the day when it is not today, and the year when it is not this one', () => {
		expect(formatTime(now, now)).toBe('14:02:11');
		expect(formatTime(new Date(2026, 2, 3, 9, 5).getTime(), now)).toBe('3 Mar, 09:05');
		expect(formatTime(new Date(2020, 2, 3, 9, 5).getTime(), now)).toBe('3 Mar 2020, 09:05');
	});
	it('have ages; a clock slightly ahead is now', () => {
		expect(formatAge(now + 400, now)).toBe('just now');
		expect(formatAge(now - 4_000, now)).toBe('4 s ago');
		expect(formatAge(now - 3 * 3_600_000, now)).toBe('3 h ago');
	});
	it('last in the unit that fits', () => {
		expect([45_000, 240_000, 7_200_000, 259_200_000].map(formatDuration)).toEqual(['45 s', '4 min', '2 h', '3 d']);
	});
});

it('says bytes in powers of a thousand', () => {
	expect([12, 1_200, 345_000_000, 1.5e9].map(formatBytes)).toEqual(['12 B', '1.2 kB', '345 MB', '1.5 GB']);
});

it('reads sensor names as words', () => {
	expect(['bearingTemperature', 'oil_level', 'Accelerometer1RMS', 'flow'].map(sensorLabel)).toEqual([
		'Bearing temperature',
		'Oil level',
		'Accelerometer1 RMS',
		'Flow'
	]);
});

it('writes units as people do', () => {
	expect(['m/s2', 'mm/s2', 'm3/h', 'kg/cm2', 'Cel', 'mmH2O', 'mm/s', '%O2', 'l/min'].map(formatUnit)).toEqual([
		'm/s²',
		'mm/s²',
		'm³/h',
		'kg/cm²',
		'°C',
		'mmH2O',
		'mm/s',
		'%O2',
		'l/min'
	]);
	expect(formatQuantity(90.4, 'm3/h', 0.1)).toBe('90.4 m³/h');
});
