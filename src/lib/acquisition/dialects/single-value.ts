/**
 * Dialect: one number per topic, as text (`41.2`), quoted (`"41.2"`) or a word for on and off; the topic names the sensor. On topics
 * such as `<machine>/status` the words "online" and "offline" say whether the machine is there: the usual form of a last will.
 */
import { describeValue, parseNumericText } from '../decode/numbers';
import type { TopicCache } from '../decode/topics';
import type { Dialect } from '../message';

const WORDS = new Map([
	['true', 1],
	['false', 0],
	['on', 1],
	['off', 0]
]);
const PRESENCE_LEVELS = new Set([
	'status',
	'state',
	'lwt',
	'availability',
	'connection',
	'connected',
	'online',
	'presence'
]);
const PRESENCE_WORDS = new Map([
	['online', true],
	['connected', true],
	['offline', false],
	['disconnected', false],
	['lost', false]
]);
/** `41.2 bar`: a number, a space, a unit. */
const WITH_UNIT = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s+([^\d\s"{}[\],;][^\s"{}[\],;]{0,15})$/;

export function createSingleValue(topics: TopicCache): Dialect {
	return {
		id: 'single-value',
		title: 'One number per topic',
		levelsAreFree: true,
		claims: (_message, text, json) => json === undefined && text !== undefined,
		decode(message, text, _json, sink) {
			const bare = text
				.trim()
				.replace(/^"(.*)"$/s, '$1')
				.trim();
			if (bare === '') return sink.reject('no-values', 'the message is empty');
			const last = message.topic.slice(message.topic.lastIndexOf('/') + 1);
			const online = PRESENCE_LEVELS.has(last.toLowerCase()) ? PRESENCE_WORDS.get(bare.toLowerCase()) : undefined;
			const machine = online === undefined ? undefined : topics.resolveBeside(message.topic);
			if (online !== undefined && machine)
				return sink.presence(machine, { online, reason: `its topic ${last} says ${bare.toLowerCase()}` });
			const sensor = topics.resolve(message.topic).sensor;
			if (!sensor) return sink.reject('no-machine-in-topic', 'the topic names no machine');
			const number = parseNumericText(bare) ?? WORDS.get(bare.toLowerCase());
			if (number !== undefined) return sink.value(sensor.machine, sensor.name, number, undefined);
			const withUnit = WITH_UNIT.exec(bare);
			const value = withUnit ? parseNumericText(withUnit[1]!) : undefined;
			if (withUnit && value !== undefined)
				return sink.value(sensor.machine, sensor.name, value, undefined, { unit: withUnit[2]! });
			if (/^[[{]/.test(bare)) return sink.reject('invalid-json', 'it begins like JSON but cannot be parsed');
			sink.reject('not-a-number', `${describeValue(bare)} is not a number`);
		}
	};
}
