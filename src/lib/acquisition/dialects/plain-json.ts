/**
 * Dialect: JSON as people write it. Flat objects, nested objects, `{value, unit, ts}` objects, arrays of readings in
 * wide (`{ts, flow, pressure}`) or long (`{name, value, ts}`) form, and the same wrapped in `readings`, `values` or `data`.
 */
import { Quality } from '../../contracts';
import { isFields, type Fields } from '../decode/fields';
import { describeValue, isMissingNumber, parseNumber } from '../decode/numbers';
import { parseQuality } from '../decode/qualities';
import { parseTimestamp, timeFieldKind } from '../decode/timestamps';
import { placeOfLevels, sensorNameOf, type TopicCache, type TopicPlaces } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage, MachinePlace, ValueExtras } from '../message';

/** A JSON object's fields as values of one machine: for dialects whose envelope says which machine it is. */
export function decodeRecord(message: IncomingMessage, place: MachinePlace, fields: Fields, sink: DecodeSink): void {
	new Walk(message, { machine: place }, sink).recordOf(place, fields);
}

const MAX_DEPTH = 8;
const VALUE_KEYS = ['value', 'Value', 'val', 'v', 'payload'] as const;
/** Names of what was measured, the surest first. */
const SENSOR_KEYS = (
	'name,Name,sensor,tag,Tag,tagname,tagName,TagName,metric,measurement,signal,channel,variable,Variable,' +
	'dataPoint,dataPointId,displayName,DisplayName'
).split(',');
/** Beside a value also these; without one they number the message. */
const NAME_KEYS = [...SENSOR_KEYS, 'key', 'id', 'n'];
const UNIT_KEYS = ['unit', 'Unit', 'units', 'uom', 'u'] as const;
const LIST_KEYS = new Set('readings,values,vals,data,measurements,sensors,samples,records,metrics,tags'.split(','));
const MACHINE_KEYS = [
	'machineId',
	'machine_id',
	'machine',
	'assetId',
	'asset',
	'deviceId',
	'device_id',
	'device',
	'equipment'
];
/** Fields about the message or the machine, not measured: neither stored nor counted as unknown. */
const META = new Set(
	(
		'mode,state,status,machineclass,class,type,quality,q,unit,units,uom,name,id,tag,sensor,topic,device,deviceid,device_id,' +
		'machine,machineid,machine_id,asset,assetid,equipment,plant,site,area,line,cell,enterprise,seq,sequence,msgid,' +
		'messageid,message_id,_msgid,version,serial,serialnumber,firmware,model,vendor,location,description,comment,source,' +
		'datatype,path,qc,qualitycode,statuscode,rseq,node,group'
	).split(',')
);
/** Of those, the ones that are meta even when they hold a number. */
const NUMERIC_META = new Set(
	(
		'id,seq,sequence,msgid,messageid,message_id,deviceid,device_id,machineid,machine_id,assetid,version,' +
		'rseq,qc,qualitycode,qualityCode,QualityCode'
	).split(',')
);

export function createPlainJson(topics: TopicCache): Dialect {
	return {
		id: 'json',
		title: 'JSON',
		levelsAreFree: true,
		claims: (_message, _text, json) => json !== undefined,
		decode(message, _text, json, sink) {
			new Walk(message, topics.resolve(message.topic), sink).root(json);
		}
	};
}

function pick(fields: Fields, keys: readonly string[]): unknown {
	for (const key of keys) if (key in fields) return fields[key];
	return undefined;
}

/** `{value: 41.2, unit: "l/min"}`: an object that is one value, with what is said about it. */
function isValueObject(fields: Fields): boolean {
	const value = pick(fields, VALUE_KEYS);
	if (value === undefined || typeof value === 'object') return value === null && 'value' in fields;
	return Object.keys(fields).every(
		(key) =>
			(VALUE_KEYS as readonly string[]).includes(key) ||
			(UNIT_KEYS as readonly string[]).includes(key) ||
			timeFieldKind(key) !== undefined ||
			META.has(key.toLowerCase()) ||
			NAME_KEYS.includes(key)
	);
}

/** A Siemens databus counts quality from bad (0) over uncertain (1) to good (2, 3). */
const SIEMENS_QUALITY = [Quality.bad, Quality.uncertain, Quality.good, Quality.good] as const;

