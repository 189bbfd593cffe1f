/**
 * Publishes MQTT 3.1.1 packets on one TCP socket, many to a write: fast enough to load a broker from one process.
 *
 * At QoS 1 it is a careful source: what the broker has not acknowledged when the connection goes is sent again, and on request
 * also what it acknowledged lately, because a broker killed between acknowledging and writing to disk forgets it.
 */
import { connect, type Socket } from 'node:net';

interface Sent {
	readonly topic: string;
	readonly payload: string;
	acknowledgedAt?: number;
}

export interface PublisherOptions {
	readonly port: number;
	readonly clientId: string;
	readonly qos: 0 | 1;
	/** Messages sent and not yet acknowledged by the broker. */
	readonly window?: number;
	/** For how long acknowledged messages are kept for `repeatLately`. */
	readonly keepMs?: number;
}

const PUBACK = 0x40;

/** MQTT 3.1.1, clean session, no keep-alive. */
function connectPacket(clientId: string): Buffer {
	const id = Buffer.from(clientId);
	const body = Buffer.from([0, 4, ...Buffer.from('MQTT'), 4, 0x02, 0, 0, 0, id.length, ...id]);
	return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

export class PacketPublisher {
	/** Messages that the broker has acknowledged (QoS 0: written), each counted once. */
	delivered = 0;
	repeated = 0;
	#socket: Socket | undefined;
	#connected = false;
	#closing = false;
	readonly #waiting: Sent[] = [];
	#head = 0;
	readonly #flying = new Map<number, Sent>();
	#lately: Sent[] = [];
	#nextId = 0;
	#rest: Buffer = Buffer.alloc(0);
	readonly #topics = new Map<string, Buffer>();

	constructor(private readonly options: PublisherOptions) {}

	/** Messages given to `publish` and not delivered yet. */
	get outstanding(): number {
		return this.#waiting.length - this.#head + this.#flying.size;
	}

	/** Bytes that the socket has not taken yet. */
	get buffered(): number {
		return this.#socket?.writableLength ?? 0;
	}

	/** Connects, and again whenever the connection goes, until `close`. Resolves with the first connection. */
	connect(): Promise<void> {
		return new Promise((resolve) => this.#connect(resolve));
	}

	publish(topic: string, payload: string): void {
		this.#waiting.push({ topic, payload });
	}

	/** Sends what waits, as far as the window allows. */
	flush(): void {
		if (!this.#connected) return;
		const { qos, window = 10_000, keepMs = 0 } = this.options;
		const parts: Buffer[] = [];
		while (this.#head < this.#waiting.length && (qos === 0 || this.#flying.size < window)) {
			const message = this.#waiting[this.#head++]!;
			let id = 0;
			if (qos === 1) {
				do this.#nextId = (this.#nextId % 65_535) + 1;
				while (this.#flying.has(this.#nextId));
				id = this.#nextId;
				this.#flying.set(id, message);
			} else this.delivered++;
			this.#encode(message, id, parts);
		}
		if (this.#head > 10_000 || this.#head === this.#waiting.length) {
			this.#waiting.splice(0, this.#head);
			this.#head = 0;
		}
		if (parts.length > 0) this.#socket!.write(Buffer.concat(parts));
		const oldest = Date.now() - keepMs;
		if (this.#lately.length > 0 && this.#lately[0]!.acknowledgedAt! < oldest - 1_000)
			this.#lately = this.#lately.filter(({ acknowledgedAt }) => acknowledgedAt! >= oldest);
	}

	/** Puts what was acknowledged in the last `keepMs` in line again: for after a broker lost its memory. */
	repeatLately(): void {
		this.repeated += this.#lately.length;
		for (const message of this.#lately) this.#waiting.push(message);
		this.#lately = [];
	}

	/** Resolves once everything is delivered; gives up when the broker takes nothing for `limitMs`. */
	async drain(limitMs = 60_000): Promise<void> {
		const left = () => this.outstanding + this.buffered;
		for (let before = left(), takenAt = Date.now(); left() > 0;) {
			if (left() !== before) [before, takenAt] = [left(), Date.now()];
			else if (Date.now() > takenAt + limitMs) throw new Error(`${this.outstanding} messages could not be published`);
			this.flush();
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}

	close(): void {
		this.#closing = true;
		this.#socket?.end(Buffer.from([0xe0, 0]));
	}

	#connect(onFirst?: () => void): void {
		const socket = connect(this.options.port, '127.0.0.1');
		this.#socket = socket;
		this.#rest = Buffer.alloc(0);
		socket.setNoDelay(true);
		socket.on('connect', () => socket.write(connectPacket(this.options.clientId)));
		socket.on('data', (data: Buffer) => this.#read(data, onFirst));
		socket.on('error', () => undefined);
		socket.on('close', () => {
			this.#connected = false;
			this.#waiting.splice(0, this.#head, ...this.#flying.values());
			this.#head = 0;
			this.#flying.clear();
			if (!this.#closing) setTimeout(() => this.#connect(onFirst), 100);
		});
	}

	/** Only CONNACK and PUBACK come: four bytes each in MQTT 3.1.1. */
	#read(data: Buffer, onConnect: (() => void) | undefined): void {
		const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, data]) : data;
		let at = 0;
		for (; at + 4 <= bytes.length; at += 4) {
			if (bytes[at] === PUBACK) {
				const id = bytes.readUInt16BE(at + 2);
				const message = this.#flying.get(id);
				if (!message) continue;
				this.#flying.delete(id);
				if (message.acknowledgedAt === undefined) this.delivered++;
				message.acknowledgedAt = Date.now();
				if (this.options.keepMs) this.#lately.push(message);
			} else {
				this.#connected = true;
				onConnect?.();
			}
		}
		this.#rest = bytes.subarray(at);
		this.flush();
	}

	#encode({ topic, payload }: Sent, id: number, parts: Buffer[]): void {
		let name = this.#topics.get(topic);
		if (!name) {
			const text = Buffer.from(topic);
			name = Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), text]);
			this.#topics.set(topic, name);
		}
		const body = Buffer.from(payload);
		let length = name.length + (id > 0 ? 2 : 0) + body.length;
		const header = [0x30 | (id > 0 ? 2 : 0)];
		do {
			header.push((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
			length >>= 7;
		} while (length > 0);
		parts.push(Buffer.from(header), name);
		if (id > 0) parts.push(Buffer.from([id >> 8, id & 0xff]));
		parts.push(body);
	}
}
