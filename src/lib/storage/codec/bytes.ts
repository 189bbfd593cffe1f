/**
 * Storage codec: growing byte buffers with varints, their reader, and the CRC-32 that guards every chunk.
 *
 * In: numbers and byte runs. Out: one Uint8Array. A read past the end is a MillwrightError ('invalid-file'), never a wrong value.
 */
import { MillwrightError } from '../../contracts';

export class ByteWriter {
	private bytes = new Uint8Array(256);
	length = 0;

	private reserve(more: number): void {
		if (this.length + more <= this.bytes.length) return;
		const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
		larger.set(this.bytes.subarray(0, this.length));
		this.bytes = larger;
	}

	byte(value: number): void {
		this.reserve(1);
		this.bytes[this.length++] = value;
	}

	/** Whole number, 0 <= value < 2^53, seven bits a byte. */
	varint(value: number): void {
		let left = value;
		while (left >= 128) {
			this.byte((left % 128) | 128);
			left = Math.floor(left / 128);
		}
		this.byte(left);
	}

	uint32(value: number): void {
		this.reserve(4);
		new DataView(this.bytes.buffer).setUint32(this.length, value, true);
		this.length += 4;
	}

	float64(value: number): void {
		this.reserve(8);
		new DataView(this.bytes.buffer).setFloat64(this.length, value, true);
		this.length += 8;
	}

	run(bytes: Uint8Array): void {
		this.reserve(bytes.length);
		this.bytes.set(bytes, this.length);
		this.length += bytes.length;
	}

	take(): Uint8Array<ArrayBuffer> {
		return this.bytes.slice(0, this.length);
	}
}

export class ByteReader {
	private readonly view: DataView;
	constructor(
		private readonly bytes: Uint8Array,
		public at = 0
	) {
		this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	private claim(count: number): number {
		const from = this.at;
		if (!(count >= 0) || from + count > this.bytes.length)
			throw new MillwrightError(
				'invalid-file',
				`Stored data ends too early: ${count} bytes wanted at ${from} of ${this.bytes.length}`
			);
		this.at += count;
		return from;
	}

	byte(): number {
		return this.bytes[this.claim(1)]!;
	}

	varint(): number {
		let value = 0;
		let unit = 1;
		for (let i = 0; i < 8; i++) {
			const byte = this.byte();
			value += (byte & 127) * unit;
			if (byte < 128) return value;
			unit *= 128;
		}
		throw new MillwrightError('invalid-file', `Stored data is damaged: an endless number at ${this.at}`);
	}

	uint32(): number {
		return this.view.getUint32(this.claim(4), true);
	}

	float64(): number {
		return this.view.getFloat64(this.claim(8), true);
	}

	run(count: number): Uint8Array {
		const from = this.claim(count);
		return this.bytes.subarray(from, from + count);
	}
}

const CRC_TABLE = new Int32Array(256).map((_, n) => {
	let c = n;
	for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
	return c;
});

/** CRC-32 (IEEE 802.3), as an unsigned number. */
export function crc32(bytes: Uint8Array): number {
	let crc = -1;
	for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
	return ~crc >>> 0;
}
