/**
 * Storage codec: an adaptive range coder for columns of whole numbers.
 *
 * In: residuals of a prediction (integers, |r| < 2^53). Out: bytes, and the same integers back. Each residual is coded as its
 * bit length (a six-bit tree, in the context of the lengths before it), its sign, its leading bits adaptively and the rest as
 * plain bits. Binary coder after LZMA's (Pavlov), probabilities with counted adaptation after lpaq's StateMap (Mahoney), so that
 * a column of a hundred values already compresses. Synchronous: a chunk has many small columns.
 */

const PROBABILITY_BITS = 15;
const ONE = 1 << PROBABILITY_BITS;
const LIMIT = 250;
const LENGTH_CONTEXTS = 32;
/** Bits below the leading one that get adaptive probabilities; the others are near random. */
const SHAPED_BITS = 3;
const SIGN_AT = LENGTH_CONTEXTS * 64;
const SHAPE_AT = SIGN_AT + 64 * 3;
const MODEL_SIZE = SHAPE_AT + 64 * 8;
const CONTEXT_OF_LENGTH = new Uint8Array(64).map((_, length) => Math.min(length, 31));

/** Step of a probability that has been used n times: 1/(n + 1.5), in 16ths of a bit. */
const RATE = new Int32Array(256).map((_, n) => Math.floor(65536 / (Math.min(n, 90) + 1.6)));

function freshModel(): Int32Array {
	return new Int32Array(MODEL_SIZE).fill((ONE / 2) << 8);
}

/** Number of bits of |value|, 0 for 0; value below 2^53. */
export function bitLength(magnitude: number): number {
	if (magnitude < 4294967296) return 32 - Math.clz32(magnitude);
	return 64 - Math.clz32(Math.floor(magnitude / 4294967296));
}

class RangeEncoder {
	private bytes = new Uint8Array(1024);
	private length = 0;
	private low = 0;
	private range = 0xffffffff;
	private cache = 0;
	private pending = 0;
	private started = false;

	private put(byte: number): void {
		if (this.length === this.bytes.length) {
			const larger = new Uint8Array(this.length * 2);
			larger.set(this.bytes);
			this.bytes = larger;
		}
		this.bytes[this.length++] = byte;
	}

	private shift(): void {
		const low = this.low;
		if (low < 0xff000000 || low >= 4294967296) {
			const carry = low >= 4294967296 ? 1 : 0;
			if (this.started) this.put((this.cache + carry) & 255);
			this.started = true;
			for (; this.pending > 0; this.pending--) this.put((255 + carry) & 255);
			this.cache = (low >>> 24) & 255;
		} else this.pending++;
		this.low = ((low & 0x00ffffff) << 8) >>> 0;
	}

	bit(model: Int32Array, at: number, bit: number): void {
		const packed = model[at]!;
		const count = packed & 255;
		let p = packed >> 8;
		const bound = Math.imul(this.range >>> PROBABILITY_BITS, p) >>> 0;
		if (bit) {
			this.range = bound;
			p += Math.imul(ONE - p, RATE[count]!) >> 16;
			if (p > ONE - 24) p = ONE - 24;
		} else {
			this.low += bound;
			this.range = (this.range - bound) >>> 0;
			p -= Math.imul(p, RATE[count]!) >> 16;
			if (p < 24) p = 24;
		}
		model[at] = (p << 8) | (count < LIMIT ? count + 1 : count);
		while (this.range < 16777216) {
			this.range = (this.range << 8) >>> 0;
			this.shift();
		}
	}

	/** `count` plain bits of `value`, at most 16. */
	plain(value: number, count: number): void {
		this.range = this.range >>> count;
		this.low += this.range * value;
		while (this.range < 16777216) {
			this.range = (this.range << 8) >>> 0;
			this.shift();
		}
	}

	finish(): Uint8Array {
		for (let i = 0; i < 5; i++) this.shift();
		// Trailing zeros need not be kept: the decoder reads zeros past the end.
		let end = this.length;
		while (end > 0 && this.bytes[end - 1] === 0) end--;
		return this.bytes.slice(0, end);
	}
}

