/** OPC UA PubSub JSON, SenML, Tasmota, Zigbee2MQTT, Homie: messages as these write them. */
import { describe, expect, it } from 'vitest';
import { Quality } from '$lib/contracts';
import { createReader, NOW, read } from './collect';

const TOPIC = 'rotterdam/utilities/line-2/pump-3';
const T = Date.UTC(2026, 10, 23, 5, 59, 0);

describe('OPC UA PubSub JSON', () => {
	it('reads bare values, variants and data values with their own time and status', () => {
		const result = read(TOPIC, {
			MessageId: '1',
			MessageType: 'ua-data',
			PublisherId: 'plc-1',
			Messages: [
				{
					DataSetWriterId: 62541,
					Timestamp: '2026-11-23T05:59:00Z',
					Payload: {
						flow: 41.2,
						pressure: { Type: 11, Body: 2.5 },
						temperature: {
							Value: { Type: 11, Body: 60 },
							SourceTimestamp: '2026-11-23T05:58:59Z',
							StatusCode: 0x80000000
						},
						current: { Value: 3, StatusCode: { Code: 0x40000000, Symbol: 'Uncertain' } },
						name: 'pump',
						lost: { Value: null, StatusCode: 0x80310000 }
					}
				},
				{ DataSetWriterId: 62541, MessageType: 'ua-keepalive' }
			]
		});
		expect(result.values).toEqual([
			{ id: TOPIC, sensor: 'flow', value: 41.2, time: T },
			{ id: TOPIC, sensor: 'pressure', value: 2.5, time: T },
			{ id: TOPIC, sensor: 'temperature', value: 60, time: T - 1000, quality: Quality.bad },
			{ id: TOPIC, sensor: 'current', value: 3, time: T, quality: Quality.uncertain }
		]);
		expect(result.rejected.map(({ reason }) => reason)).toEqual(['unknown-field', 'not-a-number']);
	});

	it('names the machine from standard topics and writer names, units from metadata', () => {
		const reader = createReader();
		const data = reader('opcua/json/data/plc-1/group-1/pump-3', {
			MessageType: 'ua-data',
			MessageId: 'x',
			Messages: [{ DataSetWriterName: 'pump-3', Payload: { flow: { Value: 1 } } }]
		});
		expect(data.values[0]!.id).toBe('plc-1/group-1/pump-3');
		expect(read('r/plc', { DataSetWriterName: 'pump-3', Payload: { flow: 1 } }).values[0]!.id).toBe('r/plc/pump-3');
		const meta = reader('opcua/json/metadata/plc-1/group-1/pump-3', {
			MessageType: 'ua-metadata',
			MetaData: {
				Fields: [
					{
						Name: 'flow',
						Properties: [
							{
								Key: { Name: 'EngineeringUnits' },
								Value: { Type: 22, Body: { Body: { DisplayName: { Text: 'l/min' } } } }
							}
						]
					}
				]
			}
		});
		expect(meta.described).toEqual([{ id: 'plc-1/group-1/pump-3', sensors: new Map([['flow', { unit: 'l/min' }]]) }]);
	});
});

describe('SenML', () => {
	it('resolves base name, time, unit and value', () => {
		const result = read(TOPIC, [
			{ bn: 'urn:dev:ow:10e2073a01080063:', bt: T / 1000, bu: 'A', bver: 5, n: 'voltage', u: 'V', v: 120.1 },
			{ n: 'current', t: -5, v: 1.2 },
			{ n: 'current', t: -4, v: 1.3 },
			{ n: 'running', vb: true },
			{ n: 'label', vs: 'x' }
		]);
		expect(result.values).toEqual([
			{ id: TOPIC, sensor: 'voltage', value: 120.1, time: T, unit: 'V' },
			{ id: TOPIC, sensor: 'current', value: 1.2, time: T - 5000, unit: 'A' },
			{ id: TOPIC, sensor: 'current', value: 1.3, time: T - 4000, unit: 'A' },
			{ id: TOPIC, sensor: 'running', value: 1, time: T }
		]);
		expect(result.rejected.map(({ reason }) => reason)).toEqual(['unknown-field']);
	});

	it('reads relative times, base values, sums, and several devices in one pack', () => {
		const result = read('r/gateway', [
			{ bn: 'dev-1/', bv: 20, n: 'temp', u: 'Cel', v: 0.5, t: -2 },
			{ bn: 'dev-2/', bv: 0, bs: 100, n: 'energy', s: 5 }
		]);
		expect(result.values).toEqual([
			{ id: 'r/gateway/dev-1', sensor: 'temp', value: 20.5, time: NOW - 2000, unit: '°C' },
			{ id: 'r/gateway/dev-2', sensor: 'energy.sum', value: 105 }
		]);
	});
});

it('reads Tasmota sensors with the units that the message states', () => {
	const reader = createReader();
	const result = reader('tele/press-1/SENSOR', {
		Time: '2026-11-23T05:59:00',
		DS18B20: { Id: '0316', Temperature: 60.1 },
		ENERGY: { TotalStartTime: '2026-01-01T00:00:00', Power: 812, Voltage: 229 },
		TempUnit: 'C'
	});
	const id = 'tasmota/press-1';
	expect(result.values).toEqual([
		{ id, sensor: 'DS18B20.Temperature', value: 60.1, time: T },
		{ id, sensor: 'ENERGY.Power', value: 812, time: T },
		{ id, sensor: 'ENERGY.Voltage', value: 229, time: T }
	]);
	expect(result.described[0]!.sensors).toEqual(new Map([['DS18B20.Temperature', { unit: '°C' }]]));
	expect(result.rejected).toEqual([]);
	expect(reader('tele/press-1/LWT', 'Online').presence).toMatchObject([{ id, online: true }]);
	expect(reader('tele/press-1/LWT', 'Offline').presence).toEqual([
		{ id, online: false, reason: 'its broker session ended (Tasmota last will)' }
	]);
	expect(reader('hall/line-1/press-1/tele/SENSOR', { ENERGY: { Power: 1 } }).values[0]!.id).toBe('hall/line-1/press-1');
});

