/** The socket that mqtt.js sees: acknowledgements together, and a ping that publishes answer as well as the broker's own word. */
import { expect, it } from 'vitest';
import { MqttSocket } from '$lib/acquisition/mqtt-socket';
import type { SocketLike } from '$lib/acquisition/ports';

function open() {
	const listeners = new Map<string, ((event: never) => void)[]>();
	const sent: number[][] = [];
	const real: SocketLike = {
		binaryType: '',
		readyState: 1,
		bufferedAmount: 0,
		send: (data) => void sent.push([...data]),
		close: () => undefined,
		addEventListener: (type, listener) => void listeners.set(type, [...(listeners.get(type) ?? []), listener])
	};
	const topics: string[] = [];
	const socket = new MqttSocket(real, 4, 1_000, ({ topic }) => topics.push(topic));
	const toMqttJs: number[][] = [];
	socket.addEventListener('message', ((event: { data: ArrayBuffer }) =>
		toMqttJs.push([...new Uint8Array(event.data)])) as never);
	const receive = (...bytes: number[]) =>
		listeners.get('message')!.forEach((listener) => listener({ data: Uint8Array.from(bytes).buffer } as never));
	return { socket, sent, topics, toMqttJs, receive };
}

const publish = [0x30, 3, 0, 1, 97];

it('answers a ping with whatever the broker sends next, once', () => {
	const { socket, topics, toMqttJs, receive } = open();
	receive(...publish);
	expect(toMqttJs).toEqual([]);
	socket.send(Uint8Array.of(0xc0, 0));
	receive(...publish);
	receive(...publish);
	expect(toMqttJs).toEqual([[0xd0, 0]]);
	expect(topics).toEqual(['a', 'a', 'a']);
});

it('sends acknowledgements given in one go in one frame', async () => {
	const { socket, sent } = open();
	socket.acknowledge(1);
	socket.acknowledge(258);
	await Promise.resolve();
	expect(sent).toEqual([[0x40, 2, 0, 1, 0x40, 2, 1, 2]]);
});
