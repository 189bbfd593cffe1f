/**
 * Dialect: uplinks of LoRaWAN network servers: The Things Stack (`v3/<application>/devices/<device>/up`) and ChirpStack
 * (`application/<id>/device/<eui>/event/up`). In: what the server's decoder made of the payload. The radio's own figures and all other events are left
 * out; an uplink that the server did not decode is counted, since nobody else can read its bytes.
 */
import { isFields } from '../decode/fields';
import { parseTimestamp } from '../decode/timestamps';
import { placeOfLevels } from '../decode/topics';
import type { Dialect } from '../message';
import { decodeRecord } from './plain-json';

const THINGS_STACK = /^v3\/([^/]+)\/devices\/([^/]+)\/(.+)$/;
const CHIRPSTACK = /^(?:[^/]+\/)?application\/([^/]+)\/device\/([^/]+)\/event\/(.+)$/;
const fieldsIn = (value: unknown) => (isFields(value) ? value : undefined);
const textIn = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined);

export function createLorawan(): Dialect {
	return {
		id: 'lorawan',
		title: 'LoRaWAN',
		levelsAreFree: false,
		claims: ({ topic }) => THINGS_STACK.test(topic) || CHIRPSTACK.test(topic),
		decode(message, _text, json, sink) {
			const [, application, device, event] = (THINGS_STACK.exec(message.topic) ?? CHIRPSTACK.exec(message.topic))!;
			if (event !== 'up') return sink.understood();
			const root = fieldsIn(json) ?? {};
			const uplink = fieldsIn(root['uplink_message']);
			const info = fieldsIn(root['deviceInfo']);
			// ChirpStack's topics hold numbers, its messages the names that people gave.
			const place = placeOfLevels([
				(textIn(info?.['applicationName']) ?? application!).replace(/@.*$/, ''),
				textIn(info?.['deviceName']) ?? device!
			]);
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no device');
			const measured = fieldsIn(uplink?.['decoded_payload'] ?? root['object']);
			if (!measured) return sink.reject('no-values', 'the network server has not decoded the payload');
			const time = parseTimestamp(uplink?.['received_at'] ?? root['received_at'] ?? root['time'], message.receivedAt);
			decodeRecord(message, place, time === undefined ? measured : { ts: time, ...measured }, sink);
		}
	};
}
