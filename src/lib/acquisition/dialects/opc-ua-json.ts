/**
 * Dialect: OPC UA PubSub with JSON encoding (OPC 10000-14, 7.2.5): network messages with data sets, single data set messages, and
 * metadata messages, which give units and ranges; status messages say whether a publisher is there. A field is a bare value, a variant `{Type, Body}`, or `{Value, SourceTimestamp, StatusCode}`.
 */
import { Quality } from '../../contracts';
import { describeValue, isMissingNumber, parseNumber } from '../decode/numbers';
import { parseStatusCode } from '../decode/qualities';
import { parseTimestamp } from '../decode/timestamps';
import { pathOfLevels, placeOf, sensorNameOf, type TopicCache } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage, MachinePlace, SensorDescription } from '../message';

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
	typeof value === 'object' && value !== null && !Array.isArray(value);
const MAX_NESTING = 6;
/** Messages of the standard that describe the publisher or carry no values. */
const NO_DATA = new Set(['ua-application', 'ua-endpoints', 'ua-connection', 'ua-keepalive', 'ua-action-metadata']);
/** PubSubState (OPC 10000-14, 9.1.10.1). */
const STATES = ['Disabled', 'Paused', 'Operational', 'Error', 'PreOperational'] as const;

export function createOpcUaJson(topics: TopicCache): Dialect {
	return {
		id: 'opc-ua-json',
		title: 'OPC UA PubSub JSON',
		levelsAreFree: true,
		claims: (_message, _text, json) =>
			isFields(json) &&
			((typeof json['MessageType'] === 'string' && json['MessageType'].startsWith('ua-')) ||
				(isFields(json['Payload']) && ('DataSetWriterId' in json || 'DataSetWriterName' in json)) ||
				(Array.isArray(json['Messages']) && 'MessageId' in json)),
		decode(message, _text, json, sink) {
			const root = json as Fields;
			if (root['MessageType'] === 'ua-metadata') return describe(message, root, topics, sink);
			if (root['MessageType'] === 'ua-status') return decodeStatus(message, root, topics, sink);
			if (NO_DATA.has(String(root['MessageType']))) return sink.understood();
			const sets = Array.isArray(root['Messages']) ? (root['Messages'] as unknown[]) : [root];
			for (const set of sets) {
				if (!isFields(set)) sink.reject('unknown-field', `Messages: ${describeValue(set)} is no data set`);
				else decodeSet(message, root, set, topics, sink);
			}
		}
	};
}

function decodeSet(message: IncomingMessage, root: Fields, set: Fields, topics: TopicCache, sink: DecodeSink): void {
	const payload = set['Payload'];
	if (!isFields(payload)) return sink.understood(); // a keep-alive, or an action
	const place = placeOfSet(message.topic, root, set, topics);
	if (!place) return sink.reject('no-machine-in-topic', 'neither topic nor PublisherId names a machine');
	const setTime = parseTimestamp(set['Timestamp'], message.receivedAt);
	const setQuality = set['Status'] === undefined ? Quality.good : parseStatusCode(set['Status']);
	for (const [name, field] of Object.entries(payload)) emit(message, place, name, field, setTime, setQuality, sink, 0);
}

function emit(
	message: IncomingMessage,
	place: MachinePlace,
	name: string,
	field: unknown,
	time: number | undefined,
	quality: Quality,
	sink: DecodeSink,
	depth: number
): void {
	let value = field;
	if (isFields(field) && ('Value' in field || 'StatusCode' in field || 'SourceTimestamp' in field)) {
		value = field['Value'];
		if (field['StatusCode'] !== undefined) quality = Math.max(quality, parseStatusCode(field['StatusCode'])) as Quality;
		const stated = field['SourceTimestamp'] ?? field['ServerTimestamp'];
		if (stated !== undefined) {
			const own = parseTimestamp(stated, message.receivedAt);
			if (own === undefined) sink.reject('invalid-time', `field '${name}': ${describeValue(stated)} is no time`);
			else time = own;
		}
	}
	if (isFields(value) && 'Body' in value) value = value['Body'];
	if (isFields(value) && depth < MAX_NESTING) {
		for (const [inner, member] of Object.entries(value))
			emit(message, place, `${name}.${inner}`, member, time, quality, sink, depth + 1);
		return;
	}
	const number = parseNumber(value);
	if (number !== undefined)
		return sink.value(place, sensorNameOf(name), number, time, quality ? { quality } : undefined);
	if (value === undefined || isMissingNumber(value))
		return sink.reject('not-a-number', `field '${name}': ${describeValue(value)} is not a number`);
	sink.reject('unknown-field', `field '${name}': ${describeValue(value)} is no measured value`);
}

