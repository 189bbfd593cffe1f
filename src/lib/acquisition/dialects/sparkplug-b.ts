/**
 * Dialect: Sparkplug B 3.0 (Eclipse Sparkplug specification 3.0.0): `spBv1.0/<group>/<type>/<edge node>[/<device>]`, protobuf.
 *
 * Births give names to aliases and units to metrics; `seq` is followed per edge node, and a gap, an unknown alias or data before
 * a birth asks the node for a rebirth. Deaths count only with the `bdSeq` of the present birth, and make machines offline. Plant = group, area = edge node,
 * machine = device (or the edge node itself). State is of one connection: births are not kept over a reload, a rebirth is asked for.
 */
import { Quality, type EpochMs } from '../../contracts';
import { describeValue } from '../decode/numbers';
import { fromEpochNumber } from '../decode/timestamps';
import { pathOfLevels, placeOf, sensorNameOf } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage, MachinePlace, SensorDescription, ValueExtras } from '../message';
import { ProtobufReader } from './protobuf-reader';

const NAMESPACE = 'spBv1.0/';
const REBIRTH_EVERY_MS = 10_000;
const MAX_NODES = 50_000;
const MAX_TEMPLATE_DEPTH = 6;
const utf8 = new TextDecoder();

/** Sparkplug data types (specification 6.4.16). */
const Type = {
	int8: 1,
	int16: 2,
	int32: 3,
	int64: 4,
	uint64: 8,
	float: 9,
	double: 10,
	boolean: 11,
	string: 12,
	dateTime: 13,
	text: 14,
	uuid: 15,
	template: 19
} as const;

interface Metric {
	name?: string;
	alias?: number;
	time?: EpochMs;
	type: number;
	historical: boolean;
	isNull: boolean;
	unit?: string;
	quality?: Quality;
	/** A number as the wire holds it, still without its sign. */
	value?: { readonly low: number; readonly high: number } | number | string;
	template?: { readonly isDefinition: boolean; readonly metrics: readonly Metric[] };
	/** What kind of value it is that cannot be stored, for a person. */
	other?: string;
}

interface Payload {
	time?: EpochMs;
	seq?: number;
	metrics: Metric[];
	compressed: boolean;
}

interface Known {
	readonly name: string;
	readonly type: number;
	readonly unit?: string;
}

interface NodeState {
	/** Next expected `seq`; undefined before a birth. */
	seq?: number;
	bdSeq?: number;
	askedAt: EpochMs;
	/** Aliases of the node and of its devices: unique within the node (specification 6.4.4). */
	readonly aliases: Map<number, Known>;
	readonly types: Map<string, Known>;
}

const NODE_DIED = 'its broker session ended (Sparkplug death certificate of the edge node)';
const DEVICE_DIED = 'its edge node lost it (Sparkplug death certificate of the device)';
const BORN = 'it introduced itself (Sparkplug birth certificate)';

export function createSparkplugB(): Dialect {
	return new SparkplugB();
}

class SparkplugB implements Dialect {
	readonly id = 'sparkplug-b';
	readonly title = 'Sparkplug B';
	readonly levelsAreFree = false;
	readonly #nodes = new Map<string, NodeState>();
	readonly #places = new Map<string, MachinePlace | undefined>();

	claims(message: IncomingMessage, text: string | undefined): boolean {
		if (message.topic.startsWith(NAMESPACE)) return true;
		// Hosts of version 2.2 state themselves as STATE/<host>.
		return /^(ONLINE|OFFLINE)$/.test(text ?? '') && /^STATE\/[^/]+$/.test(message.topic);
	}

