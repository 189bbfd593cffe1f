/**
 * Dialect: Kepware's IoT Gateway, standard template: `{timestamp, values: [{id, v, q, t}]}`, where an id is `channel.device[.group].tag`
 * and q says whether the value is good. One topic carries the tags of many devices, so the id names the machine, below the topic.
 */
import { Quality } from '../../contracts';
import { describeValue, isMissingNumber, parseNumber } from '../decode/numbers';
import { parseTimestamp } from '../decode/timestamps';
import { levelsOf, placeOfLevels, sensorNameOf, type TopicCache } from '../decode/topics';
import type { Dialect, MachinePlace } from '../message';

interface TagValue {
	readonly id: string;
	readonly v: unknown;
	readonly q: boolean;
	readonly t: unknown;
}

/** `_System._Time`, `Channel1._Statistics._TxBytes`: what the server says of itself. */
const OWN_TAG = /(?:^|\.)_/;

export function createKepware(topics: TopicCache): Dialect {
	return {
		id: 'kepware',
		title: 'Kepware IoT Gateway',
		levelsAreFree: true,
		claims: (_message, _text, json) => {
			const values = (json as { values?: unknown } | undefined)?.values;
			return Array.isArray(values) && values.length > 0 && values.every(isTagValue);
		},
		decode(message, _text, json, sink) {
			const above = topics.resolve(message.topic).machine;
			for (const { id, v, q, t } of (json as { values: TagValue[] }).values) {
				if (OWN_TAG.test(id)) {
					sink.understood();
					continue;
				}
				const { place, tag } = ownerOf(above, id);
				if (!place) {
					sink.reject('no-machine-in-topic', `'${id}': neither topic nor tag names a machine`);
					continue;
				}
				const time = parseTimestamp(t, message.receivedAt);
				if (time === undefined) sink.reject('invalid-time', `'${id}': ${describeValue(t)} is no time`);
				const value = parseNumber(v);
				if (value !== undefined) sink.value(place, tag, value, time, q ? undefined : { quality: Quality.bad });
				else if (isMissingNumber(v)) sink.reject('not-a-number', `'${id}': ${describeValue(v)} is not a number`);
				else sink.reject('unknown-field', `'${id}': ${describeValue(v)} is no measured value`);
			}
		}
	};
}

function isTagValue(value: unknown): value is TagValue {
	if (typeof value !== 'object' || value === null) return false;
	const { id, q, t } = value as Partial<TagValue>;
	return typeof id === 'string' && typeof q === 'boolean' && t !== undefined && 'v' in value;
}

/** "Press.PLC1.Motor.Current" on "iotgateway": machine iotgateway / Press / PLC1, sensor Motor.Current. */
function ownerOf(above: MachinePlace | undefined, id: string): { place: MachinePlace | undefined; tag: string } {
	const [channel, device, ...tag] = id.split('.');
	if (tag.length === 0) return { place: above, tag: sensorNameOf(id) };
	return { place: placeOfLevels([...levelsOf(above), channel!, device!]), tag: sensorNameOf(tag.join('.')) };
}
