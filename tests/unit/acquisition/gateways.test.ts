/** Messages as industrial gateways and collectors write them: no two tags may become one series. */
import { describe, expect, it } from 'vitest';
import { Quality } from '$lib/contracts';
import { read, type Collected } from './collect';

const T = Date.UTC(2026, 10, 23, 5, 59, 0);
const ISO = '2026-11-23T05:59:00Z';
const TOPIC = 'rotterdam/utilities/pump-3';

/** machine, sensor, value, quality if not good. */
const told = (result: Collected) =>
	result.values.map(({ id, sensor, value, quality }) => [id, sensor, value, ...(quality ? [quality] : [])]);

describe('a list of named values in JSON', () => {
	const lists: [title: string, payload: unknown, expected: unknown[]][] = [
		[
			'a Kepware template with tag names',
			[
				{ tagname: 'Press.Force', timestamp: T, value: 12 },
				{ tagname: 'Press.Stroke', timestamp: T, value: 3 }
			],
			[
				[TOPIC, 'Press.Force', 12],
				[TOPIC, 'Press.Stroke', 3]
			]
		],
		[
			'a Siemens databus: qc 3 is good, 0 bad',
			{
				seq: 1,
				vals: [
					{ id: '101', qc: 3, ts: ISO, val: 2.5 },
					{ id: '102', qc: 0, ts: ISO, val: '17' }
				]
			},
			[
				[TOPIC, '101', 2.5],
				[TOPIC, '102', 17, Quality.bad]
			]
		],
		[
			'a Siemens databus in time series',
			{
				records: [
					{ ts: ISO, rseq: 1, vals: [{ id: '101', qc: 3, val: 1 }] },
					{ ts: ISO, rseq: 2, vals: [{ id: '102', qc: 1, val: 2 }] }
				]
			},
			[
				[TOPIC, '101', 1],
				[TOPIC, '102', 2, Quality.uncertain]
			]
		],
		[
			'a SIMATIC CC7: OPC quality codes',
			{
				Timestamp: ISO,
				DataItems: [
					{ Variable: 'Temp', Type: 'REAL', Value: '23.5', QualityCode: '192' },
					{ Variable: 'Level', Type: 'INT', Value: '4', QualityCode: '24' }
				]
			},
			[
				[TOPIC, 'Temp', 23.5],
				[TOPIC, 'Level', 4, Quality.bad]
			]
		],
		[
			'tags with more said about them',
			{
				tags: [
					{ name: 'Temp', value: 23.5, quality: 'Good', path: 'line1/Temp', min: 20 },
					{ name: 'Speed', value: 9, quality: false }
				]
			},
			[
				[TOPIC, 'Temp', 23.5],
				[TOPIC, 'Temp.min', 20],
				[TOPIC, 'Speed', 9, Quality.bad]
			]
		],
		[
			'records of named sensors without a value of their own',
			[
				{ sensor: 'inlet', temperature: 20 },
				{ sensor: 'outlet', temperature: 30 }
			],
			[
				[TOPIC, 'inlet.temperature', 20],
				[TOPIC, 'outlet.temperature', 30]
			]
		]
	];
	for (const [title, payload, expected] of lists)
		it(`${title}: each under its own name`, () => {
			const result = read(TOPIC, payload);
			expect(told(result)).toEqual(expected);
			expect(result.rejected).toEqual([]);
		});

	it("Node-RED's message on a sensor's topic is that sensor's value", () => {
		expect(told(read(`${TOPIC}/flow`, { payload: 23.5, topic: 'x', _msgid: 'ab12' }))).toEqual([[TOPIC, 'flow', 23.5]]);
	});
});

