/**
 * Dialect: Zigbee2MQTT (`zigbee2mqtt/<friendly name>`): flat JSON, time in `last_seen`; `bridge/devices` gives the units, `availability` says
 * whether a device is there, `bridge/state` the same of all. What only concerns the radio or updates is left out.
 */
import { isFields, type Fields } from '../decode/fields';
import { parseTimestamp } from '../decode/timestamps';
import { placeOf, placeOfDevice, sensorNameOf } from '../decode/topics';
import type { DecodeSink, Dialect, MachinePlace, SensorDescription } from '../message';
import { decodeRecord } from './plain-json';

const GATEWAY = 'zigbee2mqtt';
const BASE = `${GATEWAY}/`;
const NOT_MEASURED = new Set(['last_seen', 'update', 'update_available', 'device', 'elapsed', 'action']);

export function createZigbee2mqtt(): Dialect {
	return {
		id: 'zigbee2mqtt',
		title: 'Zigbee2MQTT',
		levelsAreFree: false,
		claims: ({ topic }) => topic.startsWith(BASE),
		decode(message, text, json, sink) {
			const name = message.topic.slice(BASE.length);
			if (name.startsWith('bridge/')) {
				if (name === 'bridge/state' && onlineIn(text, json) === false)
					sink.presence(ALL_DEVICES, { online: false, reason: 'the Zigbee2MQTT bridge is offline', within: true });
				if (name === 'bridge/devices' && Array.isArray(json)) describeDevices(json, sink);
				return sink.understood();
			}
			if (/\/(set|get)$/.test(name)) return sink.understood();
			if (name.endsWith('/availability')) {
				const device = placeOfDevice(name.slice(0, -'/availability'.length), GATEWAY);
				const online = onlineIn(text, json);
				if (!device || online === undefined) return sink.understood();
				return sink.presence(device, { online, reason: `Zigbee2MQTT reports it ${online ? 'online' : 'offline'}` });
			}
			const place = placeOfDevice(name, GATEWAY);
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no device');
			if (!isFields(json)) return sink.reject('no-values', 'a Zigbee2MQTT device sends a JSON object');
			const fields: Fields = {};
			for (const [key, value] of Object.entries(json)) {
				if (NOT_MEASURED.has(key)) continue;
				fields[key] = value === 'ON' || value === 'OPEN' ? 1 : value === 'OFF' || value === 'CLOSE' ? 0 : value;
			}
			const seen = parseTimestamp(json['last_seen'], message.receivedAt);
			if (seen !== undefined) fields['ts'] = seen;
			if (Object.keys(fields).length === 0) return sink.understood();
			decodeRecord(message, place, fields, sink);
		}
	};
}

const ALL_DEVICES: MachinePlace = placeOf({ machine: GATEWAY });

/** `online`, or since version 1.18 `{"state":"online"}`. */
function onlineIn(text: string, json: unknown): boolean | undefined {
	const said = isFields(json) ? json['state'] : text.trim();
	return said === 'online' ? true : said === 'offline' ? false : undefined;
}

function describeDevices(devices: readonly unknown[], sink: DecodeSink): void {
	for (const device of devices) {
		if (!isFields(device)) continue;
		const definition = device['definition'];
		const sensors = new Map<string, SensorDescription>();
		if (isFields(definition)) collectUnits(definition['exposes'], sensors, 0);
		const place = placeOfDevice(device['friendly_name'], GATEWAY);
		if (place && sensors.size > 0) sink.describe(place, undefined, sensors);
	}
}

function collectUnits(exposes: unknown, into: Map<string, SensorDescription>, depth: number): void {
	if (!Array.isArray(exposes) || depth > 4) return;
	for (const exposed of exposes as unknown[]) {
		if (!isFields(exposed)) continue;
		const { property, unit, features } = exposed;
		if (typeof property === 'string' && typeof unit === 'string') into.set(sensorNameOf(property), { unit });
		collectUnits(features, into, depth + 1);
	}
}
