/**
 * Data Acquisition, decoding: messages of a shape seen before, read straight from their bytes.
 *
 * A device sends the same object again and again, only with other numbers and another time. In: a payload, and what the JSON dialect made of
 * earlier ones of its topic. Out: the same values, without text, objects or a walk in between; or nothing, and the dialect reads it. A shape
 * is learnt from what the dialect did, has to agree with it several times before it is trusted, and now and then afterwards.
 */
import type { EpochMs } from '../../contracts';
import type { DecodeSink, MachinePlace, NumberedField, ValueExtras } from '../message';
import { fromEpochNumber, timeFieldKind } from './timestamps';

/** What a dialect said of one value. */
export interface DecodedValue {
	readonly place: MachinePlace;
	readonly name: string;
	readonly value: number;
	readonly time: EpochMs | undefined;
	readonly extras: ValueExtras | undefined;
}

const RECENT = 16;
const MAX_TOPICS = 250_000;
const SHAPES_PER_TOPIC = 4;
/** Messages of a shape that the dialect must have read the same way before the shape is trusted. */
const AGREEMENTS = 3;
/** After so many messages of a shape the dialect is asked again. */
const CHECK_EVERY = 1_000;
/** Messages of a topic that were no use for learning; then it is left to the dialect. */
const ATTEMPTS = 24;
/** Larger messages are rare, and learning from them takes the square of their size. */
const MOST_VALUES = 200;
/** Numbers beside what is measured that change from message to message and mean nothing here. */
const IGNORED = new Set(['seq', 'sequence', 'msgid', 'messageid', 'message_id']);
/** Below this no number is taken for a time (1990 in seconds). */
const FIRST_SECOND = 631_152_000;

interface Shape {
	/** A message of the shape; what lies between its tokens is the same in all of them. */
	readonly sample: Uint8Array;
	/** Where each token of the sample begins and ends. */
	readonly starts: readonly number[];
	readonly ends: readonly number[];
	/** Token i is a time as text. */
	readonly isText: readonly boolean[];
	/** Token i is a measured value under a name that may also mean a time: past a second of 1990 the dialect decides. */
	readonly mayBeTime: readonly boolean[];
	readonly calls: readonly NumberedField[];
	/** Tokens that state a time, as a number. */
	readonly timeTokens: readonly number[];
	agreements: number;
	uses: number;
	/** The dialect once read a message of it otherwise. */
	wrong: boolean;
}

interface Topic {
	place: MachinePlace | undefined;
	shapes: Shape[];
	attempts: number;
}

interface Token {
	readonly start: number;
	readonly end: number;
	readonly key: string;
	readonly text: boolean;
	readonly value: number;
}

export class JsonShapes {
	readonly #topics = new Map<string, Topic>();
	/** Shapes learnt last. */
	#recent: Shape[] = [];
	/** Numbers of the message being read. */
	#tokens = new Float64Array(64);