describe('OPC Publisher samples', () => {
	it('are told apart by node, with the time and status of each', () => {
		const sample = (name: string, value: unknown) => ({
			NodeId: `ns=2;s=${name}`,
			DisplayName: 'Temp',
			ApplicationUri: 'urn:x',
			...(value as object)
		});
		const result = read(TOPIC, [
			sample('Line1.Temp', { Value: { Value: 23.4, SourceTimestamp: ISO, StatusCode: 0 } }),
			sample('Line2.Temp', { Value: { Value: 50, SourceTimestamp: ISO, StatusCode: 0x80000000 } }),
			{ NodeId: 'nsu=http://x;i=7', DisplayName: 'Speed', Value: 3, SourceTimestamp: ISO }
		]);
		expect(told(result)).toEqual([
			[TOPIC, 'Line1.Temp', 23.4],
			[TOPIC, 'Line2.Temp', 50, Quality.bad],
			[TOPIC, 'Speed', 3]
		]);
		expect(result.values.every(({ time }) => time === T)).toBe(true);
		expect(result.rejected).toEqual([]);
	});

	it('take the time of the server where the source states none', () => {
		const sample = { NodeId: 'ns=2;s=Speed', Value: 3, Timestamp: new Date(T + 5_000).toISOString() };
		const result = read(TOPIC, [
			{ ...sample, ServerTimestamp: ISO },
			{ ...sample, ServerTimestamp: new Date(T + 1_000).toISOString(), SourceTimestamp: ISO }
		]);
		expect(result.values.map(({ time }) => time)).toEqual([T, T]);
		expect(result.rejected).toEqual([]);
	});
});

describe('Kepware IoT Gateway', () => {
	it('gives each device its tags, bad values as bad, and leaves out what the server says of itself', () => {
		const result = read('iotgateway', {
			timestamp: T,
			values: [
				{ id: 'Press.PLC1.Motor.Current', v: 42, q: true, t: T },
				{ id: 'Press.PLC2.Motor.Current', v: 4, q: false, t: T },
				{ id: 'Press.PLC1.Run', v: true, q: true, t: T },
				{ id: '_System._Time_Second', v: 12, q: true, t: T },
				{ id: 'Press.PLC1.Recipe', v: 'M8', q: true, t: T }
			]
		});
		expect(told(result)).toEqual([
			['iotgateway/Press/PLC1', 'Motor.Current', 42],
			['iotgateway/Press/PLC2', 'Motor.Current', 4, Quality.bad],
			['iotgateway/Press/PLC1', 'Run', 1]
		]);
		expect(result.rejected.map(({ reason }) => reason)).toEqual(['unknown-field']);
	});
});

describe('InfluxDB lines', () => {
	it('are read with tags, whole numbers, words, text and escaped characters', () => {
		const ns = `${T}000000`;
		const result = read(
			'telegraf/edge-1',
			[
				`modbus,host=edge1,name=Pump\\ 3,type=holding temperature=23.4,count=3i,on=true,text="a, b=1 c" ${ns}`,
				`modbus,host=edge1,name=Pump\\ 4,type=holding temperature=24 ${ns}`,
				`vibration,machine=fan-1,site=delft value=0.4 ${ns}`,
				'no line at all'
			].join('\n')
		);
		expect(told(result)).toEqual([
			['telegraf/edge-1/Pump 3', 'modbus.temperature type=holding', 23.4],
			['telegraf/edge-1/Pump 3', 'modbus.count type=holding', 3],
			['telegraf/edge-1/Pump 3', 'modbus.on type=holding', 1],
			['telegraf/edge-1/Pump 4', 'modbus.temperature type=holding', 24],
			['delft/fan-1', 'vibration', 0.4]
		]);
		expect(result.values.every(({ time }) => time === T)).toBe(true);
		expect(result.rejected).toEqual([
			{ reason: 'unknown-field', message: expect.stringContaining("field 'text'") as string },
			{ reason: 'unknown-field', message: expect.stringContaining('line 4') as string }
		]);
	});

	it("are the same as Telegraf's JSON, alone or in a batch", () => {
		const metric = {
			name: 'vibration',
			tags: { machine: 'fan-1', axis: 'x' },
			fields: { rms: 0.4 },
			timestamp: T / 1000
		};
		const expected = [{ id: 'delft/fan-1', sensor: 'vibration.rms axis=x', value: 0.4, time: T }];
		expect(read('delft', metric).values).toEqual(expected);
		expect(read('delft', { metrics: [metric] }).values).toEqual(expected);
		expect(read('delft', `vibration,axis=x,machine=fan-1 rms=0.4 ${T}000000`).values).toEqual(expected);
	});

	it('leave pairs and sentences to others', () => {
		expect(told(read(TOPIC, 'motor temp=60.5,flow=-3'))).toEqual([
			[TOPIC, 'motor temp', 60.5],
			[TOPIC, 'flow', -3]
		]);
		expect(read(TOPIC, 'pump is running').values).toEqual([]);
	});
});

