/** State, pure: units offered where nobody has stated one. Offered to be tapped, never taken by themselves. */
import type { SensorKind } from '$lib/contracts';

const UNITS: Readonly<Record<SensorKind, readonly string[]>> = {
	temperature: ['°C', '°F', 'K'],
	vibration: ['mm/s', 'g', 'm/s²', 'in/s'],
	pressure: ['bar', 'kPa', 'psi'],
	flow: ['l/min', 'm³/h', 'gpm'],
	current: ['A', 'mA'],
	voltage: ['V', 'mV', 'kV'],
	power: ['kW', 'W', 'kWh'],
	speed: ['rpm', 'Hz', 'm/s'],
	torque: ['Nm', '%'],
	wear: ['mm', 'µm', '%'],
	level: ['%', 'm', 'l'],
	position: ['mm', 'm', '°'],
	state: [],
	other: ['%', '°C', 'bar', 'A', 'mm/s', 'rpm']
};

export function unitSuggestions(kind: SensorKind): readonly string[] {
	return UNITS[kind];
}
