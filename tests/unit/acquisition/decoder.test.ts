/** What payloads decode to: every form that people write, and a defined outcome for everything that is wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intakeReasons, Quality } from '$lib/contracts';
import { MAX_PAYLOAD_BYTES } from '$lib/acquisition/decode/decoder';
import { createReader, NOW, read } from './collect';

const TOPIC = 'rotterdam/utilities/line-2/pump-3';
const reasons = (result: ReturnType<typeof read>) => result.rejected.map(({ reason }) => reason);
const pairs = (result: ReturnType<typeof read>) => result.values.map(({ sensor, value }) => [sensor, value]);

describe('JSON', () => {
	it('reads a flat object, with its time, text of state ignored', () => {
		const result = read(TOPIC, { ts: 1763880000000, flow: 41.2, vibration: 1.9, mode: 'running' });
		expect(result.values).toEqual([
			{ id: TOPIC, sensor: 'flow', value: 41.2, time: 1763880000000 },
			{ id: TOPIC, sensor: 'vibration', value: 1.9, time: 1763880000000 }
		]);
		expect(result.rejected).toEqual([]);
	});

	it('joins nested names and reads value objects with unit, time and quality', () => {
		const result = read(TOPIC, {
			timestamp: '2025-11-23T06:40:00Z',
			motor: { temperature: { value: '71.5', unit: '°C' }, current: 12 },
			flow: { value: 41, unit: 'l/min', ts: 1763880000, quality: 'Bad_SensorFailure' }
		});
		expect(result.values).toEqual([
			{ id: TOPIC, sensor: 'motor.temperature', value: 71.5, time: Date.UTC(2025, 10, 23, 6, 40), unit: '°C' },
			{ id: TOPIC, sensor: 'motor.current', value: 12, time: Date.UTC(2025, 10, 23, 6, 40) },
			{ id: TOPIC, sensor: 'flow', value: 41, time: 1763880000000, unit: 'l/min', quality: Quality.bad }
		]);
	});

	it('reads arrays of readings, wide and long, bare and wrapped', () => {
		const wide = [
			{ ts: 1763880000, flow: 1, pressure: 2 },
			{ ts: 1763880001, flow: 3 }
		];
		expect(read(TOPIC, wide).values.map(({ sensor, value, time }) => [sensor, value, time])).toEqual([
			['flow', 1, 1763880000000],
			['pressure', 2, 1763880000000],
			['flow', 3, 1763880001000]
		]);
		const long = {
			ts: 1763880000,
			readings: [
				{ name: 'flow', value: 1, unit: 'l/min' },
				{ sensor: 'pressure', value: '2.5', ts: 1763880001 }
			]
		};
		expect(read(TOPIC, long).values).toEqual([
			{ id: TOPIC, sensor: 'flow', value: 1, time: 1763880000000, unit: 'l/min' },
			{ id: TOPIC, sensor: 'pressure', value: 2.5, time: 1763880001000 }
		]);
		expect(pairs(read(TOPIC, { values: { flow: 1, running: true } }))).toEqual([
			['flow', 1],
			['running', 1]
		]);
	});

	it('takes an object that is one value for the sensor of the topic', () => {
		expect(read(`${TOPIC}/flow`, { value: 41.2, unit: 'l/min', ts: 1763880000000 }).values).toEqual([
			{ id: TOPIC, sensor: 'flow', value: 41.2, time: 1763880000000, unit: 'l/min' }
		]);
	});

	it('reads t as a temperature unless it is a time', () => {
		expect(pairs(read(TOPIC, { t: 21.5 }))).toEqual([['t', 21.5]]);
		expect(read(TOPIC, { t: 1763880000, flow: 1 }).values).toEqual([
			{ id: TOPIC, sensor: 'flow', value: 1, time: 1763880000000 }
		]);
	});

	it('counts what is no number and keeps the rest of the message', () => {
		const result = read(TOPIC, '{"a":null,"b":NaN,"c":"n/a","d":-Infinity,"note":"NaN is fine here","flow":"41.2"}');
		expect(pairs(result)).toEqual([['flow', 41.2]]);
		expect(reasons(result)).toEqual(['not-a-number', 'not-a-number', 'not-a-number', 'not-a-number', 'unknown-field']);
		expect(result.rejected[0]!.message).toBe("field 'a': null is not a number");
	});

	it('counts unknown fields, lists of numbers among them', () => {
		expect(reasons(read(TOPIC, { flow: 1, colour: 'red', samples: [1, 2, 3] }))).toEqual([
			'unknown-field',
			'unknown-field'
		]);
	});

	it('keeps a value whose time cannot be read, at the time of arrival', () => {
		const result = read(TOPIC, { ts: 'yesterday', flow: 1 });
		expect(result.values).toEqual([{ id: TOPIC, sensor: 'flow', value: 1 }]);
		expect(reasons(result)).toEqual(['invalid-time']);
	});

	it('never lets a source write the series of the pipeline', () => {
		expect(read(`${TOPIC}/~score`, '1').values[0]!.sensor).toBe('_score');
	});
});

describe('single values', () => {
	it.each([
		['41.2', 41.2],
		[' 41.2\n', 41.2],
		['"41.2"', 41.2],
		['-1e3', -1000],
		['true', 1],
		['OFF', 0]
	])('reads %j', (text, value) => {
		expect(read(`${TOPIC}/flow`, text).values).toEqual([{ id: TOPIC, sensor: 'flow', value }]);
	});

	it('keeps a unit that is stated', () => {
		expect(read(`${TOPIC}/flow`, '41.2 l/min').values).toEqual([
			{ id: TOPIC, sensor: 'flow', value: 41.2, unit: 'l/min' }
		]);
	});

	it.each([
		['', 'no-values'],
		['hello', 'not-a-number'],
		['NaN', 'not-a-number'],
		['{"flow": 1', 'invalid-json'],
		['[1,', 'invalid-json'],
		['{}', 'no-values'],
		['[]', 'no-values']
	])('refuses %j as %s', (text, reason) => {
		const result = read(`${TOPIC}/flow`, text);
		expect(result.values).toEqual([]);
		expect(reasons(result)).toEqual([reason]);
	});
});

it('refuses bytes that are no text, and payloads past the limit; reads 1 MB', () => {
	expect(reasons(read(TOPIC, Uint8Array.of(0xff, 0xfe, 0x80, 0x01)))).toEqual(['invalid-utf8']);
	expect(reasons(read(TOPIC, new Uint8Array(MAX_PAYLOAD_BYTES + 1)))).toEqual(['payload-too-large']);
	const large = read(TOPIC, { flow: 1, note: 'x'.repeat(1_000_000) });
	expect(pairs(large)).toEqual([['flow', 1]]);
});

it('reads a machine description', () => {
	const result = read(`${TOPIC}/_meta`, {
		machineClass: 'centrifugal-pump',
		sensors: { flow: { unit: 'm3/h', kind: 'flow', resolution: 0.01, range: [0, 200] }, odd: { kind: 'nonsense' } }
	});
	expect(result.described).toEqual([
		{
			id: TOPIC,
			machineClass: 'centrifugal-pump',
			sensors: new Map([
				['flow', { unit: 'm3/h', kind: 'flow', resolution: 0.01, range: [0, 200] }],
				['odd', {}]
			])
		}
	]);
});

describe('for any bytes and any JSON', () => {
	const account = (result: ReturnType<typeof read>) =>
		result.values.length + result.rejected.length + result.described.length + (result.understood ? 1 : 0);

	it('never throws and accounts for every message', () => {
		const reader = createReader();
		const topic = fc.oneof(
			fc.constant(TOPIC),
			fc.string(),
			fc.constantFrom('', '/', 'a//b', 'spBv1.0/g/NDATA/n', 'a/_meta')
		);
		const payload = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json(), fc.string({ unit: 'binary' }));
		fc.assert(
			fc.property(topic, payload, (t, p) => {
				const result = reader(t, p);
				expect(account(result)).toBeGreaterThan(0);
				for (const { value, time } of result.values) {
					expect(Number.isFinite(value)).toBe(true);
					if (time !== undefined) expect(Number.isFinite(time)).toBe(true);
				}
				for (const { reason } of result.rejected) expect(intakeReasons).toContain(reason);
			}),
			{ numRuns: 1_000 }
		);
	});

	it('reads every finite number of a flat object back exactly', () => {
		const name = fc.stringMatching(/^[a-z]{4,8}_[0-9]$/);
		fc.assert(
			fc.property(
				fc.dictionary(name, fc.double({ noNaN: true, noDefaultInfinity: true }), { minKeys: 1 }),
				(fields) => {
					const result = read(TOPIC, { ts: NOW, ...fields });
					expect(new Map(result.values.map(({ sensor, value }) => [sensor, value]))).toEqual(
						new Map(Object.entries(fields).map(([key, value]) => [key, JSON.parse(JSON.stringify(value)) as number]))
					);
				}
			)
		);
	});
});