/** Topics of the standard form `<prefix>/json/data/<publisher>/<group>[/<writer>]` name publisher and writer; else the topic is the machine. */
function placeOfSet(topic: string, root: Fields, set: Fields, topics: TopicCache): MachinePlace | undefined {
	const writer = set['DataSetWriterName'];
	const named = typeof writer === 'string' && writer.trim() !== '' ? writer.trim() : undefined;
	const standard = /^[^/]+\/json\/(?:data|metadata|status)\/(.+)$/.exec(topic);
	if (standard) {
		const levels = standard[1]!.split('/');
		const path = pathOfLevels(named && levels.at(-1) !== named ? [...levels.slice(0, 2), named] : levels);
		return path && placeOf(path);
	}
	const place = topics.resolve(topic).machine;
	if (place) {
		if (!named || place.path.machine === named) return place;
		const { plant, area, line, machine } = place.path;
		const path = pathOfLevels([plant, area, line, machine, named].filter((level) => level !== undefined));
		return path && placeOf(path);
	}
	const publisher = root['PublisherId'];
	const path = pathOfLevels([String(publisher ?? ''), named ?? '']);
	return path && placeOf(path);
}

function describe(message: IncomingMessage, root: Fields, topics: TopicCache, sink: DecodeSink): void {
	sink.understood();
	const place = placeOfSet(message.topic, root, root, topics);
	const meta = root['MetaData'];
	const fields = isFields(meta) && Array.isArray(meta['Fields']) ? (meta['Fields'] as unknown[]) : [];
	const sensors = new Map<string, SensorDescription>();
	for (const field of fields) {
		if (!isFields(field) || typeof field['Name'] !== 'string') continue;
		const unit = unitOf(field['Properties']);
		const range = rangeOf(field['Properties']);
		if (unit || range) sensors.set(sensorNameOf(field['Name']), { ...(unit && { unit }), ...(range && { range }) });
	}
	if (place && sensors.size > 0) sink.describe(place, undefined, sensors);
}

function decodeStatus(message: IncomingMessage, root: Fields, topics: TopicCache, sink: DecodeSink): void {
	sink.understood();
	const status = root['Status'];
	const state = typeof status === 'number' ? STATES[status] : STATES.find((name) => String(status).startsWith(name));
	const place = placeOfSet(message.topic, root, root, topics);
	if (!place || state === undefined) return;
	const online = state === 'Operational' || state === 'PreOperational';
	const reason = `its OPC UA publisher reports the state ${state}`;
	sink.presence(place, { online, reason, within: true });
}

/** `EngineeringUnits` is an EUInformation structure; its DisplayName is what a person calls the unit. */
function unitOf(properties: unknown): string | undefined {
	let value = propertyOf(properties, 'EngineeringUnits');
	for (let depth = 0; depth < 4 && isFields(value); depth++) {
		const display = value['DisplayName'];
		if (typeof display === 'string') return display;
		if (isFields(display) && typeof display['Text'] === 'string') return display['Text'];
		value = value['Body'] ?? value['Value'];
	}
	return undefined;
}

/** `InstrumentRange` is what the instrument can deliver (OPC 10000-8, 5.3.2.3); `EURange` only what is usual. */
function rangeOf(properties: unknown): [number, number] | undefined {
	let value = propertyOf(properties, 'InstrumentRange');
	for (let depth = 0; depth < 4 && isFields(value); depth++) {
		const { Low: low, High: high } = value;
		if (typeof low === 'number' && typeof high === 'number') return low < high ? [low, high] : undefined;
		value = value['Body'] ?? value['Value'];
	}
	return undefined;
}

function propertyOf(properties: unknown, name: string): unknown {
	if (!Array.isArray(properties)) return undefined;
	for (const property of properties as unknown[]) {
		if (!isFields(property)) continue;
		const key = isFields(property['Key']) ? property['Key']['Name'] : property['Key'];
		if (typeof key === 'string' && key.endsWith(name)) return property['Value'];
	}
	return undefined;
}
