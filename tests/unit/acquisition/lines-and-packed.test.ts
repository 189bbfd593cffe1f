/** CSV lines, and what CBOR and MessagePack pack: the same readings as the same data in JSON. */
import { encode as encodeMessagePack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReader, read } from './collect';

const T = Date.UTC(2026, 10, 23, 5, 59, 0);

describe('CSV lines', () => {
	const topic = 'r/u/l/pump-3';
	it('reads a header and its rows, and later rows of the same topic alone', () => {
		const reader = createReader();
		const first = reader(topic, 'ts,flow (l/min),pressure\n2026-11-23T05:59:00Z,41.2,3\n2026-11-23T05:59:01Z,41.3,n/a');
		expect(first.values).toEqual([
			{ id: topic, sensor: 'flow', value: 41.2, time: T, unit: 'l/min' },
			{ id: topic, sensor: 'pressure', value: 3, time: T },
			{ id: topic, sensor: 'flow', value: 41.3, time: T + 1000, unit: 'l/min' }
		]);
		expect(first.rejected).toEqual([
			{ reason: 'not-a-number', message: 'line 2, \'pressure\': "n/a" is not a number' }
		]);
		expect(reader(topic, '2026-11-23T05:59:02Z,41.4,3.1').values).toMatchObject([
			{ sensor: 'flow', value: 41.4, time: T + 2000 },
			{ sensor: 'pressure', value: 3.1 }
		]);
		expect(reader(topic, '2026-11-23T05:59:02Z,41.4').rejected[0]).toMatchObject({ reason: 'unknown-field' });
	});
	it('reads decimal commas between semicolons, pairs, and single named readings', () => {
		expect(read(topic, 'time;flow\n2026-11-23T05:59:00Z;41,25').values).toEqual([
			{ id: topic, sensor: 'flow', value: 41.25, time: T }
		]);
		expect(read(topic, 'temp=60.5,flow=-3').values.map(({ sensor, value }) => [sensor, value])).toEqual([
			['temp', 60.5],
			['flow', -3]
		]);
		expect(read(topic, 'flow,41.2,l/min').values).toEqual([{ id: topic, sensor: 'flow', value: 41.2, unit: 'l/min' }]);
		expect(read(topic, '1763880000,41.2,3').values.map(({ sensor, value, time }) => [sensor, value, time])).toEqual([
			['column-1', 41.2, 1763880000000],
			['column-2', 3, 1763880000000]
		]);
	});
	it('takes a sentence for a sentence', () => {
		expect(read(`${topic}/note`, 'checked, all fine').rejected.map(({ reason }) => reason)).toEqual(['not-a-number']);
	});
});

describe('CBOR and MessagePack', () => {
	const topic = 'r/u/l/pump-3';
	const message = { ts: T, flow: { value: 41.2, unit: 'l/min' }, motor: { temperature: 60 }, name: 'x' };
	it.each([
		['CBOR', (value: unknown) => encodeCbor(value)],
		['MessagePack', (value: unknown) => encodeMessagePack(value)]
	])('reads %s as the same message in JSON', (_, encode) => {
		const expected = read(topic, message);
		expect(expected.values).toHaveLength(2);
		expect(read(topic, encode(message))).toEqual(expected);
		expect(read(topic, encode([message, { ...message, ts: T + 1000 }])).values).toHaveLength(4);
	});
	it('reads SenML with the numeric labels of CBOR', () => {
		const pack = encodeCbor([
			new Map<number, unknown>([
				[-2, 'urn:dev:ow:10e2:'],
				[-3, T / 1000],
				[0, 'voltage'],
				[1, 'V'],
				[2, 120.1]
			])
		]);
		expect(read(topic, pack).values).toEqual([{ id: topic, sensor: 'voltage', value: 120.1, time: T, unit: 'V' }]);
	});
	it('refuses other bytes by name', () => {
		for (const bytes of [
			[0xff, 0xd8, 0xff, 0xe0, 1, 2],
			[0x82, 0x01],
			[0xc3, 0x28],
			[0xdf, 0xff, 0xff, 0xff, 0xff]
		])
			expect(read(topic, Uint8Array.from(bytes)).rejected.map(({ reason }) => reason)).toEqual(['invalid-utf8']);
	});
	it('any structure of numbers and names packs and unpacks to what JSON gives', () => {
		const names = fc.stringMatching(/^[a-z]{1,8}$/);
		const records = fc.dictionary(
			names,
			fc.oneof(
				fc.double({ noNaN: true, noDefaultInfinity: true }),
				fc.dictionary(names, fc.integer(), { noNullPrototype: true })
			),
			{ minKeys: 1, noNullPrototype: true }
		);
		// The CBOR writer sorts names: the shorter first.
		const sorted = <T>(record: Record<string, T>): Record<string, T> =>
			Object.fromEntries(
				Object.entries(record)
					.sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
					.map(([name, value]) => [name, value instanceof Object ? (sorted(value as Record<string, T>) as T) : value])
			);
		fc.assert(
			fc.property(records.map(sorted), (record) => {
				const expected = read(topic, record);
				expect(read(topic, encodeCbor(record))).toEqual(expected);
				expect(read(topic, encodeMessagePack(record))).toEqual(expected);
			}),
			{ numRuns: 200 }
		);
	});
});
