/** What a survey proposes from the messages heard: conventions, levels, machines, sensors with their last values, kinds and units. */
import { describe, expect, it } from 'vitest';
import { Survey } from '$lib/acquisition/survey/survey';
import type { LinkStatus } from '$lib/contracts';
import { NOW } from './collect';
import { float, number, payload } from './protobuf-writer';

const link: LinkStatus = { state: 'connected', source: 'broker', owner: true };
function heard(messages: readonly (readonly [topic: string, payload: unknown])[]) {
	const asked: string[] = [];
	const survey = new Survey([], (topic) => asked.push(topic));
	messages.forEach(([topic, content], i) =>
		survey.take({
			topic,
			payload:
				content instanceof Uint8Array
					? content
					: new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content)),
			retain: false,
			receivedAt: NOW + i
		})
	);
	return { survey, asked, result: () => survey.result(link) };
}
const roles = (levels?: readonly { role: string }[]) => levels?.map(({ role }) => role);

describe('topic groups', () => {
	it.each<[string, readonly string[], unknown, string, string[]]>([
		['records', ['r/u/l/p1', 'r/u/l/p2'], { flow: 1 }, 'r/+/+/+', ['plant', 'area', 'line', 'machine']],
		['single values', ['r/p1/flow', 'r/p1/temp', 'r/p1/flow'], '1', 'r/+/+', ['plant', 'machine', 'sensor']],
		[
			'enterprise and suffix',
			['a/r/u/l/p1/telemetry'],
			{ flow: 1 },
			'a/+/+/+/+/+',
			['enterprise', 'plant', 'area', 'line', 'machine', 'skip']
		],
		[
			'connecting words',
			['acme/devices/p1/sensors/t', 'acme/devices/p2/sensors/t'],
			'1',
			'acme/+/+/+/+',
			['plant', 'skip', 'machine', 'skip', 'sensor']
		],
		['words that say the level', ['r/line-1/p1', 'r/line-2/p2'], { flow: 1 }, 'r/+/+', ['plant', 'line', 'machine']]
	])('%s', (_, topics, content, filter, expected) => {
		const { groups } = heard(topics.map((topic) => [topic, content])).result();
		expect(groups).toHaveLength(1);
		expect(groups[0]).toMatchObject({ filter, topics: new Set(topics).size });
		expect(roles(groups[0]!.levels)).toEqual(expected);
	});

	it('tells conventions apart, and fixes no levels where the convention does or two kinds share a filter', () => {
		const { groups } = heard([
			['r/p1/x', { flow: 1, temp: 2 }],
			['r/p2/speed', '3'],
			['zigbee2mqtt/Motor', { temperature: 60 }]
		]).result();
		expect(groups.map(({ filter, dialect, levels }) => [filter, dialect, levels])).toEqual([
			['r/+/+', 'JSON', undefined],
			['r/+/+', 'One number per topic', undefined],
			['zigbee2mqtt/#', 'Zigbee2MQTT', undefined]
		]);
	});

	it('does not take the first level into the filter where it names machines', () => {
		const { groups } = heard(Array.from({ length: 30 }, (_, i) => [`pump-${i}/flow`, '1'])).result();
		expect(groups.map(({ filter }) => filter)).toEqual(['+/+']);
	});
});

