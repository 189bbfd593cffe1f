/**
 * Storage codec: one column of float64 values to bytes and back, bit for bit.
 *
 * In: a Float64Array (any values: NaN with payloads, -0, infinities). Out: bytes that open with the form chosen. Forms: constant;
 * whole numbers times a power of ten (most sensors print decimals); ranks in a dictionary (quantised by an ADC); float32; float64
 * as its two halves. The smallest is kept. Values that a form cannot carry exactly are listed beside it as exceptions.
 */
import { MillwrightError } from '../../contracts';
import { bitLength, decodeResiduals, encodeResiduals } from './range-coder';
import { ByteReader, ByteWriter } from './bytes';

const Form = { constant: 0, decimal: 1, dictionary: 2, float32: 3, float64: 4 } as const;
const MAX_EXPONENT = 9;
const MAX_WHOLE = 2 ** 49;
const POWERS = Array.from({ length: MAX_EXPONENT + 1 }, (_, e) => 10 ** e);

/** Value columns whose distinct values are more than this many, or more than a quarter of the rows, get no dictionary. */
const MAX_DICTIONARY = 4096;

export function encodeColumn(values: Float64Array): Uint8Array {
	const count = values.length;
	const out = new ByteWriter();
	if (count === 0) return out.take();
	const bits = bitsOf(values);
	if (isConstant(bits)) {
		out.byte(Form.constant);
		out.uint32(bits[0]!);
		out.uint32(bits[1]!);
		return out.take();
	}
	const decimal = planDecimal(values, bits);
	const dictionary = planDictionary(values, bits);
	if (dictionary && (!decimal || dictionary.bits < decimal.bits)) return dictionary.encode();
	return decimal?.encode() ?? encodeFloat32(values, bits) ?? encodeFloat64(bits);
}

export function decodeColumn(bytes: Uint8Array, count: number): Float64Array {
	const out = new Float64Array(count);
	if (count === 0) return out;
	const reader = new ByteReader(bytes);
	const form = reader.byte();
	const bits = new Uint32Array(out.buffer);
	switch (form) {
		case Form.constant: {
			const low = reader.uint32();
			const high = reader.uint32();
			for (let i = 0; i < count; i++) {
				bits[2 * i] = low;
				bits[2 * i + 1] = high;
			}
			return out;
		}
		case Form.decimal: {
			const exponent = reader.byte();
			const power = POWERS[exponent];
			if (power === undefined) throw new MillwrightError('invalid-file', `Stored column has no scale ${exponent}`);
			const exceptions = readExceptions(reader);
			const whole = decodeWhole(reader, count);
			if (power === 1) out.set(whole);
			else for (let i = 0; i < count; i++) out[i] = whole[i]! / power;
			applyExceptions(exceptions, bits, count);
			return out;
		}
		case Form.dictionary: {
			const size = reader.varint();
			const table = decodeColumn(reader.run(reader.varint()), size);
			const tableBits = new Uint32Array(table.buffer);
			const ranks = decodeWhole(reader, count);
			for (let i = 0; i < count; i++) {
				const rank = ranks[i]!;
				bits[2 * i] = tableBits[2 * rank]!;
				bits[2 * i + 1] = tableBits[2 * rank + 1]!;
			}
			return out;
		}
		case Form.float32: {
			const exceptions = readExceptions(reader);
			const ordered = decodeWhole(reader, count);
			const single = new Float32Array(1);
			const singleBits = new Uint32Array(single.buffer);
			for (let i = 0; i < count; i++) {
				singleBits[0] = unorder32(ordered[i]!);
				out[i] = single[0]!;
			}
			applyExceptions(exceptions, bits, count);
			return out;
		}
		case Form.float64: {
			const low = reader.run(4 * count);
			const high = decodeWhole(reader, count);
			const view = new DataView(low.buffer, low.byteOffset, low.byteLength);
			for (let i = 0; i < count; i++) {
				bits[2 * i] = view.getUint32(4 * i, true);
				bits[2 * i + 1] = unorder32(high[i]!);
			}
			return out;
		}
		default:
			throw new MillwrightError('invalid-file', `Stored column has an unknown form ${form}`);
	}
}