it('reads Zigbee2MQTT devices, units from the bridge', () => {
	const reader = createReader();
	const result = reader('zigbee2mqtt/Motor 1', {
		temperature: 60.1,
		battery: 90,
		state: 'ON',
		contact: false,
		last_seen: '2026-11-23T05:59:00Z',
		update: { state: 'idle' }
	});
	expect(result.values.map(({ id, sensor, value, time }) => [id, sensor, value, time])).toEqual([
		['zigbee2mqtt/Motor 1', 'temperature', 60.1, T],
		['zigbee2mqtt/Motor 1', 'battery', 90, T],
		['zigbee2mqtt/Motor 1', 'state', 1, T],
		['zigbee2mqtt/Motor 1', 'contact', 0, T]
	]);
	expect(result.rejected).toEqual([]);
	const bridge = reader('zigbee2mqtt/bridge/devices', [
		{
			friendly_name: 'Motor 1',
			definition: {
				exposes: [{ features: [{ property: 'temperature', unit: '°C' }] }, { property: 'battery', unit: '%' }]
			}
		}
	]);
	expect(bridge.described[0]!.sensors).toEqual(
		new Map([
			['temperature', { unit: '°C' }],
			['battery', { unit: '%' }]
		])
	);
	expect(reader('zigbee2mqtt/bridge/state', 'online').understood).toBe(true);
	expect(reader('zigbee2mqtt/bridge/state', { state: 'offline' }).presence).toMatchObject([
		{ id: 'zigbee2mqtt', online: false, within: true }
	]);
	for (const payload of ['offline', { state: 'offline' }])
		expect(reader('zigbee2mqtt/Motor 1/availability', payload).presence).toMatchObject([
			{ id: 'zigbee2mqtt/Motor 1', online: false }
		]);
});

it('reads Homie 4 and 5', () => {
	const reader = createReader();
	expect(reader('homie/pump-3/motor/temperature/$unit', '°C').described[0]).toEqual({
		id: 'homie/pump-3',
		sensors: new Map([['motor.temperature', { unit: '°C' }]])
	});
	expect(reader('homie/pump-3/motor/temperature', '60.1').values).toEqual([
		{ id: 'homie/pump-3', sensor: 'motor.temperature', value: 60.1 }
	]);
	reader('homie/pump-3/motor/mode/$datatype', 'enum');
	expect(reader('homie/pump-3/motor/mode', 'auto')).toMatchObject({ understood: true, rejected: [] });
	expect(reader('homie/pump-3/$state', 'ready').presence).toMatchObject([{ id: 'homie/pump-3', online: true }]);
	expect(reader('homie/pump-3/$state', 'lost').presence).toMatchObject([{ id: 'homie/pump-3', online: false }]);
	expect(reader('homie/pump-3/$state', 'sleeping').presence).toMatchObject([{ online: true }]);
	const description = { nodes: { motor: { properties: { speed: { unit: 'rpm', datatype: 'float' } } } } };
	expect(reader('homie/5/pump-4/$description', description).described[0]!.sensors).toEqual(
		new Map([['motor.speed', { unit: 'rpm' }]])
	);
	expect(reader('homie/5/pump-4/motor/speed', '1450').values[0]).toMatchObject({ sensor: 'motor.speed', value: 1450 });
	expect(reader('homie/pump-3/motor/temperature', 'hot').rejected[0]!.reason).toBe('not-a-number');
});

it('lets no base value or base time carry a reading out of range', () => {
	const result = read(TOPIC, '[{"bn":"a:","bt":1e300,"bv":1e308,"n":"x","v":1e308},{"n":"y","v":1,"bv":0}]');
	expect(result.values).toEqual([{ id: TOPIC, sensor: 'y', value: 1 }]);
	expect(result.rejected.map(({ reason }) => reason)).toEqual(['not-a-number', 'invalid-time']);
});

it('takes online and offline on a status topic for the machine being there, and a number for a number', () => {
	const reader = createReader();
	expect(reader('r/u/l/pump-3/status', 'offline').presence).toEqual([
		{ id: 'r/u/l/pump-3', online: false, reason: 'its topic status says offline' }
	]);
	expect(reader('r/u/l/pump-3/LWT', 'Online').presence).toMatchObject([{ id: 'r/u/l/pump-3', online: true }]);
	expect(reader('r/u/l/pump-3/online', '1').values).toMatchObject([{ sensor: 'online', value: 1 }]);
	expect(reader('r/u/l/pump-3/mode', 'offline').presence).toEqual([]);
});

it('reads OPC UA ranges of the instrument, and the state of a publisher', () => {
	const reader = createReader();
	const described = reader('opcua/json/metadata/plc-1/g/pump', {
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
	});
	expect(described.described[0]!.sensors).toEqual(new Map([['flow', { unit: 'l/min', range: [0, 200] }]]));
	expect(
		reader('opcua/json/status/plc-1', { MessageType: 'ua-status', PublisherId: 'plc-1', Status: 3 }).presence
	).toEqual([{ id: 'plc-1', online: false, within: true, reason: 'its OPC UA publisher reports the state Error' }]);
});
