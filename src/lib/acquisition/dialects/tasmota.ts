/**
 * Dialect: Tasmota (`tele/<device>/SENSOR`, or `<device>/tele/SENSOR`): JSON with one object per chip, local time without zone, and the
 * units of some quantities named once per message. The last will (`LWT`) says whether the device is there; states hold nothing to store.
 */
import { placeOfLevels } from '../decode/topics';
import type { Dialect, MachinePlace, SensorDescription } from '../message';
import { decodeRecord } from './plain-json';

const TOPIC = /^(?:(.+)\/)?(?:tele|stat)\/(?:(.+)\/)?(SENSOR|STATE|STATUS\d*|LWT|INFO\d|UPTIME|RESULT|POWER\d*)$/;
/** "TempUnit":"C" says the unit of every field whose name ends so. */
const UNITS: readonly (readonly [string, RegExp, string])[] = [
	['TempUnit', /(Temperature|DewPoint)$/, '°'],
	['PressureUnit', /Pressure$/, ''],
	['SpeedUnit', /Speed$/, '']
];

export function createTasmota(): Dialect {
	const places = new Map<string, MachinePlace | undefined>();
	return {
		id: 'tasmota',
		title: 'Tasmota',
		levelsAreFree: false,
		claims: ({ topic }) => TOPIC.test(topic),
		decode(message, text, json, sink) {
			const [, before, after, kind] = TOPIC.exec(message.topic)!;
			if (kind !== 'SENSOR' && kind !== 'LWT') return sink.understood();
			const key = [before, after].filter(Boolean).join('/');
			if (!places.has(key)) {
				if (places.size > 100_000) places.clear();
				const levels = key.split('/');
				places.set(key, placeOfLevels(levels.length === 1 ? ['tasmota', ...levels] : levels));
			}
			const place = places.get(key);
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no device');
			if (kind === 'LWT') {
				const online = /^online$/i.test(text.trim());
				if (!online && !/^offline$/i.test(text.trim())) return sink.understood();
				return sink.presence(place, {
					online,
					reason: online ? 'Tasmota reports it online' : 'its broker session ended (Tasmota last will)'
				});
			}
			if (typeof json !== 'object' || json === null || Array.isArray(json))
				return sink.reject('invalid-json', 'a Tasmota SENSOR message is a JSON object');
			const fields = json as Record<string, unknown>;
			const described = new Map<string, SensorDescription>();
			const kept: Record<string, unknown> = {};
			for (const [name, value] of Object.entries(fields)) {
				if (name.endsWith('Unit')) continue;
				if (typeof value !== 'object' || value === null || Array.isArray(value)) {
					kept[name] = value;
					continue;
				}
				// The chip's address and the counters' start are no measurements.
				kept[name] = Object.fromEntries(
					Object.entries(value).filter(([inner]) => inner !== 'Id' && inner !== 'TotalStartTime')
				);
				for (const inner of Object.keys(value))
					for (const [field, pattern, prefix] of UNITS)
						if (pattern.test(inner) && typeof fields[field] === 'string')
							described.set(`${name}.${inner}`, { unit: `${prefix}${fields[field]}` });
			}
			decodeRecord(message, place, kept, sink);
			if (described.size > 0) sink.describe(place, undefined, described);
		}
	};
}
