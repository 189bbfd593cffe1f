/** The frame reader: the same packets whatever the cuts, publishes apart from the rest, large ones skipped. */
import fc from 'fast-check';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { MqttFrameReader, type PublishPacket } from '$lib/acquisition/mqtt-frames';

interface Seen {
	publishes: (Omit<PublishPacket, 'payload'> & { payload: string })[];
	others: number[];
}

function feed(version: 4 | 5, bytes: Uint8Array, cuts: readonly number[], limit = 1_000_000): Seen {
	const seen: Seen = { publishes: [], others: [] };
	const reader = new MqttFrameReader(
		version,
		limit,
		({ payload, ...rest }) => seen.publishes.push({ ...rest, payload: Buffer.from(payload).toString('latin1') }),
		(other) => seen.others.push(...other)
	);
	const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
	let from = 0;
	for (const cut of [...at, bytes.length]) {
		reader.push(bytes.slice(from, cut));
		from = cut;
	}
	return seen;
}

const publish = (version: 4 | 5) =>
	fc.record({
		cmd: fc.constant('publish' as const),
		topic: fc.stringMatching(/^[a-zé/]{1,40}$/),
		payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
		qos: fc.constantFrom(0 as const, 1 as const),
		retain: fc.boolean(),
		dup: fc.constant(false),
		messageId: fc.integer({ min: 1, max: 65_535 }),
		...(version === 5 && { properties: fc.constant({ userProperties: { a: 'b' }, messageExpiryInterval: 9 }) })
	});
const other = fc.constantFrom<Packet>(
	{ cmd: 'pingresp' } as Packet,
	{ cmd: 'unsuback', messageId: 9, granted: [0] } as never
);

for (const version of [4, 5] as const)
	it(`reads any packets cut anywhere (MQTT ${version})`, () => {
		const packets = fc.array(fc.oneof(publish(version), other), { minLength: 1, maxLength: 12 });
		fc.assert(
			fc.property(packets, fc.array(fc.nat(), { maxLength: 12 }), (list, cuts) => {
				const encoded = list.map((packet) => mqttPacket.generate(packet as Packet, { protocolVersion: version }));
				const seen = feed(version, Buffer.concat(encoded), cuts);
				const wanted = list.filter((packet) => packet.cmd === 'publish') as unknown as {
					topic: string;
					payload: Buffer;
					qos: 0 | 1;
					retain: boolean;
					messageId: number;
				}[];
				expect(seen.publishes).toEqual(
					wanted.map(({ topic, payload, qos, retain, messageId }) => ({
						topic,
						payload: payload.toString('latin1'),
						qos,
						retain,
						packetId: qos === 1 ? messageId : 0
					}))
				);
				const rest = encoded.filter((_, index) => list[index]!.cmd !== 'publish');
				expect(seen.others).toEqual([...Buffer.concat(rest)]);
			})
		);
	});

it('skips a packet past the limit, says its size, and reads the next', () => {
	const big = {
		cmd: 'publish',
		topic: 'a/b',
		payload: Buffer.alloc(300_000, 65),
		qos: 1,
		messageId: 7,
		retain: false,
		dup: false
	};
	const next = { cmd: 'publish', topic: 'c', payload: Buffer.from('1'), qos: 0, retain: false, dup: false };
	const bytes = Buffer.concat([big, next].map((packet) => mqttPacket.generate(packet as Packet)));
	for (const cuts of [[], [10], [70_000, 200_000], Array.from({ length: 300 }, (_, i) => i * 1_000)]) {
		const { publishes } = feed(4, bytes, cuts, 100_000);
		expect(publishes.map(({ topic, packetId, refusedBytes }) => [topic, packetId, refusedBytes])).toEqual([
			['a/b', 7, 300_000],
			['c', 0, undefined]
		]);
	}
});

it('hands malformed bytes on, for the protocol library to refuse', () => {
	const bad = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00);
	expect(feed(4, bad, []).others).toEqual([...bad]);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat()), (bytes, cuts) => void feed(5, bytes, cuts))
	);
});
