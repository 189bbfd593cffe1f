/**
 * A Sparkplug B edge node with one device and two metrics that go by alias, at a real broker: it is born, sends when told to, and is born again when a
 * host asks for it and it is allowed to.
 */
import mqtt from 'mqtt';
import WebSocket from 'ws';
import { float, number, payload, type MetricSpec } from '../unit/acquisition/protobuf-writer';

export interface EdgeNodeAtWork {
	/** Rebirths that hosts have asked for. */
	readonly asked: number;
	/** Sends the next value of both metrics, with this time; `skip`: as if so many messages had gone before it unheard. */
	send(time: number, value: number, skip?: number): Promise<void>;
	bear(): Promise<void>;
	close(): Promise<void>;
}

const metrics = (value: number, named: boolean): MetricSpec[] => [
	{ ...(named && { name: 'flow', type: 9, unit: 'l/min' }), alias: 41, value: float(12, value) },
	{ ...(named && { name: 'offset', type: 3 }), alias: 42, value: number(10, -value >>> 0) }
];

export async function startEdgeNode(url: string, group: string, name: string): Promise<EdgeNodeAtWork> {
	const client = await mqtt.connectAsync(url, {
		forceNativeWebSocket: true,
		createWebsocket: (address: string, protocols: string[]) => new WebSocket(address, protocols)
	});
	let seq = 0;
	let asked = 0;
	const next = () => seq++ & 0xff;
	const publish = (type: string, bytes: Uint8Array, device = '') =>
		client.publishAsync(`spBv1.0/${group}/${type}/${name}${device && `/${device}`}`, Buffer.from(bytes));
	client.on('message', () => asked++);
	await client.subscribeAsync(`spBv1.0/${group}/NCMD/${name}`);
	return {
		get asked() {
			return asked;
		},
		async send(time, value, skip = 0) {
			seq += skip;
			await publish('DDATA', payload(time, next(), metrics(value, false)), 'pump-1');
		},
		async bear() {
			seq = 0;
			const now = Date.now();
			await publish('NBIRTH', payload(now, next(), [{ name: 'bdSeq', type: 4, value: number(11, 1) }]));
			await publish('DBIRTH', payload(now, next(), metrics(0, true)), 'pump-1');
		},
		close: () => client.endAsync(true)
	};
}
