/**
 * Storage, backup: stored rows as JSON and back, with what JSON lacks: NaN, infinities, -0, dates, maps, sets, bytes, typed arrays.
 *
 * In: anything IndexedDB stores of ours. Out: text. What is no JSON stands as `{"$": kind, "v": content}`.
 */
import { MillwrightError } from '../../contracts';

const arrays = {
	Int8Array,
	Uint8Array,
	Uint8ClampedArray,
	Int16Array,
	Uint16Array,
	Int32Array,
	Uint32Array,
	Float32Array,
	Float64Array
};
type ArrayName = keyof typeof arrays;

export function stringify(value: unknown): string {
	return JSON.stringify(pack(value));
}

/** @throws MillwrightError `invalid-file` */
export function parse(text: string): unknown {
	try {
		return unpack(JSON.parse(text));
	} catch (error) {
		if (error instanceof MillwrightError) throw error;
		throw new MillwrightError('invalid-file', `A record is no JSON: ${(error as Error).message}`);
	}
}

function pack(value: unknown): unknown {
	if (value === undefined) return { $: 'undefined' };
	if (typeof value === 'number')
		return Number.isFinite(value) && !Object.is(value, -0)
			? value
			: { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) };
	if (typeof value === 'bigint') return { $: 'bigint', v: String(value) };
	if (value === null || typeof value !== 'object') return value;
	if (Array.isArray(value)) return value.map(pack);
	if (value instanceof Date) return { $: 'date', v: pack(value.getTime()) };
	if (value instanceof Map) return { $: 'map', v: [...value].map(([k, v]) => [pack(k), pack(v)]) };
	if (value instanceof Set) return { $: 'set', v: [...value].map(pack) };
	if (value instanceof ArrayBuffer) return { $: 'bytes', v: toBase64(new Uint8Array(value)) };
	if (ArrayBuffer.isView(value)) {
		const name = Object.prototype.toString.call(value).slice(8, -1);
		if (!(name in arrays)) throw new MillwrightError('internal', `A backup cannot hold a ${name}`);
		return { $: name, v: toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
	}
	const entries = Object.entries(value).filter(([, content]) => content !== undefined);
	if (Object.hasOwn(value, '$')) return { $: 'object', v: entries.map(([k, v]) => [k, pack(v)]) };
	return Object.fromEntries(entries.map(([k, v]) => [k, pack(v)]));
}

function unpack(value: unknown): unknown {
	if (value === null || typeof value !== 'object') return value;
	if (Array.isArray(value)) return value.map(unpack);
	const tag = (value as { $?: unknown }).$;
	if (!Object.hasOwn(value, '$')) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, unpack(v)]));
	const content = (value as { v?: unknown }).v;
	switch (tag) {
		case 'undefined':
			return undefined;
		case 'number':
			return Number(content);
		case 'bigint':
			return BigInt(content as string);
		case 'date':
			return new Date(unpack(content) as number);
		case 'map':
			return new Map((content as [unknown, unknown][]).map(([k, v]) => [unpack(k), unpack(v)]));
		case 'set':
			return new Set((content as unknown[]).map(unpack));
		case 'object':
			return Object.fromEntries((content as [string, unknown][]).map(([k, v]) => [k, unpack(v)]));
		case 'bytes':
			return fromBase64(content as string).buffer;
		default:
			if (typeof tag === 'string' && Object.hasOwn(arrays, tag))
				return new arrays[tag as ArrayName](fromBase64(content as string).buffer);
			throw new MillwrightError('invalid-file', `A record holds something unknown (${String(tag)})`);
	}
}

function toBase64(bytes: Uint8Array): string {
	let text = '';
	for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
	return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
	const decoded = atob(text);
	const bytes = new Uint8Array(decoded.length);
	for (let i = 0; i < decoded.length; i++) bytes[i] = decoded.charCodeAt(i);
	return bytes;
}
