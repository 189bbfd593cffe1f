/**
 * Dialect: a waveform, consecutive samples of one channel, as JSON:
 * `{"ts":..., "sampleRate":12800, "unit":"m/s2", "rpm":1480, "samples":[0.12, -0.3, ...]}`.
 *
 * The topic is `<machine>/waveform/<channel>`, or `<machine>/<channel>`; a `channel` in the payload wins. Without a sampling rate or unit
 * it is kept and shown per sample; nothing is assumed.
 */
import { type Fields } from '../decode/fields';
import { maximumWaveformSamples, minimumWaveformSamples } from '../../contracts';
import { describeValue, parseNumber } from '../decode/numbers';
import { parseTimestamp, timeFieldKind } from '../decode/timestamps';
import { sensorNameOf, type TopicCache } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage, MachinePlace } from '../message';

const TOPIC = /\/waveforms?(\/|$)/i;

const SAMPLE_KEYS = ['samples', 'waveform', 'wave'] as const;
const RATE_KEYS = ['sampleRate', 'sampleRateHz', 'sample_rate', 'samplingRate', 'fs'] as const;
const SPEED_KEYS = ['rpm', 'shaftRpm', 'speedRpm'] as const;

const KNOWN = new Set<string>([...RATE_KEYS, ...SPEED_KEYS, 'seq', 'id', 'version']);

const samplesOf = (json: unknown): unknown[] | undefined => {
	if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
	for (const key of SAMPLE_KEYS) {
		const found = (json as Fields)[key];
		// A list of records is readings, not samples.
		if (Array.isArray(found) && typeof found[0] !== 'object') return found;
	}
	return undefined;
};

export function createWaveform(topics: TopicCache): Dialect {
	return {
		id: 'waveform',
		title: 'Waveform',
		levelsAreFree: true,
		claims(message, _text, json) {
			const samples = samplesOf(json);
			// A few numbers in a list are a field nobody knows, unless the topic says what they are.
			return samples !== undefined && (samples.length >= minimumWaveformSamples || TOPIC.test(message.topic));
		},
		decode(message, _text, json, sink) {
			const fields = json as Fields;
			const place = placeOf(message.topic, fields, topics);
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no machine');
			for (const [key, value] of Object.entries(fields))
				if (typeof value === 'number' && !KNOWN.has(key) && timeFieldKind(key) === undefined)
					sink.reject('unknown-field', `field '${key}': a message with samples is read as a waveform only`);
			const samples = readSamples(samplesOf(json)!, sink);
			if (!samples) return;
			const rate = positive(fields, RATE_KEYS, sink);
			const rpm = positive(fields, SPEED_KEYS, sink);
			const unit = fields['unit'];
			sink.waveform(place.machine, place.channel, timeOf(fields, message, sink), {
				samples,
				...(rate !== undefined && { sampleRateHz: rate }),
				...(rpm !== undefined && { shaftRpm: rpm }),
				...(typeof unit === 'string' && unit.trim() && { unit: unit.trim() })
			});
		}
	};
}

function placeOf(
	topic: string,
	fields: Fields,
	topics: TopicCache
): { machine: MachinePlace; channel: string } | undefined {
	const said = fields['channel'];
	const named = typeof said === 'string' && said.trim() !== '' ? sensorNameOf(said) : undefined;
	const levels = topic.split('/');
	const at = levels.findIndex((level) => /^waveforms?$/i.test(level));
	if (at > 0) {
		const machine = topics.resolve(levels.slice(0, at).join('/')).machine;
		const channel = named ?? sensorNameOf(levels.slice(at + 1).join('.') || 'waveform');
		return machine && { machine, channel };
	}
	const { machine, sensor } = topics.resolve(topic);
	if (named !== undefined) return machine && { machine, channel: named };
	return sensor && { machine: sensor.machine, channel: sensor.name };
}

function readSamples(list: readonly unknown[], sink: DecodeSink): Float32Array | undefined {
	if (list.length < minimumWaveformSamples || list.length > maximumWaveformSamples) {
		const bounds = `${minimumWaveformSamples} to ${maximumWaveformSamples}`;
		sink.reject(
			list.length < minimumWaveformSamples ? 'no-values' : 'payload-too-large',
			`a waveform of ${list.length} samples; ${bounds} are read`
		);
		return undefined;
	}
	const samples = new Float32Array(list.length);
	for (let i = 0; i < list.length; i++) {
		const value = parseNumber(list[i]);
		if (value === undefined || !Number.isFinite(Math.fround(value))) {
			sink.reject('not-a-number', `sample ${i + 1} of ${list.length}: ${describeValue(list[i])} is not a number`);
			return undefined;
		}
		samples[i] = value;
	}
	return samples;
}

function positive(fields: Fields, keys: readonly string[], sink: DecodeSink): number | undefined {
	const key = keys.find((candidate) => fields[candidate] !== undefined && fields[candidate] !== null);
	if (key === undefined) return undefined;
	const value = parseNumber(fields[key]);
	if (value !== undefined && value > 0 && Number.isFinite(value)) return value;
	sink.reject('not-a-number', `field '${key}': ${describeValue(fields[key])} is no rate`);
	return undefined;
}

function timeOf(fields: Fields, message: IncomingMessage, sink: DecodeSink): number | undefined {
	for (const key in fields) {
		if (timeFieldKind(key) === undefined) continue;
		const time = parseTimestamp(fields[key], message.receivedAt);
		if (time !== undefined) return time;
		sink.reject('invalid-time', `field '${key}': ${describeValue(fields[key])} is no time`);
	}
	return undefined;
}