/** Codes integers with |r| < 2^53. */
export function encodeResiduals(residuals: Float64Array): Uint8Array {
	const coder = new RangeEncoder();
	const model = freshModel();
	let context = 0;
	let previousLength = 0;
	let previousSign = 0;
	for (let i = 0; i < residuals.length; i++) {
		const residual = residuals[i]!;
		const magnitude = Math.abs(residual);
		const length = bitLength(magnitude);
		let node = 1;
		for (let shift = 5; shift >= 0; shift--) {
			const bit = (length >> shift) & 1;
			coder.bit(model, context * 64 + node, bit);
			node = (node << 1) | bit;
		}
		if (length > 0) {
			const negative = residual < 0 ? 1 : 0;
			coder.bit(model, SIGN_AT + length * 3 + previousSign, negative);
			previousSign = 1 + negative;
			let left = length - 1;
			let shaped = 1;
			let rest = magnitude - 2 ** left;
			for (let taken = 0; taken < SHAPED_BITS && left > 0; taken++) {
				left--;
				const unit = 2 ** left;
				const bit = rest >= unit ? 1 : 0;
				if (bit) rest -= unit;
				coder.bit(model, SHAPE_AT + length * 8 + shaped, bit);
				shaped = (shaped << 1) | bit;
			}
			while (left > 0) {
				const step = left > 16 ? 16 : left;
				left -= step;
				const unit = 2 ** left;
				const part = Math.floor(rest / unit);
				rest -= part * unit;
				coder.plain(part, step);
			}
		} else previousSign = 0;
		context = CONTEXT_OF_LENGTH[(length + previousLength + 1) >> 1]!;
		previousLength = length;
	}
	return coder.finish();
}

/** The integers that `encodeResiduals` coded; `count` of them. */
export function decodeResiduals(bytes: Uint8Array, count: number): Float64Array {
	const out = new Float64Array(count);
	const model = freshModel();
	let at = 0;
	let range = 0xffffffff;
	let code = 0;
	const end = bytes.length;
	for (; at < 4; at++) code = ((code << 8) | (at < end ? bytes[at]! : 0)) >>> 0;
	let context = 0;
	let previousLength = 0;
	let previousSign = 0;
	for (let i = 0; i < count; i++) {
		let node = 1;
		const base = context << 6;
		do {
			const slot = base + node;
			const packed = model[slot]!;
			const uses = packed & 255;
			let p = packed >> 8;
			const bound = Math.imul(range >>> 15, p) >>> 0;
			if (code < bound) {
				range = bound;
				p += Math.imul(32768 - p, RATE[uses]!) >> 16;
				if (p > 32744) p = 32744;
				node = (node << 1) | 1;
			} else {
				code = (code - bound) >>> 0;
				range = (range - bound) >>> 0;
				p -= Math.imul(p, RATE[uses]!) >> 16;
				if (p < 24) p = 24;
				node = node << 1;
			}
			model[slot] = (p << 8) | (uses < LIMIT ? uses + 1 : uses);
			while (range < 16777216) {
				range = (range << 8) >>> 0;
				code = ((code << 8) | (at < end ? bytes[at]! : 0)) >>> 0;
				at++;
			}
		} while (node < 64);
		const length = node - 64;
		if (length > 0) {
			let slot = SIGN_AT + length * 3 + previousSign;
			let shaped = 0; // 0 while the sign is read, then the tree node
			let negative = 0;
			let left = length - 1;
			let magnitude = 1;
			let adaptive = 1 + (left < SHAPED_BITS ? left : SHAPED_BITS);
			for (; adaptive > 0; adaptive--) {
				const packed = model[slot]!;
				const uses = packed & 255;
				let p = packed >> 8;
				const bound = Math.imul(range >>> 15, p) >>> 0;
				let bit = 0;
				if (code < bound) {
					range = bound;
					p += Math.imul(32768 - p, RATE[uses]!) >> 16;
					if (p > 32744) p = 32744;
					bit = 1;
				} else {
					code = (code - bound) >>> 0;
					range = (range - bound) >>> 0;
					p -= Math.imul(p, RATE[uses]!) >> 16;
					if (p < 24) p = 24;
				}
				model[slot] = (p << 8) | (uses < LIMIT ? uses + 1 : uses);
				while (range < 16777216) {
					range = (range << 8) >>> 0;
					code = ((code << 8) | (at < end ? bytes[at]! : 0)) >>> 0;
					at++;
				}
				if (shaped === 0) {
					negative = bit;
					shaped = 1;
				} else {
					shaped = (shaped << 1) | bit;
					magnitude = (magnitude << 1) | bit;
					left--;
				}
				slot = SHAPE_AT + length * 8 + shaped;
			}
			while (left > 0) {
				const step = left > 16 ? 16 : left;
				left -= step;
				range = range >>> step;
				let part = Math.floor(code / range);
				if (part >= 1 << step) part = (1 << step) - 1; // only in damaged bytes
				code = (code - Math.imul(part, range)) >>> 0;
				magnitude = magnitude * (1 << step) + part;
				while (range < 16777216) {
					range = (range << 8) >>> 0;
					code = ((code << 8) | (at < end ? bytes[at]! : 0)) >>> 0;
					at++;
				}
			}
			out[i] = negative ? -magnitude : magnitude;
			previousSign = 1 + negative;
		} else previousSign = 0;
		context = CONTEXT_OF_LENGTH[(length + previousLength + 1) >> 1]!;
		previousLength = length;
	}
	return out;
}