function qualityOf(fields: Fields): Quality | undefined {
	const said = fields['quality'] ?? fields['q'];
	if (typeof said === 'boolean') return said ? Quality.good : Quality.bad;
	const { qc } = fields;
	if (typeof qc === 'number') return SIEMENS_QUALITY[qc] ?? parseQuality(qc);
	const code = fields['qualityCode'] ?? fields['QualityCode'] ?? fields['qualitycode'];
	return parseQuality(said ?? code ?? fields['status'] ?? fields['StatusCode']);
}

/** One walk through one payload. */
class Walk {
	constructor(
		readonly message: IncomingMessage,
		readonly places: TopicPlaces,
		readonly sink: DecodeSink
	) {}

	root(json: unknown): void {
		if (Array.isArray(json)) this.list(json, undefined, '');
		else if (isFields(json)) this.record(json, undefined, '', 0);
	}

	/** An array at the top or in a list field: each element a reading, or a record of readings. */
	list(items: readonly unknown[], time: number | undefined, where: string): void {
		items.forEach((item, index) => {
			const place = `${where}[${index}]`;
			if (isFields(item)) this.record(item, time, place, 1);
			else if (Array.isArray(item)) this.sink.reject('unknown-field', `${place}: a list in a list`);
			else if (isMissingNumber(item))
				this.sink.reject('not-a-number', `${place}: ${describeValue(item)} is not a number`);
			else this.sink.reject('unknown-field', `${place}: ${describeValue(item)} has no name`);
		});
	}

	record(fields: Fields, outerTime: number | undefined, where: string, depth: number): void {
		const time = this.timeOf(fields, outerTime, where);
		const named = pick(fields, NAME_KEYS);
		if (isValueObject(fields)) {
			if (typeof named === 'string' && named.trim() !== '' && where !== '')
				return this.single(fields, named, time, where);
			const sensor = this.places.sensor;
			if (typeof named === 'string' && named.trim() !== '' && sensor && sensorNameOf(named) !== sensor.name)
				// {"name":"flow","value":1}: the name in the payload wins; the topic is then the machine.
				return this.single(fields, named, time, where);
			if (!sensor) return this.sink.reject('no-machine-in-topic', 'the topic names no machine');
			return this.scalar(
				sensor.machine,
				sensor.name,
				pick(fields, VALUE_KEYS),
				time,
				this.extrasOf(fields),
				where || 'value'
			);
		}
		const place = this.placeFor(fields);
		if (!place) return this.sink.reject('no-machine-in-topic', 'neither topic nor payload names a machine');
		if (where !== '' && this.namedRecord(place, fields, time, where, depth)) return;
		this.fields(place, fields, time, '', depth, this.messageQuality(fields));
	}

	/**
	 * One of a list that says what it is, and more than a value object may: `{name: "flow", value: 41, min: 40}`. Its name keeps it apart from the
	 * others: flow, flow.min. False where it has no such name.
	 */
	namedRecord(place: MachinePlace, fields: Fields, time: number | undefined, where: string, depth: number): boolean {
		const value = pick(fields, VALUE_KEYS);
		const isOne = value !== undefined && (value === null || typeof value !== 'object');
		const named = (isOne ? NAME_KEYS : SENSOR_KEYS).map((key) => fields[key]).find((name) => typeof name === 'string');
		if (typeof named !== 'string' || named.trim() === '') return false;
		const name = sensorNameOf(named);
		if (isOne) this.scalar(place, name, value, time, this.extrasOf(fields), where);
		const told: readonly string[] = [...NAME_KEYS, ...UNIT_KEYS, ...(isOne ? VALUE_KEYS : [])];
		const rest = Object.fromEntries(Object.entries(fields).filter(([key]) => !told.includes(key)));
		this.fields(place, rest, time, `${name}.`, depth, this.messageQuality(fields));
		return true;
	}

	recordOf(place: MachinePlace, fields: Fields): void {
		this.fields(place, fields, this.timeOf(fields, undefined, ''), '', 0, this.messageQuality(fields));
	}

	single(fields: Fields, name: string, time: number | undefined, where: string): void {
		const place = this.placeFor(fields);
		if (!place) return this.sink.reject('no-machine-in-topic', 'neither topic nor payload names a machine');
		this.scalar(place, sensorNameOf(name), pick(fields, VALUE_KEYS), time, this.extrasOf(fields), where || name);
	}

