/**
 * Data Acquisition: the kind of a sensor (what it measures), for grouping and icons, from its unit or name.
 *
 * In: name and stated unit. Out: a kind, "other" when unclear. Only the kind is guessed; a unit never is.
 */
import type { SensorKind } from '../contracts';

const BY_UNIT: readonly (readonly [RegExp, SensorKind])[] = [
	[/^(°|deg ?)?[cfk]$|^(celsius|kelvin|fahrenheit)$/i, 'temperature'],
	[/^(mm|m|cm|in)\/s(ec)?( ?rms)?$|^g( ?rms)?$|^m\/s(2|²|\^2)$/i, 'vibration'],
	[/^(m|k)?bar(\(?[ag]\)?)?$|^[kmh]?pa$|^psi$/i, 'pressure'],
	[/^(m3|m³|l|ml|nl|nm3|kg|t|gal)\/(h|min|s)$|^lpm$|^gpm$|^cfm$/i, 'flow'],
	[/^[mkµu]?a$|^amp(s|ere)?$/i, 'current'],
	[/^[mk]?v$|^volts?$/i, 'voltage'],
	[/^[mk]?w$|^[k]?va(r)?$|^watts?$|^hp$/i, 'power'],
	[/^rpm$|^1\/min$|^min-1$|^hz$|^rev\/(s|min)$/i, 'speed'],
	[/^[km]?n\.?·?m$/i, 'torque'],
	[/^(µm|um)$/i, 'wear'],
	[/^mm$|^cm$|^m$/i, 'position']
];

const BY_NAME: readonly (readonly [RegExp, SensorKind])[] = [
	[/temp|thermo|celsius/, 'temperature'],
	[/vib|accel|rms_?v|velocity_rms/, 'vibration'],
	[/press|druck|vacuum/, 'pressure'],
	[/flow|durchfluss|throughput/, 'flow'],
	[/current|ampere|strom/, 'current'],
	[/volt|spannung/, 'voltage'],
	[/power|leistung|energy/, 'power'],
	[/torque|moment/, 'torque'],
	[/wear/, 'wear'],
	[/speed|rpm|drehzahl|frequency/, 'speed'],
	[/level|fill/, 'level'],
	[/position|stroke|displacement/, 'position'],
	[/running|enabled|alarm|fault|state|door|switch/, 'state']
];

export function guessKind(name: string, unit: string | undefined): SensorKind {
	if (unit) for (const [pattern, kind] of BY_UNIT) if (pattern.test(unit.trim())) return kind;
	const plain = name.toLowerCase();
	for (const [pattern, kind] of BY_NAME) if (pattern.test(plain)) return kind;
	return 'other';
}
