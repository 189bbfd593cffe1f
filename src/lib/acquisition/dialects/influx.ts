/**
 * Dialect: InfluxDB line protocol (`measurement,tag=v field=1.5,other=2i 1700000000000000000`), as Telegraf and many gateways publish it, and
 * Telegraf's JSON of the same (`{name, tags, fields, timestamp}`, alone or under `metrics`). A series there is a measurement, a field and all
 * tags: tags that name a place or a machine say whose the value is, the others stay part of the sensor's name, so that no two become one.
 */
import { isFields } from '../decode/fields';
import { describeValue, parseNumber, parseNumericText } from '../decode/numbers';
import { fromEpochNumber, parseTimestamp } from '../decode/timestamps';
import { levelsOf, placeOfLevels, sensorNameOf, type TopicCache } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage } from '../message';

/** One point of a series, as text or JSON had it. */
interface Point {
	readonly measurement: string;
	readonly tags: Readonly<Record<string, string>>;
	readonly fields: Readonly<Record<string, unknown>>;
	readonly time: number | undefined;
}

const PLACE_TAGS = [
	['enterprise', 'site', 'plant', 'factory'],
	['area', 'building', 'hall'],
	['line', 'cell']
];
const MACHINE_TAGS = ['machine', 'machine_id', 'asset', 'equipment', 'device', 'device_id', 'name', 'slave_id'];
/** Where the collector ran and what it listened to: the same for all it sends. */
const COLLECTOR_TAGS = new Set(['host', 'topic', 'hostname']);
/** Parts of a line between unescaped separators; quoted text stays whole. */
const PART = { space: /(?:\\.|"(?:\\.|[^"\\])*"|[^\\\s"])+/g, comma: /(?:\\.|"(?:\\.|[^"\\])*"|[^\\,"])+/g };
const LINE =
	/^(?:\\.|[^\s\\,="])+(?:,(?:\\.|[^\s\\,="])+=(?:\\.|[^\s\\,"])+)*[ ]+(?:\\.|[^\s\\,="])+=(?:"|[-+.\d]|[tTfF])\S?/;

export function createInflux(topics: TopicCache): Dialect {
	return {
		id: 'influx',
		title: 'InfluxDB lines',
		levelsAreFree: true,
		claims: (_message, text, json) =>
			json === undefined ? text !== undefined && isLine(text) : isMetric(json) || metricsIn(json) !== undefined,
		decode(message, text, json, sink) {
			if (json !== undefined) {
				for (const metric of metricsIn(json) ?? [json as Metric]) emit(message, pointOf(metric, message), topics, sink);
				return;
			}
			text.split(/\r?\n/).forEach((line, index) => {
				if (line.trim() === '' || line.startsWith('#')) return;
				const point = isLine(line) ? readLine(line.trim()) : undefined;
				if (point) emit(message, point, topics, sink);
				else sink.reject('unknown-field', `line ${index + 1}: ${describeValue(line)} is no line of the line protocol`);
			});
		}
	};
}

/** Told from other text by its tags, its time, or a whole number's `i`: `motor temp=3` alone may be a name with a space. */
function isLine(text: string): boolean {
	const end = text.search(/\r?\n/);
	const first = (end < 0 ? text : text.slice(0, end)).trim();
	if (first.length > 20_000 || !LINE.test(first)) return false;
	const [head, fields = '', time] = first.match(PART.space) ?? [];
	return head!.includes(',') || (time !== undefined && /^-?\d+$/.test(time)) || /=-?\d+[iu](?:,|$)/.test(fields);
}

function readLine(line: string): Point | undefined {
	const [head, body, time] = line.match(PART.space) ?? [];
	if (!head || !body) return undefined;
	const [measurement, ...tags] = head.match(PART.comma)!;
	return {
		measurement: unescape(measurement!),
		tags: Object.fromEntries(tags.map(pair).map(([key, text]) => [key, unescape(text)])),
		fields: Object.fromEntries((body.match(PART.comma) ?? []).map(pair).map(([key, text]) => [key, fieldValue(text)])),
		time: time === undefined ? undefined : fromEpochNumber(Number(time))
	};
}

const unescape = (text: string) => text.replace(/\\([,= \\"])/g, '$1');

function pair(text: string): [key: string, value: string] {
	const cut = /(?:\\.|[^\\=])*/.exec(text)![0].length;
	return [unescape(text.slice(0, cut)), text.slice(cut + 1)];
}

/** `1.5`, `2i`, `7u`, `true`, `"text"`. */
function fieldValue(text: string): unknown {
	if (/^"/.test(text)) return unescape(text.slice(1, -1));
	if (/^(?:t|true)$/i.test(text)) return true;
	if (/^(?:f|false)$/i.test(text)) return false;
	return parseNumericText(text.replace(/[iu]$/, '')) ?? text;
}

interface Metric {
	readonly name: string;
	readonly tags?: Readonly<Record<string, unknown>>;
	readonly fields: Readonly<Record<string, unknown>>;
	readonly timestamp?: unknown;
}

function isMetric(json: unknown): json is Metric {
	if (typeof json !== 'object' || json === null) return false;
	const { name, fields, tags } = json as Partial<Metric>;
	return typeof name === 'string' && isFields(fields) && (tags === undefined || isFields(tags));
}

function metricsIn(json: unknown): readonly Metric[] | undefined {
	const metrics = (json as { metrics?: unknown } | undefined)?.metrics;
	return Array.isArray(metrics) && metrics.length > 0 && metrics.every(isMetric) ? metrics : undefined;
}

function pointOf({ name, tags = {}, fields, timestamp }: Metric, message: IncomingMessage): Point {
	const texts = Object.entries(tags).map(([key, value]) => [key, String(value)]);
	return {
		measurement: name,
		tags: Object.fromEntries(texts) as Record<string, string>,
		fields,
		time: parseTimestamp(timestamp, message.receivedAt)
	};
}

function emit(message: IncomingMessage, point: Point, topics: TopicCache, sink: DecodeSink): void {
	const { measurement, tags, fields, time } = point;
	const used = new Set<string>();
	const tag = (keys: readonly string[]) => {
		const key = keys.find((candidate) => tags[candidate]?.trim());
		if (key !== undefined) used.add(key);
		return key === undefined ? undefined : tags[key]!;
	};
	const machine = tag(MACHINE_TAGS);
	const levels = PLACE_TAGS.map(tag).filter((level) => level !== undefined);
	const above = topics.resolve(message.topic).machine;
	const place =
		machine === undefined ? above : placeOfLevels([...(levels.length > 0 ? levels : levelsOf(above)), machine]);
	if (!place) return sink.reject('no-machine-in-topic', 'neither topic nor tags name a machine');
	// Without a machine among the tags, places among them tell series apart as well.
	if (machine === undefined) used.clear();
	const others = Object.keys(tags)
		.filter((key) => !used.has(key) && !COLLECTOR_TAGS.has(key))
		.sort()
		.map((key) => `${key}=${tags[key]}`);
	const suffix = others.length > 0 ? ` ${others.join(' ')}` : '';
	for (const [field, said] of Object.entries(fields)) {
		const value = parseNumber(said);
		const name = (field === 'value' ? measurement : `${measurement}.${field}`) + suffix;
		if (value !== undefined) sink.value(place, sensorNameOf(name), value, time);
		else sink.reject('unknown-field', `field '${field}': ${describeValue(said)} is no measured value`);
	}
}