describe('ThingsBoard gateway', () => {
	it('keeps devices apart, and tells which are there', () => {
		const result = read('v1/gateway/telemetry', {
			'Pump 1': [
				{ ts: T, values: { temperature: 42 } },
				{ ts: T + 1000, values: { temperature: 43 } }
			],
			'delft/Pump 2': [{ ts: T, values: { temperature: 20 } }]
		});
		expect(told(result)).toEqual([
			['gateway/Pump 1', 'temperature', 42],
			['gateway/Pump 1', 'temperature', 43],
			['delft/Pump 2', 'temperature', 20]
		]);
		expect(read('v1/gateway/disconnect', { device: 'Pump 1' }).presence).toMatchObject([
			{ id: 'gateway/Pump 1', online: false }
		]);
		expect(read('v1/gateway/attributes', { 'Pump 1': { version: 3 } })).toMatchObject({
			values: [],
			rejected: [],
			understood: true
		});
	});
});

describe('LoRaWAN', () => {
	it('takes what the network server decoded, and none of the radio', () => {
		expect(
			read('v3/plant@tenant/devices/dev1/up', {
				received_at: ISO,
				uplink_message: {
					f_cnt: 10,
					frm_payload: 'AQID',
					decoded_payload: { temperature: 21.3 },
					rx_metadata: [{ rssi: -35 }]
				}
			}).values
		).toEqual([{ id: 'plant/dev1', sensor: 'temperature', value: 21.3, time: T }]);
		const up = 'application/1/device/0102/event/up';
		const info = { applicationName: 'plant', deviceName: 'pump-7', devEui: '0102' };
		expect(
			read(up, { time: ISO, deviceInfo: info, fCnt: 10, object: { temperature: 21.3 }, rxInfo: [{ rssi: -35 }] }).values
		).toEqual([{ id: 'plant/pump-7', sensor: 'temperature', value: 21.3, time: T }]);
		expect(read('application/1/device/0102/event/join', { deviceInfo: info })).toMatchObject({
			values: [],
			rejected: []
		});
	});

	it('says so when the server has not decoded the payload', () => {
		expect(read('v3/plant/devices/dev1/up', { uplink_message: { frm_payload: 'AQID' } }).rejected).toMatchObject([
			{ reason: 'no-values', message: 'the network server has not decoded the payload' }
		]);
	});
});

describe('United Manufacturing Hub', () => {
	it('divides the topic at the level with the underscore', () => {
		const base = 'umh/v1/acme/delft/press/line-1/_historian';
		expect(read(`${base}/temperature`, { timestamp_ms: T, temperature: 23.5 }).values).toEqual([
			{ id: 'acme/delft/press/line-1', sensor: 'temperature', value: 23.5, time: T }
		]);
		expect(told(read(`${base}/motor/speed`, { timestamp_ms: T, value: 9 }))).toEqual([
			['acme/delft/press/line-1', 'motor.speed', 9]
		]);
		expect(told(read(base, { timestamp_ms: T, motor: { speed: 9 }, load: 1 }))).toEqual([
			['acme/delft/press/line-1', 'motor.speed', 9],
			['acme/delft/press/line-1', 'load', 1]
		]);
	});
});
