/**
 * Data Acquisition, MQTT: the WebSocket as mqtt.js sees it, with the publishes taken out (mqtt-frames.ts).
 *
 * In: a real socket. Out: to mqtt.js a socket without PUBLISH packets; to the session each publish, and a way to acknowledge it
 * later. Acknowledgements given in one go leave in one frame. What comes faster than it can be stored waits (chunk-queue.ts).
 */
import { ChunkQueue } from './chunk-queue';
import { MqttFrameReader, type PublishPacket } from './mqtt-frames';
import type { SocketLike } from './ports';

type Listener = (event: never) => void;

const OPEN = 1;
const PUBACK = 0x40;
const PINGREQ = 0xc0;
const PINGRESP = Uint8Array.of(0xd0, 0);

export class MqttSocket implements SocketLike {
	readonly OPEN = OPEN;
	binaryType = 'arraybuffer';
	/** True from the moment the WebSocket opened: tells "unreachable" from "answers, but not as a broker". */
	opened = false;
	readonly #messageListeners: Listener[] = [];
	readonly #reader: MqttFrameReader;
	readonly #queue: ChunkQueue;
	#acks: number[] = [];
	/** A ping is out, and nothing has come since. */
	#pinged = false;

	constructor(
		private readonly socket: SocketLike,
		version: 4 | 5,
		maxPacketBytes: number,
		onPublish: (packet: PublishPacket) => void,
		/** Whether what a publish holds can be stored soon; if not, publishes wait unread until `readOn`. */
		hasRoom: () => boolean = () => true
	) {
		let closed = false;
		const take = (packet: PublishPacket) => {
			// What could no longer be acknowledged comes again: read it then.
			if (!closed || packet.qos === 0) onPublish(packet);
		};
		this.#reader = new MqttFrameReader(version, maxPacketBytes, take, (bytes) => this.#forward(bytes));
		this.#queue = new ChunkQueue((chunk) => this.#reader.push(chunk), hasRoom);
		socket.binaryType = 'arraybuffer';
		socket.addEventListener('open', () => (this.opened = true));
		// Before mqtt.js hears of it: the broker's word on why may be among what waits.
		socket.addEventListener('close', () => {
			closed = true;
			this.#queue.close();
		});
		socket.addEventListener('message', ((event: { data: unknown }) => {
			if (!(event.data instanceof ArrayBuffer)) return;
			// Whatever comes shows that the broker is there: its answer to the ping may stand behind seconds of publishes.
			if (this.#pinged) {
				this.#pinged = false;
				this.#forward(PINGRESP);
			}
			this.#queue.push(new Uint8Array(event.data));
		}) as Listener);
	}

	/** There may be room again. */
	readOn(): void {
		this.#queue.readOn();
	}

	get readyState(): number {
		return this.socket.readyState;
	}

	get bufferedAmount(): number {
		return this.socket.bufferedAmount;
	}

	send(data: Uint8Array<ArrayBuffer>): void {
		if (data[0] === PINGREQ) this.#pinged = true;
		this.socket.send(data);
	}

	close(code?: number, reason?: string): void {
		this.socket.close(code, reason);
	}

	addEventListener(type: string, listener: Listener): void {
		if (type === 'message') this.#messageListeners.push(listener);
		else this.socket.addEventListener(type, listener);
	}

	/** Acknowledges a QoS 1 publish of this very connection. After the connection ended it does nothing: the broker sends again. */
	acknowledge(packetId: number): void {
		if (this.#acks.push(packetId) === 1) queueMicrotask(() => this.#sendAcks());
	}

	#sendAcks(): void {
		const ids = this.#acks;
		this.#acks = [];
		if (this.socket.readyState !== OPEN) return;
		const frame = new Uint8Array(ids.length * 4);
		ids.forEach((id, index) => frame.set([PUBACK, 2, id >> 8, id & 0xff], index * 4));
		this.socket.send(frame);
	}

	#forward(bytes: Uint8Array): void {
		const data = bytes.slice().buffer;
		for (const listener of this.#messageListeners) (listener as (event: { data: ArrayBuffer }) => void)({ data });
	}
}
