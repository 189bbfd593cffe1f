/**
 * Dialect: SenML (RFC 8428), JSON form: an array of records with base fields. Names resolve to base name + name; the last part
 * of the name is the sensor. Times below 2^28 are relative to the time of arrival (RFC 8428, 4.5.3).
 */
import { isFields, type Fields } from '../decode/fields';
import { describeValue } from '../decode/numbers';
import { levelsOf, placeOfLevels, sensorNameOf, type TopicCache } from '../decode/topics';
import type { Dialect, MachinePlace } from '../message';

const RELATIVE_BELOW = 2 ** 28;
/** Units that the standard (RFC 8428, 12.1) writes otherwise than people and other sources do. */
const SYMBOLS: Readonly<Record<string, string>> = {
	Cel: '°C',
	'%RH': '%',
	'%EL': '%',
	Ohm: 'Ω',
	m2: 'm²',
	m3: 'm³',
	'm/s2': 'm/s²',
	'm3/s': 'm³/s',
	'kg/m3': 'kg/m³',
	'W/m2': 'W/m²'
};
const hasValue = (record: Fields) => ['v', 'vb', 'vs', 'vd', 's'].some((key) => key in record);

export function createSenml(topics: TopicCache): Dialect {
	return {
		id: 'senml',
		title: 'SenML',
		levelsAreFree: true,
		claims: (_message, _text, json) =>
			Array.isArray(json) &&
			json.some(
				(record) => isFields(record) && ('bn' in record || (typeof record['n'] === 'string' && hasValue(record)))
			),
		decode(message, _text, json, sink) {
			const records = (json as unknown[]).filter(isFields);
			const devices = new Set(resolveNames(records).map(({ device }) => device));
			const place = topics.resolve(message.topic).machine;
			let bt = 0;
			let bu: string | undefined;
			let bv = 0;
			let bs = 0;
			let unread = 0;
			resolveNames(records).forEach(({ device, sensor }, index) => {
				const record = records[index]!;
				if (typeof record['bt'] === 'number') bt = record['bt'];
				if (typeof record['bu'] === 'string') bu = record['bu'];
				if (typeof record['bv'] === 'number') bv = record['bv'];
				if (typeof record['bs'] === 'number') bs = record['bs'];
				// A record may hold base fields alone.
				if (!hasValue(record)) return void (unread += 'n' in record ? 1 : 0);
				const owner = ownerOf(place, device, devices.size > 1);
				if (!owner) return sink.reject('no-machine-in-topic', 'neither topic nor base name names a machine');
				if (sensor === '') return sink.reject('unknown-field', `record ${index}: it has no name`);
				const t = bt + (typeof record['t'] === 'number' ? record['t'] : 0);
				const time = t >= RELATIVE_BELOW ? t * 1000 : t === 0 ? undefined : message.receivedAt + t * 1000;
				const stated = typeof record['u'] === 'string' ? record['u'] : bu;
				const unit = stated && (SYMBOLS[stated] ?? stated);
				const name = sensorNameOf(sensor);
				const extras = unit ? { unit } : undefined;
				if (typeof record['v'] === 'number') sink.value(owner, name, record['v'] + bv, time, extras);
				else if (typeof record['vb'] === 'boolean') sink.value(owner, name, record['vb'] ? 1 : 0, time);
				else if ('v' in record)
					sink.reject('not-a-number', `'${sensor}': ${describeValue(record['v'])} is not a number`);
				else if (!('s' in record)) sink.reject('unknown-field', `'${sensor}': text or data, no measured value`);
				if (typeof record['s'] === 'number') sink.value(owner, `${name}.sum`, record['s'] + bs, time);
			});
			if (unread > 0) sink.reject('no-values', `${unread} records without a value`);
		}
	};
}

/** "urn:dev:ow:10e2073a0108:" + "temperature": device "urn:dev:ow:10e2073a0108", sensor "temperature". */
function resolveNames(records: readonly Fields[]): { device: string; sensor: string }[] {
	let bn = '';
	return records.map((record) => {
		if (typeof record['bn'] === 'string') bn = record['bn'];
		const whole = bn + (typeof record['n'] === 'string' ? record['n'] : '');
		const cut = Math.max(whole.lastIndexOf('/'), whole.lastIndexOf(':'));
		return { device: whole.slice(0, Math.max(cut, 0)), sensor: whole.slice(cut + 1) };
	});
}

/** The topic is the machine, unless it has one level only or the pack speaks for several devices. */
function ownerOf(place: MachinePlace | undefined, device: string, several: boolean): MachinePlace | undefined {
	if (place && (!several || device === '') && (place.path.plant !== undefined || device === '')) return place;
	const levels = device.split('/').filter((level) => level !== '');
	return placeOfLevels(place ? [...levelsOf(place), levels.join('.')] : levels);
}
