/**
 * Storage codec: an adaptive range coder for columns of whole numbers.
 *
 * In: residuals of a prediction (integers, |r| < 2^53). Out: bytes, and the same integers back. Each residual is coded as its
 * bit length (a six-bit tree, in the context of the lengths before it), its sign, its leading bits adaptively and the rest as
 * plain bits. Binary coder after LZMA's (Pavlov), probabilities with counted adaptation after lpaq's StateMap (Mahoney), so that
 * a column of a hundred values already compresses. Synchronous: a chunk has many small columns.
 */

const ONE = 1 << 15;
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

/** One for all columns: coding is synchronous, and a column begins with a model that knows nothing. */
const sharedModel = new Int32Array(MODEL_SIZE);
function freshModel(): Int32Array {
	return sharedModel.fill((ONE / 2) << 8);
}

/** Number of bits of |value|, 0 for 0; value below 2^53. */
export function bitLength(magnitude: number): number {
	if (magnitude < 4294967296) return 32 - Math.clz32(magnitude);
	return 64 - Math.clz32(Math.floor(magnitude / 4294967296));
}

/** Adds one to the number that the first `end` bytes are. */
function carry(bytes: Uint8Array, end: number): void {
	let at = end - 1;
	while (at >= 0 && bytes[at] === 255) bytes[at--] = 0;
	if (at >= 0) bytes[at]!++;
}

/** Codes integers with |r| < 2^53. One function on local variables: a chunk of an hour has tens of thousands of these. */
export function encodeResiduals(residuals: Float64Array): Uint8Array {
	const count = residuals.length;
	const model = freshModel();
	let bytes = new Uint8Array(64 + 2 * count);
	let at = 0;
	let low = 0;
	let range = 0xffffffff;
	let context = 0;
	let previousLength = 0;
	let previousSign = 0;
	for (let i = 0; i < count; i++) {
		if (at + 32 > bytes.length) {
			const larger = new Uint8Array(bytes.length * 2);
			larger.set(bytes);
			bytes = larger;
		}
		const residual = residuals[i]!;
		const magnitude = residual < 0 ? -residual : residual;
		const length = bitLength(magnitude);
		// Six bits of length, then sign and leading bits: `symbol` holds them top first, `slot` walks their trees.
		let symbol = length;
		let shift = 5;
		let node = 1;
		let base = context << 6;
		let phase = 0;
		let left = length - 1;
		let rest = length > 0 ? magnitude - 2 ** left : 0;
		for (;;) {
			const slot = base + node;
			const bit = (symbol >> shift) & 1;
			const packed = model[slot]!;
			const uses = packed & 255;
			let p = packed >> 8;
			const bound = Math.imul(range >>> 15, p) >>> 0;
			if (bit) {
				range = bound;
				p += Math.imul(32768 - p, RATE[uses]!) >> 16;
				if (p > 32744) p = 32744;
			} else {
				const raised = (low + bound) >>> 0;
				if (raised < low) carry(bytes, at);
				low = raised;
				range = (range - bound) >>> 0;
				p -= Math.imul(p, RATE[uses]!) >> 16;
				if (p < 24) p = 24;
			}
			model[slot] = (p << 8) | (uses < LIMIT ? uses + 1 : uses);
			while (range < 16777216) {
				range = (range << 8) >>> 0;
				bytes[at++] = low >>> 24;
				low = (low << 8) >>> 0;
			}
			if (shift > 0) {
				shift--;
				node = (node << 1) | bit;
				continue;
			}
			if (phase === 0) {
				if (length === 0) break;
				phase = 1;
				symbol = residual < 0 ? 1 : 0;
				base = SIGN_AT + length * 3;
				node = previousSign;
				previousSign = 1 + symbol;
				continue;
			}
			if (phase === 1) {
				if (left === 0) break;
				phase = 2;
				const shaped = left < SHAPED_BITS ? left : SHAPED_BITS;
				left -= shaped;
				const unit = 2 ** left;
				symbol = Math.floor(rest / unit);
				rest -= symbol * unit;
				shift = shaped - 1;
				base = SHAPE_AT + length * 8;
				node = 1;
				continue;
			}
			break;
		}
		while (left > 0 && length > 0) {
			const step = left > 16 ? 16 : left;
			left -= step;
			const unit = 2 ** left;
			const part = Math.floor(rest / unit);
			rest -= part * unit;
			range = range >>> step;
			const raised = (low + range * part) % 4294967296;
			if (raised < low) carry(bytes, at);
			low = raised;
			while (range < 16777216) {
				range = (range << 8) >>> 0;
				bytes[at++] = low >>> 24;
				low = (low << 8) >>> 0;
			}
		}
		if (length === 0) previousSign = 0;
		context = CONTEXT_OF_LENGTH[(length + previousLength + 1) >> 1]!;
		previousLength = length;
	}
	for (let i = 0; i < 4; i++) {
		bytes[at++] = low >>> 24;
		low = (low << 8) >>> 0;
	}
	// Trailing zeros need not be kept: the decoder reads zeros past the end.
	while (at > 0 && bytes[at - 1] === 0) at--;
	return bytes.slice(0, at);
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
