/** Messages read by shape: whatever is sent after whatever, the same is said of it as by a decoder that has seen nothing before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Decoder } from '$lib/acquisition/decode/decoder';
import { JsonShapes, type DecodedValue } from '$lib/acquisition/decode/json-shapes';
import type { DecodeSink } from '$lib/acquisition/message';
import { NOW } from './collect';

const bytes = (text: string) => new TextEncoder().encode(text);

/** Everything that is said of a message, in order. */
function saidBy(decoder: Decoder, topic: string, text: string): unknown[] {
	const said: unknown[] = [];
	const note =
		(what: string) =>
		(...args: unknown[]) =>
			void said.push([what, ...args.map((one) => (Object.is(one, -0) ? 'minus zero' : one))]);
	const sink: DecodeSink = {
		value: ({ id }, name, value, time, extras) => note('value')(id, name, value, time, extras),
		waveform: note('waveform'),
		describe: note('describe'),
		presence: note('presence'),
		reject: note('reject'),
		understood: note('understood'),
		ask: note('ask'),
		hold: () => false,
		release: note('release')
	};
	decoder.decode({ topic, payload: bytes(text), retain: false, receivedAt: NOW }, sink);
	return said;
}

const number = fc.oneof(
	{ weight: 6, arbitrary: fc.integer({ min: -100_000, max: 100_000 }).map((n) => String(n / 100)) },
	fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
	fc.constantFrom('-0', '0', '0.0', '1e3', '1E-7', '1e400', '007', '1.', '.5', '1700000000', '1764144000000', '0.1e1')
);
const time = fc.oneof(
	{ weight: 4, arbitrary: fc.integer({ min: NOW - 1e6, max: NOW + 1e6 }).map(String) },
	fc.integer({ min: NOW - 1e6, max: NOW }).map((ms) => `"${new Date(ms).toISOString()}"`),
	fc.constantFrom(
		'"2026-02-30T00:00:00Z"',
		'"2026-11-26T08:03:28.1234567Z"',
		'"2026-11-26 08:03:28"',
		'12',
		'1764144000'
	)
);
const other = fc.constantFrom(
	'null',
	'true',
	'"run"',
	'"41.2"',
	'"idle"',
	'[1,2]',
	'{"value":3,"unit":"bar"}',
	'"é\\""'
);
const key = fc.constantFrom('ts', 'flow', 'pressure', 'value', 't', 'time', 'seq', 'mode', 'quality', 'unit', 'id');

/** A device's payload as text with holes for what changes. */
const field = key.chain((name) =>
	fc.record({
		name: fc.constant(name),
		kind:
			name === 'ts'
				? fc.constant('time')
				: fc.oneof({ weight: 5, arbitrary: fc.constant('number') }, fc.constant('other'))
	})
);
const template = fc.record({
	fields: fc.array(field, { minLength: 1, maxLength: 6 }),
	rows: fc.constantFrom(0, 0, 1, 3)
});

it('says the same as a decoder that reads every message anew', () => {
	const messages = template.chain(({ fields, rows }) => {
		const row = fc
			.tuple(...fields.map(({ kind }) => (kind === 'time' ? time : kind === 'number' ? number : other)))
			.map((values) => `{${fields.map(({ name }, i) => `"${name}":${values[i]}`).join(',')}}`);
		const one =
			rows === 0 ? row : fc.array(row, { minLength: rows, maxLength: rows }).map((all) => `[${all.join(',')}]`);
		return fc.array(one, { minLength: 6, maxLength: 12 });
	});
	fc.assert(
		fc.property(messages, fc.constantFrom('plant/area/pump', 'pump', 'plant/pump/flow'), (list, topic) => {
			const seasoned = new Decoder();
			for (const text of list) expect(saidBy(seasoned, topic, text)).toEqual(saidBy(new Decoder(), topic, text));
		}),
		{ numRuns: 400 }
	);
});

it('takes a shape up once it has proved right, for other topics too, and asks again now and then', () => {
	const shapes = new JsonShapes();
	const place = { id: 'r/pump', path: { plant: 'r', machine: 'pump' } };
	const payload = (i: number) => bytes(`{"ts":${NOW + i},"flow":${i + 0.5},"mode":"run","seq":${i}}`);
	const values = (i: number): DecodedValue[] => [
		{ place, name: 'flow', value: i + 0.5, time: NOW + i, extras: undefined }
	];
	const read = (topic: string, i: number) => {
		const found: unknown[] = [];
		const value: DecodeSink['value'] = ({ id }, ...said) => void found.push([id, ...said.slice(0, 3)]);
		const taken = shapes.read(topic, payload(i), { value });
		return taken ? found : undefined;
	};
	for (let i = 0; i < 4; i++) {
		expect(read('r/pump', i)).toBeUndefined();
		shapes.learn('r/pump', payload(i), values(i));
	}
	expect(read('r/pump', 9)).toEqual([['r/pump', 'flow', 9.5, NOW + 9]]);
	// Another text between the numbers is another shape.
	expect(shapes.read('r/pump', bytes(`{"ts":${NOW},"flow":1,"mode":"idle","seq":1}`), { value: () => undefined })).toBe(
		false
	);
	// The next machine that sends the same needs one message.
	const next = { id: 'r/fan', path: { plant: 'r', machine: 'fan' } };
	shapes.learn('r/fan', payload(1), [{ ...values(1)[0]!, place: next }]);
	expect(read('r/fan', 2)).toEqual([['r/fan', 'flow', 2.5, NOW + 2]]);
	let asked = 0;
	for (let i = 0; i < 3_000; i++) if (!read('r/pump', i)) asked++;
	expect(asked).toBe(3);
	// A dialect that now says otherwise ends it.
	shapes.learn('r/pump', payload(1), [{ ...values(1)[0]!, name: 'level' }]);
	expect(read('r/pump', 2)).toBeUndefined();
});