	decode(message: IncomingMessage, _text: string, _json: unknown, sink: DecodeSink): void {
		const [, group, type, node, device, ...more] = message.topic.split('/');
		const isCommand = type === 'NCMD' || type === 'DCMD';
		if (isCommand || group === 'STATE' || !message.topic.startsWith(NAMESPACE)) return sink.understood();
		if (!group || !node || more.length > 0)
			return sink.reject('no-machine-in-topic', 'a Sparkplug topic is spBv1.0/group/type/node[/device]');
		const place = this.#place(group, node, device);
		if (!place) return sink.reject('no-machine-in-topic', 'the topic names no machine');
		let payload: Payload;
		try {
			payload = readPayload(message.payload);
		} catch (error) {
			return sink.reject('no-values', `damaged Sparkplug payload: ${(error as Error).message}`);
		}
		if (payload.compressed) return sink.reject('no-values', 'compressed Sparkplug payloads are not read');
		const nodeKey = `${group}/${node}`;
		if (type === 'NDEATH') return this.#death(nodeKey, place, payload, sink);
		const state = this.#stateOf(nodeKey);
		if (type === 'NBIRTH') {
			state.aliases.clear();
			state.types.clear();
			state.bdSeq = numberOf(payload.metrics.find(({ name }) => name === 'bdSeq'));
			state.seq = undefined;
		} else if (type !== 'DBIRTH' && type !== 'NDATA' && type !== 'DDATA' && type !== 'DDEATH')
			return sink.reject('unknown-field', `Sparkplug message type ${describeValue(type)}`);
		this.#follow(state, type, payload, nodeKey, message, sink);
		sink.understood();
		if (type === 'DDEATH') return sink.presence(place, { online: false, reason: DEVICE_DIED });
		const isBirth = type === 'NBIRTH' || type === 'DBIRTH';
		if (isBirth) {
			this.#learn(state, device, place, payload, sink);
			sink.presence(place, { online: true, reason: BORN });
		}
		this.#emit(state, device, place, payload, isBirth, nodeKey, message, sink);
	}

	#death(nodeKey: string, place: MachinePlace, payload: Payload, sink: DecodeSink): void {
		sink.understood();
		const state = this.#nodes.get(nodeKey);
		const bdSeq = numberOf(payload.metrics.find(({ name }) => name === 'bdSeq'));
		// A late death of an earlier connection says nothing about this one.
		if (bdSeq !== undefined && state?.bdSeq !== undefined && bdSeq !== state.bdSeq) return;
		this.#nodes.delete(nodeKey);
		sink.presence(place, { online: false, reason: NODE_DIED, within: true });
	}

	/** Checks `seq`: 0 to 255 and round, over all messages of an edge node but NDEATH. */
	#follow(
		state: NodeState,
		type: string,
		payload: Payload,
		nodeKey: string,
		message: IncomingMessage,
		sink: DecodeSink
	): void {
		const { seq } = payload;
		if (seq === undefined) return;
		if (type !== 'NBIRTH') {
			if (state.seq === undefined)
				this.#askRebirth(state, nodeKey, message, sink, `${nodeKey} sends data, but its birth was not seen`);
			else if (seq !== state.seq)
				this.#askRebirth(state, nodeKey, message, sink, `${nodeKey}: number ${state.seq} expected, ${seq} came`);
		}
		state.seq = (seq + 1) & 0xff;
	}

	#askRebirth(state: NodeState, nodeKey: string, message: IncomingMessage, sink: DecodeSink, why: string): void {
		sink.reject('sequence-gap', why);
		if (message.receivedAt - state.askedAt < REBIRTH_EVERY_MS) return;
		state.askedAt = message.receivedAt;
		const [group, node] = nodeKey.split('/');
		sink.ask(`${NAMESPACE}${group}/NCMD/${node}`, rebirthRequest(message.receivedAt));
	}

	#learn(state: NodeState, device: string | undefined, place: MachinePlace, payload: Payload, sink: DecodeSink): void {
		const units = new Map<string, SensorDescription>();
		for (const metric of payload.metrics) {
			if (metric.name === undefined) continue;
			const known: Known = { name: metric.name, type: metric.type, ...(metric.unit && { unit: metric.unit }) };
			if (metric.alias !== undefined) state.aliases.set(metric.alias, known);
			state.types.set(`${device ?? ''}/${metric.name}`, known);
			if (metric.unit && !isControl(metric.name)) units.set(sensorOf(metric.name), { unit: metric.unit });
		}
		if (units.size > 0) sink.describe(place, undefined, units);
	}

	#emit(
		state: NodeState,
		device: string | undefined,
		place: MachinePlace,
		payload: Payload,
		isBirth: boolean,
		nodeKey: string,
		message: IncomingMessage,
		sink: DecodeSink
	): void {
		for (const metric of payload.metrics) {
			const byAlias = metric.alias === undefined ? undefined : state.aliases.get(metric.alias);
			const name = metric.name ?? byAlias?.name;
			if (name === undefined) {
				this.#askRebirth(state, nodeKey, message, sink, `${nodeKey}: alias ${metric.alias ?? 'missing'} is unknown`);
				continue;
			}
			if (isControl(name)) continue;
			const known = byAlias ?? state.types.get(`${device ?? ''}/${name}`);
			// Data may leave the type out (specification 6.4.16); an integer then has a sign that only the birth tells.
			if (metric.type === 0 && !known && typeof metric.value === 'object') {
				this.#askRebirth(
					state,
					nodeKey,
					message,
					sink,
					`${nodeKey}: the type of '${name}' is not known before its birth`
				);
				continue;
			}
			emitMetric(metric, name, known, place, payload.time, isBirth, sink, 0);
		}
	}

	#stateOf(nodeKey: string): NodeState {
		let state = this.#nodes.get(nodeKey);
		if (!state) {
			if (this.#nodes.size >= MAX_NODES) this.#nodes.clear();
			state = { askedAt: -Infinity, aliases: new Map(), types: new Map() };
			this.#nodes.set(nodeKey, state);
		}
		return state;
	}

	#place(group: string, node: string, device: string | undefined): MachinePlace | undefined {
		const key = `${group}/${node}/${device ?? ''}`;
		if (!this.#places.has(key)) {
			if (this.#places.size > 200_000) this.#places.clear();
			const path = pathOfLevels(device ? [group, node, device] : [group, node]);
			this.#places.set(key, path && placeOf(path));
		}
		return this.#places.get(key);
	}
}

