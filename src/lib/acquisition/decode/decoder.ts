/**
 * Data Acquisition, decoding: finds the dialect of a message and guards it.
 *
 * In: an `IncomingMessage`. Out: calls on a `DecodeSink`. Never throws, and every message ends in at least one value,
 * description or rejection: nothing disappears without being counted.
 */
import { createDialects } from '../dialects';
import { EdgeNodes } from '../dialects/edge-nodes';
import type { Dialect, DecodeSink, IncomingMessage } from '../message';
import { JsonShapes, type DecodedValue } from './json-shapes';
import { parseJson } from './numbers';
import { unpack, type Packing } from './unpack';
import { TopicCache, type LevelRule } from './topics';

/** A 1 MB message is read; past this it is refused unread. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

const LAST_TIME = Date.UTC(2100, 0, 1);

/** Counts whether anything was said of the message, and lets only finite values and times through. */
class Witness implements DecodeSink {
	sink!: DecodeSink;
	said = false;
	value: DecodeSink['value'] = (place, name, value, time, extras) => {
		this.said = true;
		// The last line of defence: sums of base values and the like may leave what a dialect checked.
		if (!Number.isFinite(value)) return this.sink.reject('not-a-number', `'${name}': ${value} is not a number`);
		if (time !== undefined && !(time > 0 && time < LAST_TIME)) {
			this.sink.reject('invalid-time', `'${name}': ${time} is no time`);
			time = undefined;
		}
		this.sink.value(place, name, value, time, extras);
	};
	fields: NonNullable<DecodeSink['fields']> = (place, fields, numbers) => {
		const taken = this.sink.fields?.(place, fields, numbers) ?? false;
		if (taken) this.said = true;
		return taken;
	};
	waveform: DecodeSink['waveform'] = (place, channel, time, samples) => {
		this.said = true;
		this.sink.waveform(place, channel, time, samples);
	};
	describe: DecodeSink['describe'] = (place, machineClass, sensors, declared) => {
		this.said = true;
		this.sink.describe(place, machineClass, sensors, declared);
	};
	reject: DecodeSink['reject'] = (reason, message) => {
		this.said = true;
		this.sink.reject(reason, message);
	};
	understood: DecodeSink['understood'] = () => {
		this.said = true;
		this.sink.understood();
	};
	presence: DecodeSink['presence'] = (place, said) => {
		this.said = true;
		this.sink.presence(place, said);
	};
	ask: DecodeSink['ask'] = (topic, payload) => this.sink.ask(topic, payload);
	hold: DecodeSink['hold'] = (key) => this.sink.hold(key);
	release: DecodeSink['release'] = (key) => this.sink.release(key);
}

/** Passes everything on and keeps what was said, for shapes to be learnt from. */
class Recorder implements DecodeSink {
	sink!: DecodeSink;
	values: DecodedValue[] = [];
	/** Nothing but values was said. */
	plain = true;
	value: DecodeSink['value'] = (place, name, value, time, extras) => {
		this.values.push({ place, name, value, time, extras });
		this.sink.value(place, name, value, time, extras);
	};
	waveform: DecodeSink['waveform'] = (...said) => this.#pass(() => this.sink.waveform(...said));
	describe: DecodeSink['describe'] = (...said) => this.#pass(() => this.sink.describe(...said));
	presence: DecodeSink['presence'] = (...said) => this.#pass(() => this.sink.presence(...said));
	reject: DecodeSink['reject'] = (...said) => this.#pass(() => this.sink.reject(...said));
	understood: DecodeSink['understood'] = () => this.#pass(() => this.sink.understood());
	ask: DecodeSink['ask'] = (...said) => this.#pass(() => this.sink.ask(...said));
	hold: DecodeSink['hold'] = (key) => this.sink.hold(key);
	release: DecodeSink['release'] = (key) => this.#pass(() => this.sink.release(key));

	#pass(say: () => void): void {
		this.plain = false;
		say();
	}
}

