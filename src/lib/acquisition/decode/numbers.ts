/**
 * Data Acquisition, decoding: what counts as a number in a payload.
 *
 * In: a JSON value. Out: a finite number, or undefined. Numbers as strings are accepted with a decimal point; a comma
 * is not, because "1,234" is a thousand to some and one to others.
 */
const NUMERIC = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export function parseNumber(value: unknown): number | undefined {
	if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
	if (typeof value === 'boolean') return value ? 1 : 0;
	if (typeof value === 'string') return parseNumericText(value);
	return undefined;
}

export function parseNumericText(text: string): number | undefined {
	if (text.length > 40) return undefined;
	const trimmed = text.trim();
	if (!NUMERIC.test(trimmed)) return undefined;
	const number = Number(trimmed);
	return Number.isFinite(number) ? number : undefined;
}

/** Text that stands for a number that is missing: worth counting as `not-a-number`, not as a field of text. */
export function isMissingNumber(value: unknown): boolean {
	if (value === null) return true;
	if (typeof value === 'number') return !Number.isFinite(value);
	return (
		typeof value === 'string' && /^\s*(?:[+-]?(?:nan|inf(?:inity)?)|null|none|undefined|n\/?a|-+|)\s*$/i.test(value)
	);
}

const NON_JSON_NUMBER = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|nan|Infinity|inf)\b/g;

/**
 * JSON.parse that also reads what Python, and others, write for missing numbers (NaN, Infinity): as null.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		if (!/NaN|nan|Infinity|inf/.test(text)) throw error;
		return JSON.parse(text.replace(NON_JSON_NUMBER, (token) => (token.startsWith('"') ? token : 'null')));
	}
}

/** A value for a message to a person: short, one line. */
export function describeValue(value: unknown): string {
	let text: string;
	try {
		text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
	} catch {
		text = String(value);
	}
	return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