function bitsOf(values: Float64Array): Uint32Array {
	return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

function isConstant(bits: Uint32Array): boolean {
	const low = bits[0];
	const high = bits[1];
	for (let i = 2; i < bits.length; i += 2) if (bits[i] !== low || bits[i + 1] !== high) return false;
	return true;
}

/** The smallest power of ten that makes a value whole and gives it back bit for bit; -1: none. */
function exponentOf(value: number, from: number): number {
	for (let e = from; e <= MAX_EXPONENT; e++) {
		const whole = Math.round(value * POWERS[e]!);
		if (whole > MAX_WHOLE || whole < -MAX_WHOLE) return -1;
		if (whole / POWERS[e]! === value) return e;
	}
	return -1;
}

/** A way to code a column, with a guess at its size that is cheap to make. */
interface Plan {
	readonly bits: number;
	encode(): Uint8Array;
}

function planDecimal(values: Float64Array, bits: Uint32Array): Plan | undefined {
	const count = values.length;
	let exponent = 0;
	const exceptional: number[] = [];
	const allowed = Math.max(2, count >> 4);
	for (let i = 0; i < count; i++) {
		const value = values[i]!;
		const fits = value === 0 ? bits[2 * i + 1] === 0 : Number.isFinite(value);
		const needed = fits ? exponentOf(value, exponent) : -1;
		if (needed >= 0) exponent = needed;
		else if (exceptional.push(i) > allowed) return undefined;
	}
	const power = POWERS[exponent]!;
	const whole = new Float64Array(count);
	let next = 0;
	let previous = 0;
	for (let i = 0; i < count; i++) {
		if (exceptional[next] === i) next++;
		else {
			const scaled = Math.round(values[i]! * power);
			// A value that fitted a smaller power can fail at a larger one (out of range, or another rounding).
			if (scaled / power !== values[i] || scaled > MAX_WHOLE || scaled < -MAX_WHOLE) return undefined;
			previous = scaled;
		}
		whole[i] = previous;
	}
	const prediction = planWhole(whole);
	return {
		bits: prediction.bits + 80 * exceptional.length,
		encode() {
			const out = new ByteWriter();
			out.byte(Form.decimal);
			out.byte(exponent);
			writeExceptions(out, exceptional, bits);
			encodeWhole(out, whole, prediction.order);
			return out.take();
		}
	};
}

function planDictionary(values: Float64Array, bits: Uint32Array): Plan | undefined {
	const count = values.length;
	if (count < 16) return undefined;
	const limit = Math.min(MAX_DICTIONARY, count >> 2);
	const seen = new Map<number, number>();
	// Nearly all different in a first look: no dictionary will pay.
	const look = Math.min(count, 400);
	if (new Set(values.subarray(0, look)).size > look * 0.75) return undefined;
	for (let i = 0; i < count; i++) {
		const value = values[i]!;
		if (value !== value || (value === 0 && bits[2 * i + 1] !== 0)) return undefined;
		if (!seen.has(value)) {
			if (seen.size >= limit) return undefined;
			seen.set(value, 0);
		}
	}
	const table = Float64Array.from(seen.keys()).sort();
	table.forEach((value, rank) => seen.set(value, rank));
	const ranks = new Float64Array(count);
	for (let i = 0; i < count; i++) ranks[i] = seen.get(values[i]!)!;
	const prediction = planWhole(ranks);
	return {
		bits: prediction.bits + 14 * table.length,
		encode() {
			const tableBits = bitsOf(table);
			const tableBytes =
				planDecimal(table, tableBits)?.encode() ?? encodeFloat32(table, tableBits) ?? encodeFloat64(tableBits);
			const out = new ByteWriter();
			out.byte(Form.dictionary);
			out.varint(table.length);
			out.varint(tableBytes.length);
			out.run(tableBytes);
			encodeWhole(out, ranks, prediction.order);
			return out.take();
		}
	};
}

function encodeFloat32(values: Float64Array, bits: Uint32Array): Uint8Array | undefined {
	const count = values.length;
	const exceptional: number[] = [];
	const ordered = new Float64Array(count);
	const single = new Float32Array(1);
	const singleBits = new Uint32Array(single.buffer);
	let previous = 0;
	for (let i = 0; i < count; i++) {
		single[0] = values[i]!;
		if (single[0] === values[i]) previous = order32(singleBits[0]!);
		else if (exceptional.push(i) > Math.max(2, count >> 4)) return undefined;
		ordered[i] = previous;
	}
	const out = new ByteWriter();
	out.byte(Form.float32);
	writeExceptions(out, exceptional, bits);
	encodeWhole(out, ordered);
	return out.take();
}

function encodeFloat64(bits: Uint32Array): Uint8Array {
	const count = bits.length >> 1;
	const low = new Uint8Array(4 * count);
	const view = new DataView(low.buffer);
	const high = new Float64Array(count);
	for (let i = 0; i < count; i++) {
		view.setUint32(4 * i, bits[2 * i]!, true);
		high[i] = order32(bits[2 * i + 1]!);
	}
	const out = new ByteWriter();
	out.byte(Form.float64);
	out.run(low);
	encodeWhole(out, high);
	return out.take();
}

/** Float bits to a signed whole number in the floats' own order. */
function order32(bits: number): number {
	return bits & 0x80000000 ? -(bits & 0x7fffffff) - 1 : bits;
}
function unorder32(ordered: number): number {
	return ordered < 0 ? (-(ordered + 1) | 0x80000000) >>> 0 : ordered;
}

function writeExceptions(out: ByteWriter, positions: readonly number[], bits: Uint32Array): void {
	out.varint(positions.length);
	let previous = 0;
	for (const position of positions) {
		out.varint(position - previous);
		previous = position;
		out.uint32(bits[2 * position]!);
		out.uint32(bits[2 * position + 1]!);
	}
}
function readExceptions(reader: ByteReader): [position: number, low: number, high: number][] {
	const found: [number, number, number][] = [];
	let position = 0;
	for (let left = reader.varint(); left > 0; left--) {
		position += reader.varint();
		found.push([position, reader.uint32(), reader.uint32()]);
	}
	return found;
}
function applyExceptions(exceptions: readonly [number, number, number][], bits: Uint32Array, count: number): void {
	for (const [position, low, high] of exceptions) {
		if (position >= count) throw new MillwrightError('invalid-file', `Stored exception lies outside its column`);
		bits[2 * position] = low;
		bits[2 * position + 1] = high;
	}
}

/** Whole numbers by the prediction that leaves least: the value itself, its step, the change of its step. */
function planWhole(whole: Float64Array): { order: number; bits: number } {
	let none = 0;
	let first = 0;
	let second = 0;
	let one = 0;
	let two = 0;
	for (let i = 0; i < whole.length; i++) {
		const value = whole[i]!;
		none += bitLength(Math.abs(value));
		first += bitLength(Math.abs(value - one));
		second += bitLength(Math.abs(value - 2 * one + two));
		two = one;
		one = value;
	}
	const bits = Math.min(none, first, second);
	return { order: bits === none ? 0 : bits === first ? 1 : 2, bits };
}

function encodeWhole(out: ByteWriter, whole: Float64Array, order = planWhole(whole).order): void {
	const count = whole.length;
	let one = 0;
	let two = 0;
	out.byte(order);
	const residuals = new Float64Array(count);
	for (let i = 0; i < count; i++) {
		const value = whole[i]!;
		residuals[i] = order === 0 ? value : order === 1 ? value - one : value - 2 * one + two;
		two = one;
		one = value;
	}
	const coded = encodeResiduals(residuals);
	out.varint(coded.length);
	out.run(coded);
}

function decodeWhole(reader: ByteReader, count: number): Float64Array {
	const order = reader.byte();
	const whole = decodeResiduals(reader.run(reader.varint()), count);
	let one = 0;
	let two = 0;
	if (order === 1) for (let i = 0; i < count; i++) whole[i] = one = whole[i]! + one;
	else if (order === 2)
		for (let i = 0; i < count; i++) {
			const value = whole[i]! + 2 * one - two;
			whole[i] = value;
			two = one;
			one = value;
		}
	else if (order !== 0) throw new MillwrightError('invalid-file', `Stored column has an unknown prediction ${order}`);
	return whole;
}
