/**
 * Data Acquisition, MQTT: takes PUBLISH packets out of the byte stream, everything else goes on to mqtt.js.
 *
 * In: chunks as the WebSocket delivers them, cut anywhere. Out: publishes at once and in order, other packets as bytes. mqtt.js
 * hands packets over one timer apart and one handler at a time; this reader lets acknowledgements wait for a commit while
 * the stream runs on, and reads a frame of thousands of packets in one go.
 */
import { TopicNames } from './topic-names';

export interface PublishPacket {
	readonly topic: string;
	/** A view into the received chunk: valid until the handler returns. */
	readonly payload: Uint8Array;
	readonly qos: 0 | 1;
	readonly retain: boolean;
	/** 0 at QoS 0. */
	readonly packetId: number;
	/** Full size of a payload that was too large to keep; `payload` then is only its beginning. */
	readonly refusedBytes?: number;
}

/** Larger packets are not gathered: their beginning is reported, the rest skipped as it comes. */
const HEAD_BYTES = 68_000; // longest topic (65,535), header, and something to show
const PUBLISH = 3;

export class MqttFrameReader {
	#parts: Uint8Array[] = [];
	#gathered = 0;
	/** Bytes that must be there before parsing can go on. */
	#needed = 0;
	#skip = 0;
	#broken = false;
	readonly #topics = new TopicNames();

	constructor(
		private readonly version: 4 | 5,
		private readonly maxPacketBytes: number,
		private readonly onPublish: (packet: PublishPacket) => void,
		private readonly onOther: (bytes: Uint8Array) => void
	) {}

	push(chunk: Uint8Array): void {
		if (this.#broken) return this.onOther(chunk);
		if (this.#skip > 0) {
			const skipped = Math.min(this.#skip, chunk.length);
			this.#skip -= skipped;
			chunk = chunk.subarray(skipped);
		}
		if (chunk.length === 0) return;
		if (this.#gathered > 0) {
			this.#parts.push(chunk);
			this.#gathered += chunk.length;
			if (this.#gathered < this.#needed) return;
			chunk = concat(this.#parts, this.#gathered);
			this.#parts = [];
			this.#gathered = 0;
		}
		const used = this.#parse(chunk);
		if (used < chunk.length) {
			const rest = chunk.subarray(used);
			this.#parts.push(rest);
			this.#gathered = rest.length;
		}
	}

	/** Returns how many bytes are done with; sets `#needed` when the rest is incomplete. */
	#parse(bytes: Uint8Array): number {
		let at = 0;
		while (at < bytes.length) {
			let length = 0;
			let header = 1;
			for (let shift = 0; ; shift += 7, header++) {
				if (header > 4) return this.#giveUp(bytes, at);
				const byte = bytes[at + header];
				if (byte === undefined) {
					this.#needed = bytes.length - at + 1;
					return at;
				}
				length += (byte & 0x7f) * 2 ** shift;
				if (byte < 0x80) break;
			}
			header++;
			const first = bytes[at]!;
			const isPublish = first >> 4 === PUBLISH && (first & 0x06) <= 0x02;
			const end = at + header + length;
			if (end > bytes.length) {
				const available = bytes.length - at;
				if (!isPublish || length <= this.maxPacketBytes) {
					this.#needed = end - at;
					return at;
				}
				if (available < HEAD_BYTES) {
					this.#needed = Math.min(HEAD_BYTES, end - at);
					return at;
				}
				if (!this.#publish(bytes, at + header, bytes.length, first, length)) return this.#giveUp(bytes, at);
				this.#skip = end - bytes.length;
				return bytes.length;
			}
			if (!isPublish) this.onOther(bytes.subarray(at, end));
			else if (!this.#publish(bytes, at + header, end, first, length)) return this.#giveUp(bytes, at);
			at = end;
		}
		return at;
	}

	/** False if the packet is malformed. `end` may lie before the packet's true end when it is too large. */
	#publish(bytes: Uint8Array, start: number, end: number, first: number, length: number): boolean {
		if (start + 2 > end) return false;
		const topicLength = (bytes[start]! << 8) | bytes[start + 1]!;
		let at = start + 2;
		if (at + topicLength > end) return false;
		const topic = this.#topics.read(bytes, at, at + topicLength);
		at += topicLength;
		const qos = first & 0x02 ? 1 : 0;
		let packetId = 0;
		if (qos === 1) {
			if (at + 2 > end) return false;
			packetId = (bytes[at]! << 8) | bytes[at + 1]!;
			if (packetId === 0) return false;
			at += 2;
		}
		if (this.version === 5) {
			let properties = 0;
			for (let shift = 0; ; shift += 7) {
				if (at >= end || shift > 21) return false;
				const byte = bytes[at++]!;
				properties += (byte & 0x7f) * 2 ** shift;
				if (byte < 0x80) break;
			}
			at += properties;
			if (at > end) return false;
		}
		const payload = bytes.subarray(at, end);
		const payloadBytes = start + length - at;
		const retain = (first & 0x01) === 1;
		if (length > this.maxPacketBytes)
			this.onPublish({ topic, payload, qos, retain, packetId, refusedBytes: payloadBytes });
		else this.onPublish({ topic, payload, qos, retain, packetId });
		return true;
	}

	/** Malformed: mqtt.js gets the rest and closes the connection with the proper error. */
	#giveUp(bytes: Uint8Array, at: number): number {
		this.#broken = true;
		this.onOther(bytes.subarray(at));
		return bytes.length;
	}
}

function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
	const whole = new Uint8Array(length);
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}
