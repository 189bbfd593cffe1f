/** Sparkplug B: births and aliases, signs of all numeric types, sequence gaps, deaths, history, templates. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Quality } from '$lib/contracts';
import { createReader, NOW } from './collect';
import { bytes, double, float, metric, number, payload, text, type MetricSpec } from './protobuf-writer';

const topic = (type: string, device?: string) => `spBv1.0/rotterdam/${type}/edge-1${device ? `/${device}` : ''}`;
let read: ReturnType<typeof createReader>;
beforeEach(() => (read = createReader()));

const birth = (bdSeq = 1) =>
	read(topic('NBIRTH'), payload(NOW, 0, [{ name: 'bdSeq', type: 4, value: number(11, bdSeq) }]));
const deviceBirth = (metrics: MetricSpec[], seq = 1) => read(topic('DBIRTH', 'pump-3'), payload(NOW, seq, metrics));

describe('values', () => {
	it.each<[string, number, number[], number]>([
		['Int8 as 8 bits', 1, number(10, 0xfe), -2],
		['Int8 sign-extended', 1, number(10, 0xfffffffe), -2],
		['Int16', 2, number(10, 0xfffe), -2],
		['Int32', 3, number(10, 0xfffffffe), -2],
		['Int64', 4, number(11, -2n), -2],
		['Int64 large', 4, number(11, -(2n ** 52n)), -(2 ** 52)],
		['UInt8', 5, number(10, 254), 254],
		['UInt16', 6, number(10, 65534), 65534],
		['UInt32 in int_value', 7, number(10, 0xfffffffe), 4294967294],
		['UInt32 in long_value', 7, number(11, 0xfffffffe), 4294967294],
		['UInt64', 8, number(11, 2n ** 52n), 2 ** 52],
		['Float', 9, float(12, 41.5), 41.5],
		['Double', 10, double(13, -41.2), -41.2],
		['Boolean', 11, number(14, 1), 1]
	])('reads %s', (_, type, value, expected) => {
		birth();
		const result = deviceBirth([{ name: 'Motor/Temperature', type, value, time: NOW - 5 }]);
		expect(result.values).toEqual([
			{ id: 'rotterdam/edge-1/pump-3', sensor: 'Motor.Temperature', value: expected, time: NOW - 5 }
		]);
		expect(result.rejected).toEqual([]);
	});

	it('resolves aliases with the type and unit of the birth; history, quality and null are kept apart', () => {
		birth();
		deviceBirth([{ name: 'flow', alias: 7, type: 2, unit: 'l/min', value: number(10, 5) }]);
		const result = read(
			topic('DDATA', 'pump-3'),
			payload(NOW + 10, 2, [
				{ alias: 7, value: number(10, 0xffff) },
				{ alias: 7, value: number(10, 3), historical: true, time: NOW - 86_400_000 * 30 },
				{ alias: 7, value: number(10, 4), quality: 0 },
				{ alias: 7, isNull: true }
			])
		);
		const id = 'rotterdam/edge-1/pump-3';
		expect(result.values).toEqual([
			{ id, sensor: 'flow', value: -1, time: NOW + 10, unit: 'l/min' },
			{ id, sensor: 'flow', value: 3, time: NOW - 86_400_000 * 30, unit: 'l/min', historical: true },
			{ id, sensor: 'flow', value: 4, time: NOW + 10, unit: 'l/min', quality: Quality.bad }
		]);
		expect(result.rejected.map(({ reason }) => reason)).toEqual(['not-a-number']);
	});

	it('reads template instances, passes over definitions', () => {
		birth();
		const members = bytes(2, metric({ name: 'speed', type: 9, value: float(12, 10) }));
		const result = deviceBirth([
			{ name: 'motor', type: 19, value: bytes(18, members) },
			{ name: 'MotorType', type: 19, value: bytes(18, [...members, ...number(5, 1)]) }
		]);
		expect(result.values.map(({ sensor, value }) => [sensor, value])).toEqual([['motor.speed', 10]]);
	});

	it('does not store text, dates or controls, and describes units at birth', () => {
		birth();
		const result = deviceBirth([
			{ name: 'serial', type: 12, value: text(15, 'A1') },
			{ name: 'made', type: 13, value: number(11, NOW) },
			{ name: 'Device Control/Reboot', type: 11, value: number(14, 0) },
			{ name: 'flow', type: 9, unit: 'l/min', value: float(12, 1) }
		]);
		expect(result.values.map(({ sensor }) => sensor)).toEqual(['flow']);
		expect(result.described).toEqual([
			{ id: 'rotterdam/edge-1/pump-3', sensors: new Map([['flow', { unit: 'l/min' }]]) }
		]);
		const data = read(topic('DDATA', 'pump-3'), payload(NOW, 2, [{ name: 'serial', type: 12, value: text(15, 'A2') }]));
		expect(data.rejected.map(({ reason }) => reason)).toEqual(['unknown-field']);
	});
});

describe('sessions', () => {
	const data = (seq: number, at = NOW) =>
		read(topic('DDATA', 'pump-3'), payload(at, seq, [{ name: 'flow', type: 9, value: float(12, 1) }]), at);

	it('follows seq past 255 without complaint', () => {
		birth();
		for (let n = 1; n < 600; n++) expect(data(n % 256).rejected).toEqual([]);
	});

	it('asks for a rebirth on a gap, keeps the data, and does not ask twice in ten seconds', () => {
		birth();
		data(1);
		const gap = data(3);
		expect(gap.values).toHaveLength(1);
		expect(gap.rejected).toEqual([{ reason: 'sequence-gap', message: 'rotterdam/edge-1: number 2 expected, 3 came' }]);
		expect(gap.asked).toHaveLength(1);
		expect(gap.asked[0]!.topic).toBe('spBv1.0/rotterdam/NCMD/edge-1');
		expect(gap.asked[0]!.payload).toEqual(
			Uint8Array.from([
				...number(1, NOW),
				...bytes(2, metric({ name: 'Node Control/Rebirth', time: NOW, type: 11, value: number(14, 1) }))
			])
		);
		expect(data(9).asked).toEqual([]);
		expect(data(20, NOW + 11_000).asked).toHaveLength(1);
	});

	it('asks for a rebirth when data comes before a birth, or an alias is unknown', () => {
		expect(data(5).asked).toHaveLength(1);
		read = createReader();
		birth();
		const unknown = read(topic('DDATA', 'pump-3'), payload(NOW, 1, [{ alias: 9, value: number(10, 1) }]));
		expect(unknown.rejected[0]).toMatchObject({
			reason: 'sequence-gap',
			message: 'rotterdam/edge-1: alias 9 is unknown'
		});
		expect(unknown.asked).toHaveLength(1);
	});

	it('ends the session on a death of this birth, not on a late one of an earlier birth', () => {
		const death = (bdSeq: number) =>
			read(topic('NDEATH'), payload(NOW, undefined, [{ name: 'bdSeq', type: 4, value: number(11, bdSeq) }]));
		birth(2);
		expect(death(1).understood).toBe(true);
		expect(data(1).rejected).toEqual([]);
		death(2);
		expect(data(2).rejected.map(({ reason }) => reason)).toEqual(['sequence-gap']);
	});

	it('marks machines offline by deaths, with what they speak of, and online by births', () => {
		birth(2);
		expect(deviceBirth([]).presence).toMatchObject([{ id: 'rotterdam/edge-1/pump-3', online: true }]);
		const gone = read(topic('DDEATH', 'pump-3'), payload(NOW, 2, []));
		expect(gone.presence).toEqual([
			{
				id: 'rotterdam/edge-1/pump-3',
				online: false,
				reason: 'its edge node lost it (Sparkplug death certificate of the device)'
			}
		]);
		const death = (bdSeq: number) =>
			read(topic('NDEATH'), payload(NOW, undefined, [{ name: 'bdSeq', type: 4, value: number(11, bdSeq) }]));
		expect(death(1).presence).toEqual([]);
		expect(death(2).presence).toMatchObject([{ id: 'rotterdam/edge-1', online: false, within: true }]);
		// Of a node that was never seen alive, the death is all there is to go by.
		read = createReader();
		expect(death(7).presence).toMatchObject([{ online: false, within: true }]);
	});

	it('does not guess the sign of an integer whose type only the birth tells', () => {
		birth();
		const early = read(topic('DDATA', 'pump-3'), payload(NOW, 1, [{ name: 'flow', value: number(10, 0xfffffffe) }]));
		expect(early.values).toEqual([]);
		expect(early.asked).toHaveLength(1);
		deviceBirth([{ name: 'flow', type: 3, value: number(10, 1) }], 2);
		const data = read(topic('DDATA', 'pump-3'), payload(NOW, 3, [{ name: 'flow', value: number(10, 0xfffffffe) }]));
		expect(data.values.map(({ value }) => value)).toEqual([-2]);
	});

	it('understands commands and host states, refuses damage and odd topics', () => {
		expect(read('spBv1.0/STATE/host-1', { online: true, timestamp: NOW }).understood).toBe(true);
		expect(read('STATE/host-1', 'ONLINE').understood).toBe(true);
		expect(read(topic('NCMD'), payload(NOW, undefined, [])).understood).toBe(true);
		const damaged = read(topic('NBIRTH'), Uint8Array.of(0x12, 0x50, 1, 2));
		expect(damaged.rejected.map(({ reason }) => reason)).toEqual(['no-values']);
		expect(read('spBv1.0/g', payload(NOW, 0, [])).rejected[0]!.reason).toBe('no-machine-in-topic');
	});
});