	/** Reads the message if its shape is trusted; every value of it was said then, in order. */
	read(topicName: string, payload: Uint8Array, sink: Pick<DecodeSink, 'value' | 'fields'>): boolean {
		const topic = this.#topics.get(topicName);
		if (!topic?.place) return false;
		for (const shape of topic.shapes) {
			if (shape.agreements < AGREEMENTS || shape.wrong || !this.#match(shape, payload)) continue;
			if (++shape.uses % CHECK_EVERY === 0) return false;
			const tokens = this.#tokens;
			if (sink.fields?.(topic.place, shape.calls, tokens)) return true;
			for (const { name, token, timeToken, extras } of shape.calls)
				sink.value(topic.place, name, tokens[token]!, timeToken < 0 ? undefined : tokens[timeToken]!, extras);
			return true;
		}
		return false;
	}

	/** Topics are about to mean something else. */
	forget(): void {
		this.#topics.clear();
	}

	/** Whether it would help to be told what the dialect makes of this topic's next message. */
	wants(topicName: string): boolean {
		const topic = this.#topics.get(topicName);
		return topic === undefined ? this.#topics.size < MAX_TOPICS : topic.attempts < ATTEMPTS;
	}

	/** What the JSON dialect made of a message, and nothing else was to be said of it. */
	learn(topicName: string, payload: Uint8Array, values: readonly DecodedValue[]): void {
		let topic = this.#topics.get(topicName);
		if (!topic) this.#topics.set(topicName, (topic = { place: undefined, shapes: [], attempts: 0 }));
		const place = values[0]?.place;
		if (!place || values.length > MOST_VALUES || values.some((one) => one.place !== place)) {
			topic.attempts++;
			return;
		}
		topic.place = place;
		for (const shape of topic.shapes) {
			if (!this.#match(shape, payload)) continue;
			if (this.#agrees(shape, values)) shape.agreements++;
			else shape.wrong = true;
			return;
		}
		const shape = this.#familiar(payload, values) ?? this.#shapeOf(payload, values);
		if (!shape) {
			topic.attempts++;
			return;
		}
		topic.shapes = [shape, ...topic.shapes].slice(0, SHAPES_PER_TOPIC);
		// Messages whose text changes each time make shapes that never come again.
		topic.attempts++;
	}

	#agrees(shape: Shape, values: readonly DecodedValue[]): boolean {
		const tokens = this.#tokens;
		return (
			values.length === shape.calls.length &&
			shape.calls.every(({ name, token, timeToken, extras }, i) => {
				const said = values[i]!;
				return (
					said.name === name &&
					Object.is(said.value, tokens[token]!) &&
					said.time === (timeToken < 0 ? undefined : tokens[timeToken]!) &&
					sameExtras(said.extras, extras)
				);
			})
		);
	}

	/** A shape of another topic: the machines of a plant often send alike. */
	#familiar(payload: Uint8Array, values: readonly DecodedValue[]): Shape | undefined {
		for (const shape of this.#recent)
			if (!shape.wrong && this.#match(shape, payload) && this.#agrees(shape, values)) {
				shape.agreements++;
				return shape;
			}
		return undefined;
	}

	/** Undefined where a number could mean more than one thing. */
	#shapeOf(payload: Uint8Array, values: readonly DecodedValue[]): Shape | undefined {
		const tokens = this.#tokenise(payload);
		if (!tokens) return undefined;
		const meaning = new Array<'value' | 'time' | undefined>(tokens.length);
		const calls: NumberedField[] = [];
		let last = -1;
		for (const { name, value, time, extras } of values) {
			const same = tokens.flatMap((token, i) => (!token.text && Object.is(token.value, value) ? [i] : []));
			// In the order of the message, under its own name; any other only if there is no choice.
			const token = same.find((i) => i > last && (name === tokens[i]!.key || name.endsWith(`.${tokens[i]!.key}`)));
			const chosen = token ?? (same.length === 1 ? same[0] : undefined);
			if (chosen === undefined || meaning[chosen] !== undefined) return undefined;
			meaning[chosen] = 'value';
			last = chosen;
			let timeToken = -1;
			if (time !== undefined) {
				const stating = tokens.flatMap((one, i) => (timeOf(one) === time ? [i] : []));
				if (stating.length !== 1) return undefined;
				timeToken = stating[0]!;
				if (meaning[timeToken] === 'value') return undefined;
				meaning[timeToken] = 'time';
			}
			calls.push({ name, token: chosen, timeToken, extras });
		}
		if (tokens.some(({ key }, i) => meaning[i] === undefined && !IGNORED.has(key.toLowerCase()))) return undefined;
		const shape: Shape = {
			sample: payload.slice(),
			starts: tokens.map(({ start }) => start),
			ends: tokens.map(({ end }) => end),
			isText: tokens.map(({ text }) => text),
			mayBeTime: tokens.map(({ key }, i) => meaning[i] === 'value' && timeFieldKind(key) !== undefined),
			calls,
			timeTokens: tokens.flatMap(({ text }, i) => (meaning[i] === 'time' && !text ? [i] : [])),
			agreements: 0,
			uses: 0,
			wrong: false
		};
		this.#recent = [shape, ...this.#recent].slice(0, RECENT);
		return shape;
	}

	/** Numbers, and times as text, with the name before each; undefined where the bytes are not plain JSON. */
	#tokenise(bytes: Uint8Array): Token[] | undefined {
		const tokens: Token[] = [];
		let key = '';
		for (let at = 0; at < bytes.length;) {
			const byte = bytes[at]!;
			if (tokens.length > 4 * MOST_VALUES) return undefined;
			if (byte === QUOTE) {
				const end = endOfText(bytes, at);
				if (end < 0) return undefined;
				let next = end;
				while (bytes[next]! <= 32) next++;
				if (bytes[next] === COLON) key = latin1(bytes, at + 1, end - 1);
				else if (this.#time(bytes, at + 1) === end - 1)
					tokens.push({ start: at + 1, end: end - 1, key, text: true, value: this.#value });
				at = end;
			} else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
				const end = this.#number(bytes, at);
				if (end < 0) return undefined;
				tokens.push({ start: at, end, key, text: false, value: this.#value });
				at = end;
			} else at++;
		}
		return tokens;
	}

	/** Whether the payload is of the shape, number by number; the numbers then are in `#tokens`. */
	#match(shape: Shape, bytes: Uint8Array): boolean {
		const { sample, starts, ends, isText, mayBeTime, timeTokens } = shape;
		if (this.#tokens.length < starts.length) this.#tokens = new Float64Array(2 * starts.length);
		const tokens = this.#tokens;
		let at = 0;
		let from = 0;
		for (let i = 0; i < starts.length; i++) {
			const until = starts[i]!;
			for (; from < until; from++) if (bytes[at++] !== sample[from]) return false;
			const end = isText[i] ? this.#time(bytes, at) : this.#number(bytes, at);
			if (end < 0) return false;
			const value = this.#value;
			if (mayBeTime[i] && value >= FIRST_SECOND) return false;
			tokens[i] = value;
			at = end;
			from = ends[i]!;
		}
		if (bytes.length - at !== sample.length - from) return false;
		for (; from < sample.length; from++) if (bytes[at++] !== sample[from]) return false;
		for (const token of timeTokens) {
			const time = fromEpochNumber(tokens[token]!);
			if (time === undefined) return false;
			tokens[token] = time;
		}
		return true;
	}

	/** What `#number` or `#time` has read. */
	#value = 0;

	/** Reads a JSON number; where it ends, or -1. The value is the one that JSON.parse gives. */
	#number(bytes: Uint8Array, start: number): number {
		let at = start;
		const negative = bytes[at] === MINUS;
		if (negative) at++;
		const first = at;
		let digits = 0;
		let byte = bytes[at];
		while (byte! >= ZERO && byte! <= NINE) {
			digits = digits * 10 + (byte! - ZERO);
			byte = bytes[++at];
		}
		const whole = at - first;
		if (whole === 0 || (whole > 1 && bytes[first] === ZERO)) return -1;
		let places = 0;
		if (byte === POINT) {
			byte = bytes[++at];
			const begin = at;
			while (byte! >= ZERO && byte! <= NINE) {
				digits = digits * 10 + (byte! - ZERO);
				byte = bytes[++at];
			}
			places = at - begin;
			if (places === 0) return -1;
		}
		const plain = byte !== SMALL_E && byte !== LARGE_E;
		// Both exact as doubles: their quotient is the double nearest to the decimal (Clinger 1990).
		if (plain && whole + places <= 15) {
			const magnitude = digits / POWERS_OF_TEN[places]!;
			this.#value = negative ? -magnitude : magnitude;
			return at;
		}
		if (!plain) {
			byte = bytes[++at];
			if (byte === PLUS || byte === MINUS) byte = bytes[++at];
			const begin = at;
			while (byte! >= ZERO && byte! <= NINE) byte = bytes[++at];
			if (at === begin) return -1;
		}
		this.#value = Number(latin1(bytes, start, at));
		return Number.isFinite(this.#value) ? at : -1;
	}

	#day = -1;
	#dayStart = 0;

	/** Reads 2026-11-26T08:03:28.123Z; where it ends, or -1. Other notations are left to the dialect. */
	#time(bytes: Uint8Array, start: number): number {
		const year = digitsAt(bytes, start, 4);
		const month = digitsAt(bytes, start + 5, 2);
		const day = digitsAt(bytes, start + 8, 2);
		const hour = digitsAt(bytes, start + 11, 2);
		const minute = digitsAt(bytes, start + 14, 2);
		const second = digitsAt(bytes, start + 17, 2);
		if (!(year >= 1990 && month >= 1 && month <= 12 && day >= 1)) return -1;
		if (!(hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60)) return -1;
		if (bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS || bytes[start + 10] !== LARGE_T) return -1;
		if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return -1;
		let at = start + 19;
		let fraction = 0;
		if (bytes[at] === POINT) {
			const begin = ++at;
			let digits = 0;
			while (bytes[at]! >= ZERO && bytes[at]! <= NINE) digits = digits * 10 + (bytes[at++]! - ZERO);
			if (at === begin || at - begin > 9) return -1;
			fraction = (digits / POWERS_OF_TEN[at - begin]!) * 1000;
		}
		if (bytes[at] !== LARGE_Z) return -1;
		const date = (year * 100 + month) * 100 + day;
		if (date !== this.#day) {
			const dayStart = Date.UTC(year, month - 1, day);
			if (new Date(dayStart).getUTCDate() !== day) return -1;
			this.#day = date;
			this.#dayStart = dayStart;
		}
		this.#value = this.#dayStart + ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
		return at + 1;
	}
}

const QUOTE = 34;
const BACKSLASH = 92;
const PLUS = 43;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const LARGE_E = 69;
const LARGE_T = 84;
const LARGE_Z = 90;
const SMALL_E = 101;
/** All exact as doubles. */
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, n) => Number(`1e${n}`));

/** NaN unless all `count` bytes are digits. */
function digitsAt(bytes: Uint8Array, start: number, count: number): number {
	let value = 0;
	for (let at = start; at < start + count; at++) {
		const digit = bytes[at]! - ZERO;
		if (!(digit >= 0 && digit <= 9)) return NaN;
		value = value * 10 + digit;
	}
	return value;
}

/** Index after the closing quote of the text that begins at `start`; -1 without one. */
function endOfText(bytes: Uint8Array, start: number): number {
	for (let at = start + 1; at < bytes.length; at++) {
		if (bytes[at] === BACKSLASH) at++;
		else if (bytes[at] === QUOTE) return at + 1;
	}
	return -1;
}

function timeOf(token: Token): number | undefined {
	return token.text ? token.value : fromEpochNumber(token.value);
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
	let text = '';
	for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
	return text;
}

function sameExtras(a: ValueExtras | undefined, b: ValueExtras | undefined): boolean {
	return a === b || (a?.unit === b?.unit && a?.quality === b?.quality && a?.historical === b?.historical);
}