const sensorOf = (name: string) => sensorNameOf(name.replaceAll('/', '.'));

/** Metrics of the protocol itself. */
function isControl(name: string): boolean {
	return name === 'bdSeq' || /^(Node Control|Device Control|Node Info|Device Info|Properties)\//.test(name);
}

function emitMetric(
	metric: Metric,
	name: string,
	known: Known | undefined,
	place: MachinePlace,
	payloadTime: EpochMs | undefined,
	isBirth: boolean,
	sink: DecodeSink,
	depth: number
): void {
	if (metric.template) {
		if (metric.template.isDefinition || depth >= MAX_TEMPLATE_DEPTH) return;
		for (const member of metric.template.metrics)
			if (member.name !== undefined)
				emitMetric(
					member,
					`${name}/${member.name}`,
					undefined,
					place,
					metric.time ?? payloadTime,
					isBirth,
					sink,
					depth + 1
				);
		return;
	}
	const type = metric.type || known?.type || 0;
	// Births list every metric, text and tables among them: only data that cannot be used is worth counting.
	if (metric.isNull) {
		if (!isBirth) sink.reject('not-a-number', `metric '${name}' is null`);
		return;
	}
	const value = numericValue(metric, type);
	if (value === undefined) {
		if (!isBirth)
			sink.reject(
				'unknown-field',
				`metric '${name}': ${metric.other ?? describeValue(metric.value)} is no measured value`
			);
		return;
	}
	if (!Number.isFinite(value)) return sink.reject('not-a-number', `metric '${name}': ${value} is not a number`);
	const unit = metric.unit ?? known?.unit;
	const extras: ValueExtras = {
		...(unit && { unit }),
		...(metric.quality !== undefined && { quality: metric.quality }),
		...(metric.historical && { historical: true })
	};
	sink.value(place, sensorOf(name), value, metric.time ?? payloadTime, extras);
}

/** The number with its sign: integers travel as unsigned two's complement (specification 6.4.16). */
function numericValue({ value }: Metric, type: number): number | undefined {
	if (value === undefined || typeof value === 'string') return undefined;
	if (typeof value === 'number') return type === Type.dateTime ? undefined : value;
	const { low, high } = value;
	switch (type) {
		case Type.int8:
			return (low << 24) >> 24;
		case Type.int16:
			return (low << 16) >> 16;
		case Type.int32:
			return low | 0;
		case Type.int64:
			return (high | 0) * 4_294_967_296 + low;
		case Type.dateTime:
		case Type.string:
		case Type.text:
		case Type.uuid:
			return undefined;
		default:
			return high * 4_294_967_296 + low;
	}
}

function numberOf(metric: Metric | undefined): number | undefined {
	return metric && numericValue(metric, metric.type);
}

/** @throws RangeError on damaged bytes */
function readPayload(bytes: Uint8Array): Payload {
	const reader = new ProtobufReader(bytes);
	const payload: Payload = { metrics: [], compressed: false };
	for (let tag = reader.next(); tag; tag = reader.next()) {
		if (tag.field === 1 && tag.wire === 0) payload.time = readTime(reader);
		else if (tag.field === 2 && tag.wire === 2) payload.metrics.push(readMetric(reader.bytesField(), 0));
		else if (tag.field === 3 && tag.wire === 0) {
			reader.varint();
			payload.seq = reader.low & 0xff;
		} else if (tag.field === 4 && tag.wire === 2)
			payload.compressed = utf8.decode(reader.bytesField()) === 'SPBV1.0_COMPRESSED';
		else reader.skip(tag.wire);
	}
	return payload;
}

function readTime(reader: ProtobufReader): EpochMs | undefined {
	reader.varint();
	return fromEpochNumber(reader.unsigned);
}

