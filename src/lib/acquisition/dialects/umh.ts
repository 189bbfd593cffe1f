/**
 * Dialect: the United Manufacturing Hub's unified namespace (`umh/v1/<enterprise>/<site>/.../_historian[/<group>...]/<tag>`): the levels up to
 * the one with the underscore are the machine's place, those after it the sensor's; the payload holds `timestamp_ms` and the tag's value.
 */
import { type Fields } from '../decode/fields';
import { placeOfLevels } from '../decode/topics';
import type { Dialect } from '../message';
import { decodeRecord } from './plain-json';

const TOPIC = /^umh\/v1\/((?:[^/_][^/]*\/)*[^/_][^/]*)\/_([^/]+)(?:\/(.*))?$/;

export function createUmh(): Dialect {
	return {
		id: 'umh',
		title: 'United Manufacturing Hub',
		levelsAreFree: false,
		claims: ({ topic }) => topic.startsWith('umh/v1/') && TOPIC.test(topic),
		decode(message, _text, json, sink) {
			const [, levels, contract, rest = ''] = TOPIC.exec(message.topic)!;
			const place = placeOfLevels(levels!.split('/'));
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no machine');
			if (typeof json !== 'object' || json === null || Array.isArray(json))
				return sink.reject('no-values', `a message of _${contract} is a JSON object`);
			const { timestamp_ms: time, ...fields } = json as Fields;
			const groups = rest.split('/').filter((level) => level !== '');
			// {"temperature": 1} on ".../temperature", or {"value": 1} there.
			const tag = groups.at(-1);
			if (tag !== undefined && (tag in fields || 'value' in fields)) groups.pop();
			const named = tag !== undefined && !(tag in fields) && 'value' in fields ? { [tag]: fields['value'] } : fields;
			const nested = groups.reduceRight<Fields>((inner, group) => ({ [group]: inner }), named);
			decodeRecord(message, place, time === undefined ? nested : { timestamp_ms: time, ...nested }, sink);
		}
	};
}
