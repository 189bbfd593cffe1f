/**
 * Dialect: OPC UA PubSub with JSON encoding (OPC 10000-14, 7.2.5): network messages with data sets, single data set messages, and
 * metadata messages, which give units and ranges; status messages say whether a publisher is there. A field is a bare value, a variant `{Type, Body}`, or `{Value, SourceTimestamp, StatusCode}`.
 * Also the samples of Microsoft's OPC Publisher: one such field with the `NodeId` it is of, or a list of them.
 */
import { isFields, type Fields } from '../decode/fields';
import { Quality } from '../../contracts';
import { describeValue, isMissingNumber, parseNumber } from '../decode/numbers';
import { parseStatusCode } from '../decode/qualities';
import { parseTimestamp } from '../decode/timestamps';
import { levelsOf, placeOfLevels, sensorNameOf, type TopicCache } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage, MachinePlace, SensorDescription } from '../message';

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
			(isFields(json) &&
				((typeof json['MessageType'] === 'string' && json['MessageType'].startsWith('ua-')) ||
					(isFields(json['Payload']) && ('DataSetWriterId' in json || 'DataSetWriterName' in json)) ||
					(Array.isArray(json['Messages']) && 'MessageId' in json))) ||
			samplesIn(json).length > 0,
		decode(message, _text, json, sink) {
			const samples = samplesIn(json);
			if (samples.length > 0) return decodeSamples(message, samples, topics, sink);
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

interface Sample extends Fields {
	readonly NodeId: string;
}

function samplesIn(json: unknown): readonly Sample[] {
	const list: readonly unknown[] = Array.isArray(json) ? json : [json];
	const isSample = (one: unknown): one is Sample =>
		isFields(one) && typeof one['NodeId'] === 'string' && ('Value' in one || 'StatusCode' in one);
	return list.length > 0 && list.every(isSample) ? list : [];
}

function decodeSamples(
	message: IncomingMessage,
	samples: readonly Sample[],
	topics: TopicCache,
	sink: DecodeSink
): void {
	const place = topics.resolve(message.topic).machine;
	if (!place) return sink.reject('no-machine-in-topic', 'the topic names no machine');
	for (const sample of samples) {
		const time = parseTimestamp(sample['Timestamp'], message.receivedAt);
		const value = sample['Value'];
		// Some wrap the value with its time and status once more.
		emit(message, place, nameOfNode(sample), isDataValue(value) ? value : sample, time, Quality.good, sink, 0);
	}
}

/** What a person called the node; else its identifier: `ns=2;s=Line1.Temperature` is Line1.Temperature. */
function nameOfNode({ NodeId, DisplayName }: Sample): string {
	const identifier = /(?:^|;)s=(.+)$/.exec(NodeId)?.[1];
	// Display names repeat from machine to machine; identifiers do not.
	return identifier ?? (typeof DisplayName === 'string' && DisplayName.trim() !== '' ? DisplayName : NodeId);
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

/** A value with its time or status around it. */
function isDataValue(field: unknown): field is Fields {
	return isFields(field) && ('Value' in field || 'StatusCode' in field || 'SourceTimestamp' in field);
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
	if (isDataValue(field)) {
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
		return placeOfLevels(named && levels.at(-1) !== named ? [...levels.slice(0, 2), named] : levels);
	}
	const place = topics.resolve(topic).machine;
	if (place) {
		if (!named || place.path.machine === named) return place;
		return placeOfLevels([...levelsOf(place), named]);
	}
	const publisher = root['PublisherId'];
	return placeOfLevels([String(publisher ?? ''), named ?? '']);
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