function readMetric(bytes: Uint8Array, depth: number): Metric {
	const reader = new ProtobufReader(bytes);
	const metric: Metric = { type: 0, historical: false, isNull: false };
	for (let tag = reader.next(); tag; tag = reader.next()) {
		const { field, wire } = tag;
		if (wire === 0) {
			reader.varint();
			if (field === 2) metric.alias = reader.unsigned;
			else if (field === 3) metric.time = fromEpochNumber(reader.unsigned);
			else if (field === 4) metric.type = reader.low;
			else if (field === 5) metric.historical = reader.low !== 0;
			else if (field === 7) metric.isNull = reader.low !== 0;
			else if (field === 10 || field === 11) metric.value = { low: reader.low, high: reader.high };
			else if (field === 14) metric.value = reader.low !== 0 || reader.high !== 0 ? 1 : 0;
		} else if (field === 12 && wire === 5) metric.value = reader.float();
		else if (field === 13 && wire === 1) metric.value = reader.double();
		else if (wire === 2) {
			const inner = reader.bytesField();
			if (field === 1) metric.name = utf8.decode(inner);
			else if (field === 9) readProperties(inner, metric);
			else if (field === 15) metric.value = utf8.decode(inner.subarray(0, 200));
			else if (field === 18) metric.template = readTemplate(inner, depth);
			else if (field === 16 || field === 17 || field === 19)
				metric.other = { 16: 'bytes', 17: 'a data set', 19: 'an extension' }[field];
		} else reader.skip(wire);
	}
	return metric;
}

function readTemplate(bytes: Uint8Array, depth: number): NonNullable<Metric['template']> {
	const reader = new ProtobufReader(bytes);
	const metrics: Metric[] = [];
	let isDefinition = false;
	for (let tag = reader.next(); tag; tag = reader.next()) {
		if (tag.field === 2 && tag.wire === 2) {
			const inner = reader.bytesField();
			if (depth < MAX_TEMPLATE_DEPTH) metrics.push(readMetric(inner, depth + 1));
		} else if (tag.field === 5 && tag.wire === 0) {
			reader.varint();
			isDefinition = reader.low !== 0;
		} else reader.skip(tag.wire);
	}
	return { isDefinition, metrics };
}

/** Properties: the unit (engUnit) and the quality (0 bad, 192 good, 500 stale; specification 6.4.18). */
function readProperties(bytes: Uint8Array, metric: Metric): void {
	const reader = new ProtobufReader(bytes);
	const keys: string[] = [];
	const values: (string | number | undefined)[] = [];
	for (let tag = reader.next(); tag; tag = reader.next()) {
		if (tag.field === 1 && tag.wire === 2) keys.push(utf8.decode(reader.bytesField()));
		else if (tag.field === 2 && tag.wire === 2) values.push(readPropertyValue(reader.bytesField()));
		else reader.skip(tag.wire);
	}
	keys.forEach((key, index) => {
		const value = values[index];
		const plain = key.toLowerCase().replace(/[^a-z]/g, '');
		if (typeof value === 'string' && value.trim() !== '') {
			if (['engunit', 'engunits', 'engineeringunit', 'engineeringunits', 'unit', 'units'].includes(plain))
				metric.unit = value.trim();
		} else if (plain === 'quality' && typeof value === 'number')
			metric.quality = value === 192 ? Quality.good : value === 500 ? Quality.uncertain : Quality.bad;
	});
}

function readPropertyValue(bytes: Uint8Array): string | number | undefined {
	const reader = new ProtobufReader(bytes);
	let value: string | number | undefined;
	for (let tag = reader.next(); tag; tag = reader.next()) {
		if ((tag.field === 3 || tag.field === 4) && tag.wire === 0) {
			reader.varint();
			value = reader.unsigned;
		} else if (tag.field === 8 && tag.wire === 2) value = utf8.decode(reader.bytesField());
		else reader.skip(tag.wire);
	}
	return value;
}

/** Payload of the command "Node Control/Rebirth" = true (specification 6.4.20). */
export function rebirthRequest(now: EpochMs): Uint8Array {
	const name = new TextEncoder().encode('Node Control/Rebirth');
	const time: number[] = [];
	for (let rest = Math.floor(now); ; rest = Math.floor(rest / 128)) {
		if (rest < 128) {
			time.push(rest);
			break;
		}
		time.push((rest % 128) | 0x80);
	}
	const metric = [0x0a, name.length, ...name, 0x18, ...time, 0x20, Type.boolean, 0x70, 1];
	return Uint8Array.from([0x08, ...time, 0x12, metric.length, ...metric]);
}
