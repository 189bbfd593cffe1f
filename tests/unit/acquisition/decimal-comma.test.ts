import { describe, expect, it } from 'vitest';
import { parseCell, usesDecimalComma } from '$lib/acquisition/files/csv-columns';

describe('decimal point or comma', () => {
	it('takes three decimals after a point for decimals: volts of 224.993 are no quarter of a million', () => {
		const cells = ['209.639', '221.250', '224.993'];
		expect(usesDecimalComma(cells)).toBe(false);
		expect(parseCell('224.993', usesDecimalComma(cells))).toBe(224.993);
	});

	it('knows thousands groups where a point cannot be a decimal one', () => {
		expect(usesDecimalComma(['1.224.993', '2.000.000'])).toBe(true);
		expect(usesDecimalComma(['1.224,5', '993,25'])).toBe(true);
		expect(parseCell('1.224,5', true)).toBe(1224.5);
	});
});
