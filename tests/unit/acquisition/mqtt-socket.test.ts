/** The socket that mqtt.js sees: acknowledgements together, a ping that publishes answer as well as the broker's own word, and what waits unread. */
import { expect, it } from 'vitest';
import { MqttSocket } from '$lib/acquisition/mqtt-socket';
import type { SocketLike } from '$lib/acquisition/ports';

function open(hasRoom?: () => boolean) {
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
	const socket = new MqttSocket(real, 4, 1_000, ({ topic }) => topics.push(topic), hasRoom);
	const toMqttJs: number[][] = [];
	socket.addEventListener('message', ((event: { data: ArrayBuffer }) =>
		toMqttJs.push([...new Uint8Array(event.data)])) as never);
	const receive = (...bytes: number[]) =>
		listeners.get('message')!.forEach((listener) => listener({ data: Uint8Array.from(bytes).buffer } as never));
	const close = () => listeners.get('close')!.forEach((listener) => listener({} as never));
	return { socket, sent, topics, toMqttJs, receive, close };
}

const publish = [0x30, 3, 0, 1, 97];

it('answers a ping with whatever the broker sends next, once', async () => {
	const { socket, topics, toMqttJs, receive } = open();
	receive(...publish);
	expect(toMqttJs).toEqual([]);
	socket.send(Uint8Array.of(0xc0, 0));
	receive(...publish);
	receive(...publish);
	await expect.poll(() => topics).toEqual(['a', 'a', 'a']);
	expect(toMqttJs).toEqual([[0xd0, 0]]);
});

it('sends acknowledgements given in one go in one frame', async () => {
	const { socket, sent } = open();
	socket.acknowledge(1);
	socket.acknowledge(258);
	await Promise.resolve();
	expect(sent).toEqual([[0x40, 2, 0, 1, 0x40, 2, 1, 2]]);
});

/** A publish at QoS 1. */
const important = [0x32, 5, 0, 1, 98, 0, 1];
const disconnect = [0xe0, 0];

it('reads on when there is room again, in order', async () => {
	let most = 2;
	const { socket, topics, toMqttJs, receive } = open(() => topics.length < most);
	receive(...publish);
	receive(...important);
	receive(...publish);
	receive(...disconnect);
	// At once, or in a later turn where this one took long.
	await expect.poll(() => topics).toEqual(['a', 'b']);
	expect(toMqttJs).toEqual([]);
	most = Infinity;
	socket.readOn();
	await expect.poll(() => [...topics, ...toMqttJs]).toEqual(['a', 'b', 'a', disconnect]);
});

it('lets others have their turn while thousands of messages wait', async () => {
	const { topics, receive } = open();
	const frame = Array.from({ length: 100 }, () => publish).flat();
	for (let i = 0; i < 3_000; i++) receive(...frame);
	// All came in one go: part of it is left for later turns.
	expect(topics.length).toBeLessThan(300_000);
	await expect.poll(() => topics.length, { timeout: 20_000 }).toBe(300_000);
});

it('gives up what could no longer be acknowledged when the connection ends, and keeps the rest and the word of the broker', () => {
	const { topics, toMqttJs, receive, close } = open(() => false);
	receive(...publish, ...important);
	receive(...publish, ...disconnect);
	expect(topics).toEqual([]);
	close();
	expect(topics).toEqual(['a', 'a']);
	expect(toMqttJs).toEqual([disconnect]);
});
