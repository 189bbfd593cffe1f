/** Data Acquisition, decoding: a JSON object, as against a list, a value or nothing. */
export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
	typeof value === 'object' && value !== null && !Array.isArray(value);
