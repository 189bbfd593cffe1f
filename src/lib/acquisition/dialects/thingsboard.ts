/**
 * Dialect: a ThingsBoard gateway (`v1/gateway/telemetry`): `{"<device>": [{ts, values: {...}}, ...], ...}`; each device is a machine. What a
 * gateway says of devices coming and going (`connect`, `disconnect`) is presence; attributes and calls carry nothing measured.
 */
import { isFields } from '../decode/fields';
import { placeOfDevice } from '../decode/topics';
import type { Dialect } from '../message';
import { decodeRecord } from './plain-json';

const GATEWAY = 'gateway';
const TOPIC = /^v1\/gateway\/(telemetry|connect|disconnect|attributes|rpc|claim)(?:\/|$)/;

export function createThingsboard(): Dialect {
	return {
		id: 'thingsboard',
		title: 'ThingsBoard gateway',
		levelsAreFree: false,
		claims: ({ topic }) => TOPIC.test(topic),
		decode(message, _text, json, sink) {
			const kind = TOPIC.exec(message.topic)![1];
			if (kind === 'telemetry') {
				if (!isFields(json)) return sink.reject('no-values', 'a gateway sends an object of devices');
				for (const [device, said] of Object.entries(json)) {
					const place = placeOfDevice(device, GATEWAY);
					const records = Array.isArray(said) ? (said as unknown[]) : [said];
					for (const record of records)
						if (place && isFields(record)) decodeRecord(message, place, record, sink);
						else sink.reject('unknown-field', `device '${device}': expected a list of {ts, values}`);
				}
				return;
			}
			const place = isFields(json) ? placeOfDevice(json['device'], GATEWAY) : undefined;
			const online = kind === 'connect' ? true : kind === 'disconnect' ? false : undefined;
			if (!place || online === undefined) return sink.understood();
			sink.presence(place, { online, reason: `its ThingsBoard gateway ${online ? 'connected' : 'disconnected'} it` });
		}
	};
}
