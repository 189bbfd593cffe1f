/**
 * How machines and sensors are named.
 *
 * A machine id is its ISA-95 path joined by '/', outermost first, any level missing: "rotterdam/utilities/line-2/pump-3".
 * A sensor id is the machine id, a colon, and the sensor's name within the machine: "rotterdam/utilities/line-2/pump-3:flow".
 */
export type MachineId = string;
export type SensorId = string;

export interface AssetPath {
	readonly plant?: string;
	readonly area?: string;
	readonly line?: string;
	/** The machine itself; the last level. */
	readonly machine: string;
}

/** Characters that carry meaning in ids and MQTT topics; replaced by '_' in level names. */
// eslint-disable-next-line no-control-regex -- control characters are the point
const RESERVED = /[/:+#\u0000-\u001f]/g;

export function cleanLevel(name: string): string {
	return name.trim().replace(RESERVED, '_') || '_';
}

export function machineIdOf(path: AssetPath): MachineId {
	return [path.plant, path.area, path.line, path.machine]
		.filter((level): level is string => level !== undefined && level !== '')
		.map(cleanLevel)
		.join('/');
}

export function sensorIdOf(machineId: MachineId, sensorName: string): SensorId {
	return `${machineId}:${cleanLevel(sensorName)}`;
}

export function splitSensorId(sensorId: SensorId): { machineId: MachineId; sensorName: string } {
	const at = sensorId.lastIndexOf(':');
	return { machineId: sensorId.slice(0, at), sensorName: sensorId.slice(at + 1) };
}

/** A sensor's name within a sentence: "bearingTemperature" and "bearing_temperature" are "bearing temperature"; acronyms stay. */
export function spokenName(name: string): string {
	const words = name
		.replace(/([a-z0-9])([A-Z])/g, '$1 $2')
		.replace(/[_\-.]+/g, ' ')
		.trim()
		.split(/\s+/)
		.map((word) => (/^[A-Z][a-z]/.test(word) ? word.toLowerCase() : word))
		.join(' ');
	return words || name;
}

/** A fragment as a sentence's beginning: its first letter capital. */
export function sentence(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
