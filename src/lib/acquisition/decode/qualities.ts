/**
 * Data Acquisition, decoding: a source's quality or status code as our three classes.
 *
 * In: text ("good", "Bad_NoCommunication"), an OPC classic quality (0-255, IEC 62541 annex) or an OPC UA status code (32 bits,
 * severity in the two top bits, OPC 10000-4, 7.39). Out: `Quality`, or undefined if it is none of these.
 */
import { Quality } from '../../contracts';

export function parseQuality(value: unknown): Quality | undefined {
	if (typeof value === 'number') return fromCode(value);
	if (typeof value === 'object' && value !== null) {
		// OPC UA JSON: {Code, Symbol}
		const { Code, Symbol: symbol } = value as { Code?: unknown; Symbol?: unknown };
		return parseQuality(Code ?? symbol ?? 0);
	}
	if (typeof value !== 'string') return undefined;
	const text = value.trim().toLowerCase();
	if (/^\d+$/.test(text)) return fromCode(Number(text));
	if (text.startsWith('good') || text === 'ok' || text === 'valid') return Quality.good;
	if (text.startsWith('uncertain') || text === 'questionable') return Quality.uncertain;
	if (text.startsWith('bad') || text === 'invalid' || text === 'error') return Quality.bad;
	return undefined;
}

function fromCode(code: number): Quality | undefined {
	if (!Number.isInteger(code) || code < 0 || code > 0xffffffff) return undefined;
	if (code > 0xffff) return ([Quality.good, Quality.uncertain, Quality.bad, Quality.bad] as const)[code >>> 30];
	// Zero is "good" in OPC UA and "bad" in OPC classic; UA is what JSON payloads carry today.
	if (code === 0 || (code & 0xc0) === 0xc0) return Quality.good;
	return (code & 0xc0) === 0x40 ? Quality.uncertain : Quality.bad;
}

/** OPC UA only: any number is a status code. */
export function parseStatusCode(value: unknown): Quality {
	if (typeof value === 'number')
		return ([Quality.good, Quality.uncertain, Quality.bad, Quality.bad] as const)[value >>> 30]!;
	return parseQuality(value) ?? Quality.good;
}
