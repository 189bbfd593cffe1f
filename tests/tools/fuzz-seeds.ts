/** Messages that the fuzzer mutates: at least one well-formed message of every dialect. */
import { encode as encodeMessagePack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import { bytes, double, float, metric, number, payload, text } from '../unit/acquisition/protobuf-writer';

const utf8 = (text: string) => new TextEncoder().encode(text);
const json = (topic: string, value: unknown) => ({ topic, payload: utf8(JSON.stringify(value)) });
const TOPIC = 'rotterdam/utilities/line-2/pump-3';

export const fuzzSeeds: readonly { topic: string; payload: Uint8Array }[] = [
	json(TOPIC, { ts: 1763880000000, flow: 41.2, vibration: 1.9, mode: 'running' }),
	json(TOPIC, {
		timestamp: '2025-11-23T06:40:00Z',
		motor: { temperature: { value: '71.5', unit: '°C' }, current: 12 }
	}),
	json(TOPIC, [
		{ ts: 1763880000, flow: 1 },
		{ ts: 1763880001, flow: 2, pressure: null }
	]),
	json(TOPIC, { ts: 1763880000, readings: [{ name: 'flow', value: 1, unit: 'l/min', quality: 192 }] }),
	json(`${TOPIC}/flow`, { value: 41.2, unit: 'l/min', ts: 1763880000000 }),
	{ topic: `${TOPIC}/flow`, payload: utf8('41.2') },
	{ topic: `${TOPIC}/flow`, payload: utf8('"41.2"') },
	{ topic: `${TOPIC}/flow`, payload: utf8('41.2 l/min') },
	json(`${TOPIC}/waveform/driveEnd`, {
		ts: 1763880000000,
		sampleRate: 12800,
		unit: 'm/s2',
		rpm: 1480,
		samples: Array.from({ length: 40 }, (_, i) => Math.round(1000 * Math.sin(i)) / 1000)
	}),
	json(`${TOPIC}/_meta`, { machineClass: 'centrifugal-pump', sensors: { flow: { unit: 'm3/h', range: [0, 200] } } }),
	{
		topic: 'spBv1.0/rotterdam/NBIRTH/edge-1',
		payload: payload(1763880000000, 0, [{ name: 'bdSeq', type: 4, value: number(11, 1) }])
	},
	{
		topic: 'spBv1.0/rotterdam/DBIRTH/edge-1/pump-3',
		payload: payload(1763880000000, 1, [
			{ name: 'flow', alias: 7, type: 2, unit: 'l/min', quality: 192, value: number(10, 5) },
			{ name: 'Motor/Temperature', alias: 8, type: 10, value: double(13, 71.5) },
			{ name: 'serial', type: 12, value: text(15, 'A1') },
			{ name: 'motor', type: 19, value: bytes(18, bytes(2, metric({ name: 'speed', type: 9, value: float(12, 1) }))) }
		])
	},
	{
		topic: 'spBv1.0/rotterdam/DDATA/edge-1/pump-3',
		payload: payload(1763880001000, 2, [
			{ alias: 7, value: number(10, 0xffff), historical: true },
			{ alias: 8, value: double(13, 72) }
		])
	},
	json(TOPIC, {
		MessageId: '1',
		MessageType: 'ua-data',
		Messages: [
			{
				DataSetWriterName: 'pump-3',
				Timestamp: '2026-11-23T05:59:00Z',
				Payload: {
					flow: 1,
					p: { Type: 11, Body: 2.5 },
					t: { Value: 60, SourceTimestamp: '2026-11-23T05:58:59Z', StatusCode: 0 }
				}
			}
		]
	}),
	json(TOPIC, [
		{ bn: 'urn:dev:ow:10e2:', bt: 1763880000, bu: 'A', n: 'voltage', u: 'V', v: 120.1 },
		{ n: 'current', t: -5, v: 1.2 }
	]),
	json('tele/press-1/SENSOR', { Time: '2026-11-23T05:59:00', DS18B20: { Id: '03', Temperature: 60.1 }, TempUnit: 'C' }),
	json('zigbee2mqtt/Motor 1', { temperature: 60.1, state: 'ON', last_seen: '2026-11-23T05:59:00Z' }),
	json('zigbee2mqtt/bridge/devices', [
		{ friendly_name: 'Motor 1', definition: { exposes: [{ property: 'temperature', unit: '°C' }] } }
	]),
	json('iotgateway', {
		timestamp: 1763880000000,
		values: [{ id: 'Press.PLC1.Current', v: 42, q: true, t: 1763880000000 }]
	}),
	json(TOPIC, { seq: 1, vals: [{ id: '101', qc: 3, ts: '2026-11-23T05:59:00Z', val: '2.5' }] }),
	json(TOPIC, [{ NodeId: 'ns=2;s=Line1.Temp', DisplayName: 'Temp', Value: { Value: 23.4, StatusCode: 0 } }]),
	{ topic: TOPIC, payload: utf8('modbus,host=e,name=Pump\\ 3 temp=23.4,n=3i,on=true,s="a, b" 1763880000000000000') },
	json(TOPIC, { metrics: [{ name: 'm', tags: { machine: 'fan-1' }, fields: { rms: 0.4 }, timestamp: 1763880000 }] }),
	json('v1/gateway/telemetry', { 'Pump 1': [{ ts: 1763880000000, values: { temperature: 42 } }] }),
	json('v3/plant@tenant/devices/dev1/up', {
		received_at: '2026-11-23T05:59:00Z',
		uplink_message: { f_cnt: 10, decoded_payload: { temperature: 21.3 } }
	}),
	json('application/1/device/0102/event/up', { time: '2026-11-23T05:59:00Z', object: { temperature: 21.3 } }),
	json('umh/v1/acme/delft/press/_historian/motor/speed', { timestamp_ms: 1763880000000, value: 9 }),
	{ topic: 'homie/pump-3/motor/temperature', payload: utf8('60.1') },
	{ topic: TOPIC, payload: utf8('ts,flow,pressure\n2026-11-23T05:59:00Z,41.2,3\n2026-11-23T05:59:01Z,41.3,3.1') },
	{ topic: TOPIC, payload: utf8('1763880000;41,2;"x";n/a') },
	{ topic: TOPIC, payload: utf8('temp=60.5,flow=-3;mode="auto"') },
	{
		topic: TOPIC,
		payload: encodeCbor({ ts: 1763880000000, flow: { value: 41.2, unit: 'l/min' }, list: [1, 2n ** 40n] })
	},
	{
		topic: TOPIC,
		payload: encodeCbor([
			new Map<number, unknown>([
				[-2, 'urn:dev:ow:10e2:'],
				[0, 'voltage'],
				[2, 120.1]
			])
		])
	},
	{ topic: TOPIC, payload: encodeMessagePack([{ ts: 1763880000, flow: 41.2, at: new Date(1763880000000) }]) },
	{ topic: `${TOPIC}/status`, payload: utf8('offline') },
	{ topic: 'tele/press-1/LWT', payload: utf8('Offline') },
	json('zigbee2mqtt/Motor 1/availability', { state: 'offline' }),
	{ topic: 'homie/pump-3/$state', payload: utf8('lost') },
	{
		topic: 'spBv1.0/rotterdam/NDEATH/edge-1',
		payload: payload(1763880000000, undefined, [{ name: 'bdSeq', type: 4, value: number(11, 1) }])
	},
	json('opcua/json/metadata/plc-1/g/pump', {
		MessageType: 'ua-metadata',
		PublisherId: 'plc-1',
		DataSetWriterName: 'pump',
		MetaData: {
			Fields: [
				{
					Name: 'flow',
					Properties: [
						{ Key: { Name: 'EngineeringUnits' }, Value: { Body: { DisplayName: { Text: 'l/min' } } } },
						{ Key: { Name: 'InstrumentRange' }, Value: { Type: 22, Body: { Low: 0, High: 200 } } }
					]
				}
			]
		}
	}),
	json('opcua/json/status/plc-1', { MessageType: 'ua-status', PublisherId: 'plc-1', Status: 3 }),
	json('homie/5/pump-4/$description', { nodes: { motor: { properties: { speed: { unit: 'rpm' } } } } })
];