export class Decoder {
	readonly #topics: TopicCache;
	readonly #dialects: readonly Dialect[];
	readonly #utf8 = new TextDecoder('utf-8', { fatal: true });
	readonly #witness = new Witness();
	readonly #recorder = new Recorder();
	readonly #shapes = new JsonShapes();
	readonly #json: Dialect;
	/** Dialect that decoded the newest message; undefined if none did. */
	lastDialect: Dialect | undefined;
	/** What the newest message was packed in, if not text. */
	lastPacking: Packing | undefined;

	/** `edgeNodes`: what Sparkplug's births have said, where that is kept. */
	constructor(rules: readonly LevelRule[] = [], edgeNodes = new EdgeNodes()) {
		this.#topics = new TopicCache(rules);
		this.#dialects = createDialects(this.#topics, edgeNodes);
		this.#json = this.#dialects.find(({ id }) => id === 'json')!;
	}

	/** What topic levels mean from now on; what dialects have learnt (births, aliases, units) stays. */
	setLevelRules(rules: readonly LevelRule[]): void {
		this.#topics.setRules(rules);
		this.#shapes.forget();
	}

	decode(message: IncomingMessage, sink: DecodeSink): void {
		const witness = this.#witness;
		witness.sink = sink;
		witness.said = false;
		try {
			this.#decode(message, witness);
		} catch (error) {
			witness.reject('decoder-failed', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
		}
		if (!witness.said) witness.reject('no-values', 'no measured value in it');
	}

	/** For a source in this process: the same dialects, without a trip through bytes. */
	decodeObject(message: IncomingMessage, json: unknown, sink: DecodeSink): void {
		const witness = this.#witness;
		witness.sink = sink;
		witness.said = false;
		const dialect = this.#dialects.find((candidate) => candidate.claims(message, '', json));
		dialect?.decode(message, '', json, witness);
		if (!witness.said) witness.reject('no-values', 'no measured value in it');
	}

	#decode(message: IncomingMessage, sink: DecodeSink): void {
		const { payload } = message;
		if (payload.length > MAX_PAYLOAD_BYTES)
			return sink.reject('payload-too-large', `${payload.length} bytes; at most ${MAX_PAYLOAD_BYTES} are read`);
		this.lastPacking = undefined;
		if (this.#shapes.read(message.topic, payload, sink)) {
			this.lastDialect = this.#json;
			return;
		}
		this.lastDialect = undefined;
		const text = this.#textOf(payload);
		let json = text === undefined ? undefined : structureOf(text);
		if (text === undefined) {
			const unpacked = unpack(payload);
			json = unpacked?.value;
			this.lastPacking = unpacked?.packing;
		}
		for (const dialect of this.#dialects) {
			if (!dialect.claims(message, text, json)) continue;
			this.lastDialect = dialect;
			if (dialect === this.#json && text !== undefined && this.#shapes.wants(message.topic))
				return this.#learn(message, text, json, sink);
			return dialect.decode(message, text ?? '', json, sink);
		}
		if (text === undefined)
			sink.reject('invalid-utf8', `${payload.length} bytes that are neither UTF-8 text nor CBOR nor MessagePack`);
		else sink.reject('no-values', 'no dialect reads it');
	}

	#learn(message: IncomingMessage, text: string, json: unknown, sink: DecodeSink): void {
		const recorder = this.#recorder;
		recorder.sink = sink;
		recorder.values = [];
		recorder.plain = true;
		this.#json.decode(message, text, json, recorder);
		this.#shapes.learn(message.topic, message.payload, recorder.plain ? recorder.values : []);
	}

	#textOf(payload: Uint8Array): string | undefined {
		try {
			return this.#utf8.decode(payload);
		} catch {
			return undefined;
		}
	}
}

/** The JSON object or array in `text`, or undefined. */
function structureOf(text: string): unknown {
	let at = 0;
	while (at < text.length && text.charCodeAt(at) <= 32) at++;
	const first = text.charCodeAt(at);
	if (first !== 123 && first !== 91) return undefined;
	try {
		return parseJson(text);
	} catch {
		return undefined;
	}
}
