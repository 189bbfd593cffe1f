/**
 * Dialect: Homie 3 to 5 (homieiot.github.io): `homie/[5/]<device>/<node>/<property>` holds one value as text; attributes (`$unit`, or in
 * version 5 the `$description` document) give units, `$state` says whether the device is there. The sensor is `node.property`.
 */
import { isFields } from '../decode/fields';
import { describeValue, parseJson, parseNumericText } from '../decode/numbers';
import { placeOfLevels, sensorNameOf } from '../decode/topics';
import type { DecodeSink, Dialect, MachinePlace, SensorDescription } from '../message';

const TEXT_TYPES = new Set(['string', 'enum', 'color', 'datetime', 'duration', 'json']);
/** Homie's device life cycle; "sleeping" devices send nothing by intent and count as there. */
const STATE_REASONS = new Map([
	['init', 'Homie state: it is starting'],
	['ready', 'Homie state: ready'],
	['sleeping', 'Homie state: sleeping'],
	['alert', 'Homie state: it asks for attention'],
	['disconnected', 'it signed off (Homie state: disconnected)'],
	['lost', 'its broker session ended (Homie state: lost)']
]);
const GONE = new Set(['disconnected', 'lost']);
const MAX_PROPERTIES = 200_000;

export function createHomie(): Dialect {
	/** Data types that hold no number, by device/node/property. */
	const textual = new Set<string>();
	return {
		id: 'homie',
		title: 'Homie',
		levelsAreFree: false,
		claims: ({ topic }) => topic.startsWith('homie/'),
		decode(message, text, _json, sink) {
			const levels = message.topic.split('/').slice(1);
			if (levels[0] === '5') levels.shift();
			const [device, node, property, attribute] = levels;
			const place = device ? placeOfDevice(device) : undefined;
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no device');
			if (node === '$description') return describeDevice(place, device!, text, textual, sink);
			if (node === '$state') {
				const reason = STATE_REASONS.get(text.trim());
				if (!reason) return sink.understood();
				return sink.presence(place, { online: !GONE.has(text.trim()), reason });
			}
			if (node === undefined || node.startsWith('$') || property === undefined || property.startsWith('$'))
				return sink.understood();
			const sensor = sensorNameOf(`${node}.${property}`);
			const key = `${device}/${node}/${property}`;
			if (attribute !== undefined) {
				if (attribute === '$unit' && text.trim() !== '') {
					const unit = new Map<string, SensorDescription>([[sensor, { unit: text.trim() }]]);
					sink.describe(place, undefined, unit);
				} else if (attribute === '$datatype' && TEXT_TYPES.has(text.trim()) && textual.size < MAX_PROPERTIES)
					textual.add(key);
				return sink.understood();
			}
			if (textual.has(key)) return sink.understood();
			const bare = text.trim();
			const value = bare === 'true' ? 1 : bare === 'false' ? 0 : parseNumericText(bare);
			if (value === undefined) return sink.reject('not-a-number', `${describeValue(bare)} is not a number`);
			sink.value(place, sensor, value, undefined);
		}
	};
}

function placeOfDevice(device: string): MachinePlace | undefined {
	return placeOfLevels(['homie', device]);
}

function describeDevice(
	place: MachinePlace,
	device: string,
	text: string,
	textual: Set<string>,
	sink: DecodeSink
): void {
	sink.understood();
	let description: unknown;
	try {
		description = parseJson(text);
	} catch {
		return sink.reject('invalid-json', 'the device description cannot be parsed');
	}
	const nodes = isFields(description) && isFields(description['nodes']) ? description['nodes'] : {};
	const sensors = new Map<string, SensorDescription>();
	for (const [node, about] of Object.entries(nodes)) {
		const properties = isFields(about) && isFields(about['properties']) ? about['properties'] : {};
		for (const [property, said] of Object.entries(properties)) {
			if (!isFields(said)) continue;
			if (typeof said['unit'] === 'string') sensors.set(sensorNameOf(`${node}.${property}`), { unit: said['unit'] });
			if (TEXT_TYPES.has(String(said['datatype'])) && textual.size < MAX_PROPERTIES)
				textual.add(`${device}/${node}/${property}`);
		}
	}
	if (sensors.size > 0) sink.describe(place, undefined, sensors);
}