describe('machines and sensors', () => {
	it('are proposed with units as stated, likely kinds, last values and ranges', () => {
		const { result } = heard([
			['acme/devices/p1/telemetry', { ts: NOW, flow: { value: 4, unit: 'l/min' }, bearing_temp: 60, lamp: 0 }],
			['acme/devices/p1/telemetry', { ts: NOW + 1, flow: { value: 6, unit: 'l/min' }, bearing_temp: 61, lamp: 1 }],
			['acme/devices/p1/telemetry', { ts: NOW + 2, flow: { value: 5, unit: 'l/min' }, bearing_temp: 60, lamp: 0 }]
		]);
		const { machines, sensors } = result();
		expect(machines).toEqual([{ source: 'acme/p1', path: { plant: 'acme', machine: 'p1' }, filter: 'acme/+/+/+' }]);
		expect(sensors).toMatchObject([
			{ sensor: 'flow', unit: 'l/min', kind: 'flow', last: { value: 5 }, min: 4, max: 6, values: 3 },
			{ sensor: 'bearing_temp', kind: 'temperature', last: { value: 60 } },
			{ sensor: 'lamp', kind: 'state' }
		]);
		expect(sensors[1]).not.toHaveProperty('unit');
	});

	it('are shown anew, with the values heard, when levels mean something else', () => {
		const { survey, result } = heard([
			['acme/hall/p1/t', '20'],
			['acme/hall/p2/t', '30']
		]);
		expect(result().machines.map(({ source }) => source)).toEqual(['acme/hall/p1', 'acme/hall/p2']);
		survey.revise([{ filter: 'acme/+/+/+', levels: ['skip', 'machine', 'sensor', 'sensor'] }]);
		const { machines, sensors, groups } = result();
		expect(machines.map(({ source }) => source)).toEqual(['hall']);
		expect(sensors.map(({ sensor, last }) => [sensor, last?.value])).toEqual([
			['p1.t', 20],
			['p2.t', 30]
		]);
		expect(roles(groups[0]!.levels)).toEqual(['skip', 'machine', 'sensor', 'sensor']);
	});

	it('asks Sparkplug nodes for their births, and keeps what they said when levels of others change', () => {
		const { survey, asked, result } = heard([
			['spBv1.0/g/DDATA/edge/p1', payload(NOW, 4, [{ alias: 7, value: float(12, 1) }])],
			['spBv1.0/g/NBIRTH/edge', payload(NOW, 0, [{ name: 'bdSeq', type: 4, value: number(11, 1) }])],
			[
				'spBv1.0/g/DBIRTH/edge/p1',
				payload(NOW, 1, [{ name: 'flow', alias: 7, type: 9, unit: 'l/min', value: float(12, 2) }])
			],
			['spBv1.0/g/DDEATH/edge/p1', payload(NOW, 2, [])],
			['other/p2', { speed: 1 }]
		]);
		expect(asked).toEqual(['spBv1.0/g/NCMD/edge']);
		survey.revise([{ filter: 'other/+', levels: ['machine', 'skip'] }]);
		expect(result().machines).toMatchObject([
			{ source: 'g/edge/p1', offline: 'its edge node lost it (Sparkplug death certificate of the device)' },
			{ source: 'other' }
		]);
		expect(result().sensors).toMatchObject([
			{ sensor: 'flow', unit: 'l/min', last: { value: 2 } },
			{ sensor: 'speed' }
		]);
	});

	it('keeps the last example of what could not be read', () => {
		const { refused } = heard([
			['a/b', '{"flow":'],
			['a/c', Uint8Array.of(0xff, 0xd8)],
			['a/d', bytesOf([1, 2])]
		]).result();
		expect(refused.map(({ reason, last }) => [reason, last.topic])).toEqual([
			['invalid-json', 'a/b'],
			['invalid-utf8', 'a/c'],
			['unknown-field', 'a/d']
		]);
	});

	it('holds ten thousand topics', () => {
		const messages = Array.from(
			{ length: 10_000 },
			(_, i) => [`plant/line-${i % 20}/m-${i % 1000}/s${i % 10}-${i}`, `${i}`] as const
		);
		const survey = heard(messages).result();
		expect(survey).toMatchObject({ topics: 10_000, beyond: 0 });
		expect(survey.machines).toHaveLength(1000);
		expect(survey.sensors).toHaveLength(10_000);
		expect(survey.groups).toHaveLength(1);
	});
});

const bytesOf = (list: readonly number[]) => JSON.stringify(list);
