/**
 * Sparkplug B 3.0, the payload: protobuf bytes to metrics, and a metric's number with its sign.
 *
 * In: the payload of a message (Eclipse Tahu's `sparkplug_b.proto`). Out: its time, `seq` and metrics as the wire holds them; what names and
 * aliases mean is the dialect's to know (sparkplug-b.ts).
 */
import { Quality, type EpochMs } from '../../contracts';
import { fromEpochNumber } from '../decode/timestamps';
import { ProtobufReader } from './protobuf-reader';

/** Templates within templates are read so deep. */
export const MAX_TEMPLATE_DEPTH = 6;
const utf8 = new TextDecoder();

/** Sparkplug data types (specification 6.4.16). */
export const Type = {
	unknown: 0,
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

export interface Metric {
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

export interface Payload {
	time?: EpochMs;
	seq?: number;
	metrics: Metric[];
	compressed: boolean;
}

/** @throws RangeError on damaged bytes */
export function readPayload(bytes: Uint8Array): Payload {
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

/** The number with its sign: integers travel as unsigned two's complement (specification 6.4.16). */
export function numericValue({ value }: Metric, type: number): number | undefined {
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

export function numberOf(metric: Metric | undefined): number | undefined {
	return metric && numericValue(metric, metric.type);
}