	fields(
		place: MachinePlace,
		fields: Fields,
		time: number | undefined,
		prefix: string,
		depth: number,
		quality: Quality | undefined
	): void {
		for (const key in fields) {
			const value = fields[key];
			if (typeof value === 'number' && !NUMERIC_META.has(key) && timeFieldKind(key) === undefined) {
				// The common case first: a number under a plain name.
				this.scalar(place, prefix + key, value, time, quality === undefined ? undefined : { quality }, key);
				continue;
			}
			const timeKind = timeFieldKind(key);
			if (timeKind === 'certain') continue;
			if (timeKind === 'possible' && parseTimestamp(value, this.message.receivedAt) !== undefined) continue;
			const plain = key.toLowerCase();
			if (NUMERIC_META.has(plain)) continue;
			if (isFields(value)) this.nested(place, value, time, prefix, key, depth, quality);
			else if (Array.isArray(value)) this.array(value, time, prefix, key);
			else if (META.has(plain) && typeof value !== 'number' && typeof value !== 'boolean') continue;
			else this.scalar(place, prefix + key, value, time, quality === undefined ? undefined : { quality }, prefix + key);
		}
	}

	nested(
		place: MachinePlace,
		value: Fields,
		time: number | undefined,
		prefix: string,
		key: string,
		depth: number,
		quality: Quality | undefined
	): void {
		const own = this.timeOf(value, time, prefix + key);
		if (isValueObject(value)) {
			const extras = this.extrasOf(value);
			const merged = quality === undefined || extras?.quality !== undefined ? extras : { ...extras, quality };
			this.scalar(place, prefix + key, pick(value, VALUE_KEYS), own, merged, prefix + key);
		} else if (depth >= MAX_DEPTH) {
			this.sink.reject('unknown-field', `field '${prefix + key}': nested more than ${MAX_DEPTH} deep`);
		} else {
			// {"values": {"flow": 1}} is an envelope; anything else is part of the name.
			const inner = LIST_KEYS.has(key.toLowerCase()) || key === 'payload' ? prefix : `${prefix}${key}.`;
			this.fields(place, value, own, inner, depth + 1, this.messageQuality(value) ?? quality);
		}
	}

	array(value: readonly unknown[], time: number | undefined, prefix: string, key: string): void {
		if (value.length > 0 && value.every(isFields)) this.list(value, time, prefix + key);
		else this.sink.reject('unknown-field', `field '${prefix + key}': a list of ${value.length}, not a value`);
	}

	scalar(
		place: MachinePlace,
		name: string,
		value: unknown,
		time: number | undefined,
		extras: ValueExtras | undefined,
		where: string
	): void {
		const number = parseNumber(value);
		if (number !== undefined) this.sink.value(place, name, number, time, extras);
		else if (isMissingNumber(value) || this.isOneValue(where))
			this.sink.reject('not-a-number', `field '${where}': ${describeValue(value)} is not a number`);
		else this.sink.reject('unknown-field', `field '${where}': ${describeValue(value)} is no measured value`);
	}

	/** Text where a value is certainly meant. */
	isOneValue(where: string): boolean {
		return (VALUE_KEYS as readonly string[]).includes(where);
	}

	timeOf(fields: Fields, outer: number | undefined, where: string): number | undefined {
		for (const key in fields) {
			const kind = timeFieldKind(key);
			if (kind === undefined) continue;
			const time = parseTimestamp(fields[key], this.message.receivedAt);
			if (time !== undefined) return time;
			if (kind === 'certain')
				this.sink.reject(
					'invalid-time',
					`field '${where ? `${where}.` : ''}${key}': ${describeValue(fields[key])} is no time`
				);
		}
		return outer;
	}

	extrasOf(fields: Fields): ValueExtras | undefined {
		const unit = pick(fields, UNIT_KEYS);
		const quality = qualityOf(fields);
		if (typeof unit !== 'string' && quality === undefined) return undefined;
		return {
			...(typeof unit === 'string' && unit.trim() && { unit: unit.trim() }),
			...(quality !== undefined && { quality })
		};
	}

	/** A word for the whole record ("quality":"bad"); a number there may be a measured value. */
	messageQuality(fields: Fields): Quality | undefined {
		const said = fields['quality'];
		const quality = typeof said === 'string' ? parseQuality(said) : undefined;
		return quality === Quality.good ? undefined : quality;
	}

	/** The topic says which machine; only where it has a single level does a name in the payload say it. */
	placeFor(fields: Fields): MachinePlace | undefined {
		const place = this.places.machine;
		if (place && (place.path.plant !== undefined || place.path.area !== undefined)) return place;
		const named = pick(fields, MACHINE_KEYS);
		if (typeof named !== 'string' || named.trim() === '' || named.length > 200) return place;
		return placeOfLevels([...(place ? [place.path.machine] : []), ...named.split('/')]) ?? place;
	}
}
