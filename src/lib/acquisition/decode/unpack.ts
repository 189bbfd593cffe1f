/**
 * Data Acquisition, decoding: payloads that are not text, as the structure that the same data would be in JSON.
 *
 * In: bytes that are not UTF-8. Out: an object or array from CBOR (RFC 8949) or MessagePack, or undefined. A first byte may begin
 * either, so both are tried; the whole payload must be used up. SenML's numeric CBOR labels become its JSON names (RFC 8428, 6).
 */
import { decode as decodeMessagePack } from '@msgpack/msgpack';
import { decode as decodeCbor } from 'cborg';
import { isFields } from './fields';

export type Packing = 'CBOR' | 'MessagePack';

const SENML_LABELS = new Map<unknown, string>([
	[-6, 'bs'],
	[-5, 'bv'],
	[-4, 'bu'],
	[-3, 'bt'],
	[-2, 'bn'],
	[-1, 'bver'],
	[0, 'n'],
	[1, 'u'],
	[2, 'v'],
	[3, 'vs'],
	[4, 'vb'],
	[5, 's'],
	[6, 't'],
	[7, 'ut'],
	[8, 'vd']
]);
const MAX_DEPTH = 12;

export function unpack(payload: Uint8Array): { readonly value: unknown; readonly packing: Packing } | undefined {
	const first = payload[0];
	if (first === undefined) return undefined;
	// Maps and arrays of either format begin with one of these; CBOR may put a tag (0xc0 to 0xdb) in front.
	if (first < 0x80) return undefined;
	const asMessagePack = () => attempt('MessagePack', () => decodeMessagePack(payload, { useBigInt64: false }));
	const asCbor = () => attempt('CBOR', () => decodeCbor(payload, cborOptions));
	// 0x81-0x8f is a small map in MessagePack and a small array in CBOR: a map is what messages usually are.
	return first < 0x90 || first >= 0xdc ? (asMessagePack() ?? asCbor()) : (asCbor() ?? asMessagePack());
}

const content = (decode: () => unknown) => decode();
const seconds = (decode: () => unknown) => {
	const value = decode();
	return typeof value === 'number' ? value : undefined;
};
const cborOptions = {
	useMaps: true,
	allowBigInt: true,
	// Times as text and as seconds, and the tag that only says "this is CBOR".
	tags: { 0: content, 1: seconds, 55799: content }
};

function attempt(packing: Packing, decode: () => unknown) {
	try {
		const value = plain(decode(), 0);
		const holds = Array.isArray(value) ? value.some(isFields) : isFields(value) && Object.keys(value).length > 0;
		return holds ? { value, packing } : undefined;
	} catch {
		return undefined;
	}
}

/** As JSON would hold it: maps as objects, large integers as numbers, byte strings as a word that no dialect takes for a value. */
function plain(value: unknown, depth: number): unknown {
	if (typeof value === 'bigint') return Number(value);
	if (typeof value !== 'object' || value === null) return value;
	if (depth > MAX_DEPTH) return 'nested too deep';
	if (value instanceof Date) return value.getTime();
	if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
	if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
	const fields: Record<string, unknown> = {};
	const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
	for (const [key, member] of entries) {
		const name = typeof key === 'string' ? key : (SENML_LABELS.get(key) ?? String(key));
		if (name !== '__proto__') fields[name] = plain(member, depth + 1);
	}
	return fields;
}
