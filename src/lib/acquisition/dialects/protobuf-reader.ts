/**
 * Dialect support: reads the protobuf wire format (protobuf.dev/programming-guides/encoding), enough for Sparkplug B.
 *
 * In: bytes. Out: fields one after another. Every read is bounds-checked: damaged input throws `RangeError`, never loops.
 */
export class ProtobufReader {
	#at = 0;
	/** Low and high 32 bits of the newest varint or fixed64, unsigned. */
	low = 0;
	high = 0;

	constructor(private readonly bytes: Uint8Array) {}

	/** Field number and wire type of the next field, or undefined at the end. */
	next(): { readonly field: number; readonly wire: number } | undefined {
		if (this.#at >= this.bytes.length) return undefined;
		this.varint();
		const tag = this.low;
		if (tag >>> 3 === 0) throw new RangeError('protobuf: field 0');
		return { field: tag >>> 3, wire: tag & 7 };
	}

	/** Reads into `low` and `high`. */
	varint(): void {
		let low = 0;
		let high = 0;
		for (let shift = 0; shift < 70; shift += 7) {
			const byte = this.bytes[this.#at++];
			if (byte === undefined) throw new RangeError('protobuf: cut off in a number');
			const bits = byte & 0x7f;
			if (shift < 28) low |= bits << shift;
			else if (shift === 28) {
				low |= bits << 28;
				high |= bits >>> 4;
			} else high |= bits << (shift - 32);
			if (byte < 0x80) {
				this.low = low >>> 0;
				this.high = high >>> 0;
				return;
			}
		}
		throw new RangeError('protobuf: a number longer than 64 bits');
	}

	/** The newest varint as an unsigned number (exact to 2^53). */
	get unsigned(): number {
		return this.high * 4_294_967_296 + this.low;
	}

	/** The newest varint as a signed 64-bit number (exact to 2^53). */
	get signed(): number {
		return (this.high | 0) * 4_294_967_296 + this.low;
	}

	float(): number {
		const at = this.#take(4);
		return new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 4).getFloat32(0, true);
	}

	double(): number {
		const at = this.#take(8);
		return new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 8).getFloat64(0, true);
	}

	bytesField(): Uint8Array {
		this.varint();
		const length = this.unsigned;
		const at = this.#take(length);
		return this.bytes.subarray(at, at + length);
	}

	skip(wire: number): void {
		if (wire === 0) this.varint();
		else if (wire === 1) this.#take(8);
		else if (wire === 2) this.bytesField();
		else if (wire === 5) this.#take(4);
		else throw new RangeError(`protobuf: wire type ${wire}`);
	}

	#take(length: number): number {
		const at = this.#at;
		if (at + length > this.bytes.length) throw new RangeError('protobuf: cut off in a field');
		this.#at = at + length;
		return at;
	}
}
